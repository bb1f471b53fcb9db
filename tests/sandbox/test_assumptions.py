from typing import Any

import aiohttp
import pytest

from partnero_async.sandbox import Assumptions

PARTNER = {"email": "a@example.com", "id": "p", "key": "pk"}
CUSTOMER = {"key": "c", "partner": {"id": "p"}}


@pytest.fixture
def assume(serve: Any) -> Any:
    """Start a sandbox with assumptions, partner p and customer c."""

    async def start(**switches: Any) -> Any:
        _, api = await serve(assumptions=Assumptions(**switches))
        assert (await api("POST", "/partners", PARTNER))[0] == 201
        assert (await api("POST", "/customers", CUSTOMER))[0] == 200
        return api

    return start


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param(
            "full",
            {
                "status": 0,
                "message": "Some values were not accepted.",
                "errors": {"email": ["This value is needed."]},
            },
            id="full",
        ),
        pytest.param(
            "message", {"message": "Some values were not accepted."}, id="message"
        ),
        pytest.param(
            "errors",
            {"status": 0, "errors": {"email": ["This value is needed."]}},
            id="errors",
        ),
        pytest.param("empty", {}, id="empty"),
    ],
)
async def test_error_body(assume: Any, form: str, expected: Any) -> None:
    """The members of a refusal's body."""
    api = await assume(error_body=form)
    assert await api("POST", "/partners", {}) == (422, expected)


async def test_error_body_as_a_page(serve: Any) -> None:
    """A web page instead of JSON."""
    sandbox, _ = await serve(assumptions=Assumptions(error_body="html"))
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{sandbox.url}/partners/no") as answer,
    ):
        assert answer.status == 404
        assert answer.headers["Content-Type"] == "text/html"
        assert "<body>404</body>" in await answer.text()


@pytest.mark.parametrize(
    ("path", "body"),
    [("/partners", PARTNER), ("/customers", CUSTOMER)],
    ids=["partner", "customer"],
)
async def test_conflict_status(assume: Any, path: str, body: Any) -> None:
    """409 where third-party code expects it."""
    api = await assume(conflict_status=409)
    assert (await api("POST", path, body))[0] == 409


@pytest.mark.parametrize(
    ("query", "meta"),
    [
        pytest.param("limit=1000", (1, 250), id="limit above"),
        pytest.param("limit=0&page=0", (1, 1), id="below"),
    ],
)
async def test_out_of_range_clamped(assume: Any, query: str, meta: Any) -> None:
    """A limit or page outside its range becomes the nearest one inside."""
    api = await assume(out_of_range="clamp")
    _, answer = await api("GET", f"/customers?{query}")
    assert (answer["meta"]["current_page"], answer["meta"]["per_page"]) == meta


async def test_filters_dropped_from_links(assume: Any) -> None:
    """Links with nothing but the page."""
    api = await assume(filters_in_links=False)
    _, answer = await api("GET", "/customers?limit=1")
    assert answer["links"]["first"].endswith("/customers?page=1")


async def test_search_exact_and_any(assume: Any) -> None:
    """Values match as a whole; one criterion is enough."""
    api = await assume(search_match="exact", search_combine="any")
    _, answer = await api("GET", "/partners:search?key=p&id=p")
    assert len(answer["data"]) == 1
    _, answer = await api("GET", "/partners:search?key=p&email=A@example.com")
    assert answer["data"] == []


async def test_deleted_listed(assume: Any) -> None:
    """Deleted partners, customers and sales stay visible in lists."""
    api = await assume(deleted_listed=True)
    await api("POST", "/transactions", {"amount": 1, "customer": {"key": "c"}})
    await api("DELETE", "/customers/c")
    await api("DELETE", "/partners/p")
    assert (await api("GET", "/partners"))[1]["data"][0]["status"] == "deleted"
    assert (await api("GET", "/customers"))[1]["data"][0]["deleted"] is True
    assert (await api("GET", "/transactions"))[1]["data"][0]["deleted_at"] is not None
    assert (await api("GET", "/partners/p"))[0] == 404


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        pytest.param("null", {"name": None}, id="null"),
        pytest.param("empty", {"name": ""}, id="empty"),
        pytest.param("missing", {}, id="missing"),
    ],
)
async def test_absent_text(assume: Any, reading: str, expected: Any) -> None:
    """How a name that was never given is answered."""
    api = await assume(absent_text=reading)
    for path in ("/partners/p", "/customers/c"):
        data = (await api("GET", path))[1]["data"]
        assert {k: v for k, v in data.items() if k == "name"} == expected


async def test_full_customer_items(assume: Any) -> None:
    """Lists of customers with status and tags."""
    api = await assume(full_customer_items=True)
    item = (await api("GET", "/customers"))[1]["data"][0]
    assert (item["status"], item["tags"]) == ("active", [])


async def test_repeats_of_actions(assume: Any) -> None:
    """Archiving again is fine, suspending again is not, deleting again is."""
    api = await assume(repeated_archive=200, repeated_suspend=400, repeated_delete=200)

    async def statuses(method: str, path: str) -> list[int]:
        return [(await api(method, path))[0] for _ in range(2)]

    assert await statuses("POST", "/customers/c/archive") == [200, 200]
    assert await statuses("POST", "/customers/c/suspend") == [200, 400]
    for path in ("/customers/c", "/partners/p"):
        assert await statuses("DELETE", path) == [200, 200]
    assert (await api("DELETE", "/partners"))[0] == 422


async def test_deletion_without_a_body(assume: Any) -> None:
    """204 instead of a status."""
    api = await assume(deletion_status=204)
    assert await api("DELETE", "/customers/c") == (204, None)


async def test_unknown_partner_recorded(assume: Any) -> None:
    """A sale with create_customer and an unknown partner counts for nobody."""
    api = await assume(unknown_partner="record")
    body = {
        "amount": 1,
        "customer": {"key": "n", "partner": {"key": "no"}},
        "options": {"create_customer": True},
    }
    status, answer = await api("POST", "/transactions", body)
    assert (status, answer["data"]["customer"]) == (200, None)
    body["customer"] = {"key": "n"}
    assert (await api("POST", "/transactions", body))[0] == 422


async def test_missing_key_is_null(assume: Any) -> None:
    """A sale that was sent without a key has none."""
    api = await assume(missing_key="null", unique_transaction_keys=True)
    for _ in range(2):
        sale = {"amount": 1, "customer": {"key": "c"}}
        _, answer = await api("POST", "/transactions", sale)
        assert answer["data"]["key"] is None


async def test_shared_key_means_all(assume: Any) -> None:
    """Archive and delete touch every sale under the key."""
    api = await assume(shared_key="all")
    for _ in range(2):
        sale = {"key": "t", "amount": 1, "customer": {"key": "c"}}
        await api("POST", "/transactions", sale)
    await api("POST", "/transactions/t/archive")
    _, answer = await api("GET", "/transactions?key=t")
    assert all(item["deleted_at"] for item in answer["data"])
    await api("DELETE", "/transactions/t")
    assert (await api("GET", "/transactions"))[1]["data"] == []


async def test_partner_keys(assume: Any) -> None:
    """A key in the path is found, and partners show it, as in the oldest docs."""
    api = await assume(key_in_partner_path=True, legacy_partner_key=True)
    assert (await api("GET", "/partners/pk"))[1]["data"]["key"] == "pk"
    assert (await api("GET", "/partners"))[1]["data"][0]["key"] == "pk"
    assert (await api("GET", "/partners/no"))[0] == 404
