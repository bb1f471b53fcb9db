from decimal import Decimal
from typing import Any

import pytest

STAMP = "2026-03-04T09:15:30.000000Z"


async def detail(api: Any, partner: str = "pt1") -> Any:
    """Read one partner."""
    status, body = await api("GET", f"/partners/{partner}")
    assert status == 200
    return body["data"]


async def test_created_partner_is_active_with_a_default_link(api: Any) -> None:
    """A partner is approved at once and owns a link; id and key are made up."""
    status, body = await api("POST", "/partners", {"email": "solo@example.com"})
    data = body["data"]
    assert status == 201
    assert len(data["id"]) == 12
    assert (data["name"], data["status"], data["approved"]) == (None, "active", True)
    assert data["referral_links"] == [data["referral_link"]]
    assert data["created_at"] == data["updated_at"] == STAMP


@pytest.mark.parametrize("path", ["/partners", "/partner"])
async def test_create_under_both_paths(api: Any, path: str) -> None:
    """The singular legacy path takes the same body."""
    assert (await api("POST", path, {"email": "x@example.com"}))[0] == 201


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param({}, ["email"], id="no email"),
        pytest.param({"email": "a"}, ["email"], id="malformed email"),
        pytest.param(
            {"email": "a@b.co", "password": "short"}, ["password"], id="weak password"
        ),
        pytest.param({"email": "a@b.co", "tags": [7]}, ["tags.0"], id="tags"),
        pytest.param({"email": "marisol@EXAMPLE.org"}, ["email"], id="email taken"),
        pytest.param({"email": "a@b.co", "id": "pt1"}, ["id"], id="id taken"),
        pytest.param({"email": "a@b.co", "key": "mk"}, ["key"], id="key taken"),
        pytest.param(
            {"email": "a@b.co", "referring_partner": {"key": 5}},
            ["referring_partner.key"],
            id="nested",
        ),
    ],
)
async def test_create_is_refused(
    api: Any, sandbox: Any, body: Any, fields: list[str]
) -> None:
    """Shape and uniqueness are checked with 422, naming the fields."""
    status, answer = await api("POST", "/partners", body)
    assert (status, answer["status"]) == (422, 0)
    assert answer["message"] == "Some values were not accepted."
    assert list(answer["errors"]) == fields
    assert len(sandbox.ledger) == 2


async def test_referring_partner_has_to_exist(api: Any) -> None:
    """The partner who recruited is named by id, key or e-mail; unknown is 404."""
    body = {"email": "n@example.com", "referring_partner": {"key": "nobody"}}
    assert (await api("POST", "/partners", body))[0] == 404
    body["referring_partner"] = {"email": "marisol@example.org"}
    assert (await api("POST", "/partners", body))[0] == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/partners/pt1", {"update": {"name": "New"}}, id="envelope"),
        pytest.param("/partners/pt1", {"name": "New"}, id="flat"),
        pytest.param(
            "/partners/pt1", {"name": "Old", "update": {"name": "New"}}, id="both"
        ),
        pytest.param(
            "/partners", {"key": "mk", "update": {"name": "New"}}, id="key in body"
        ),
        pytest.param(
            "/partners",
            {"email": "marisol@example.org", "update": {"name": "New"}},
            id="email in body",
        ),
        pytest.param("/partners", {"id": "pt1", "name": "New"}, id="flat, id in body"),
        pytest.param(
            "/partner", {"key": "mk", "update": {"name": "New"}}, id="singular"
        ),
    ],
)
async def test_update_in_every_form(api: Any, path: str, body: Any) -> None:
    """Path or body identifies, envelope wins over flat, the rest stays."""
    status, answer = await api("PUT", path, body)
    assert status == 200
    assert answer["data"]["name"] == "New"
    assert answer["data"]["email"] == "Marisol@example.org"
    assert answer["data"]["tags"] == [{"value": "blog"}]


@pytest.mark.parametrize(
    ("sent", "tags"),
    [
        pytest.param(["a", "b"], [{"value": "a"}, {"value": "b"}], id="replaces"),
        pytest.param([], [], id="clears"),
        pytest.param(None, [{"value": "blog"}], id="null keeps"),
    ],
)
async def test_update_of_tags(api: Any, sent: Any, tags: Any) -> None:
    """A list replaces the set, an empty one clears it, null leaves it alone."""
    _, answer = await api("PUT", "/partners/pt1", {"update": {"tags": sent}})
    assert answer["data"]["tags"] == tags


async def test_update_of_the_key_renames_the_default_link(api: Any, clock: Any) -> None:
    """The new key is in the link, the old one is nobody's, updated_at moves."""
    clock.now += 60
    _, answer = await api("PUT", "/partners/pt1", {"update": {"key": "new"}})
    assert answer["data"]["referral_link"] == "https://shop.example?aff=new"
    assert answer["data"]["updated_at"] == "2026-03-04T09:16:30.000000Z"
    assert answer["data"]["created_at"] == STAMP
    assert (await api("GET", "/partner?key=new"))[0] == 200
    assert (await api("GET", "/partner?key=mk"))[0] == 404


async def test_update_of_email_and_names(api: Any) -> None:
    """An empty text clears a name; the own e-mail in another case is not taken."""
    changes = {"email": "marisol@example.org", "name": "M", "surname": "O"}
    await api("PUT", "/partners/pt1", {"update": changes})
    _, answer = await api("PUT", "/partners/pt1", {"update": {"name": ""}})
    data = answer["data"]
    assert (data["email"], data["name"], data["surname"]) == (
        "marisol@example.org",
        None,
        "O",
    )


async def test_update_cannot_take_what_another_has(api: Any) -> None:
    """E-mail and key stay unique."""
    await api("POST", "/partners", {"email": "o@example.com", "id": "o", "key": "ok"})
    body = {"update": {"email": "marisol@example.org", "key": "mk"}}
    status, answer = await api("PUT", "/partners/o", body)
    assert status == 422
    assert sorted(answer["errors"]) == ["email", "key"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        pytest.param({"id": "pt1"}, None, id="id"),
        pytest.param({"key": "mk"}, None, id="key"),
        pytest.param({"email": "MARISOL@example.org"}, None, id="email"),
        pytest.param({}, {"key": "mk"}, id="key in a body"),
        pytest.param({}, {"email": "marisol@example.org"}, id="email in a body"),
        pytest.param({"key": "mk"}, {"key": "wrong"}, id="query wins"),
        pytest.param({"id": "pt1", "key": "wrong"}, None, id="id wins"),
    ],
)
async def test_find(api: Any, query: Any, body: Any) -> None:
    """One partner is found by id, key or e-mail, from query or JSON body."""
    status, answer = await api("GET", "/partner", body, params=query)
    assert (status, answer["data"]["id"]) == (200, "pt1")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/partner", 422, id="find nothing"),
        pytest.param("GET", "/partner?key=no", 404, id="find nobody"),
        pytest.param("GET", "/partners/mk", 404, id="key in path"),
        pytest.param("PUT", "/partners/no", 404, id="update"),
        pytest.param("PUT", "/partners", 422, id="update nothing"),
        pytest.param("DELETE", "/partners/no", 404, id="delete"),
        pytest.param("DELETE", "/partners", 422, id="delete nothing"),
        pytest.param("DELETE", "/partners/", 422, id="delete an empty id"),
        pytest.param("POST", "/partners/no/archive", 404, id="archive"),
        pytest.param("POST", "/partners/no/revoke-archive", 404, id="restore"),
        pytest.param("POST", "/partners/pt1/revoke-archive", 400, id="not archived"),
    ],
)
async def test_not_found(api: Any, method: str, path: str, status: int) -> None:
    """Nobody there is 404, nobody named 422, the wrong state 400."""
    assert (await api(method, path))[0] == status


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/partners/pt1", None, id="path"),
        pytest.param("/partners", {"key": "mk"}, id="key in body"),
        pytest.param("/partners", {"email": "marisol@example.org"}, id="email in body"),
        pytest.param("/partner", {"key": "mk"}, id="singular"),
    ],
)
async def test_delete_is_final(api: Any, path: str, body: Any) -> None:
    """A deleted partner is gone; its id, e-mail and key are free again."""
    assert await api("DELETE", path, body) == (200, {"status": 1})
    assert (await api("DELETE", path, body))[0] == 404
    assert (await api("GET", "/partners/pt1"))[0] == 404
    assert (await api("GET", "/partners"))[1]["data"] == []
    again = {"email": "marisol@example.org", "id": "pt1", "key": "mk"}
    assert (await api("POST", "/partners", again))[0] == 201


@pytest.mark.parametrize("path", ["/customers", "/transactions"])
@pytest.mark.parametrize(
    "name", ["partner_id=pt1", "partner_email=marisol@example.org"]
)
async def test_who_comes_again_has_nothing_of_the_one_before(
    api: Any, path: str, name: str
) -> None:
    """Id and e-mail are free again, and name the new partner only."""
    sale = {"amount": 5, "customer": {"key": "c1"}}
    assert (await api("POST", "/transactions", sale))[0] == 200
    await api("DELETE", "/partners/pt1")
    again = {"email": "marisol@example.org", "id": "pt1", "key": "mk"}
    assert (await api("POST", "/partners", again))[0] == 201
    status, answer = await api("GET", f"{path}?{name}")
    assert (status, answer["data"]) == (200, [])


async def test_customers_of_a_deleted_partner_stay(api: Any) -> None:
    """They keep naming it, and their sales earn nobody anything."""
    await api("DELETE", "/partners/pt1")
    sale = {"amount": 5, "customer": {"key": "c1"}}
    _, answer = await api("POST", "/transactions", sale)
    assert answer["data"]["partner"] == "pt1"
    assert answer["data"]["rewards"] == []
    assert (await api("GET", "/customers/c1"))[1]["data"]["partner"] == "pt1"


async def test_archived_partner_earns_nothing(api: Any) -> None:
    """Archiving is refused twice, stops commissions, and can be undone."""
    sale = {"amount": 5, "customer": {"key": "c1"}}
    assert await api("POST", "/partners/pt1/archive") == (200, {"status": 1})
    assert await api("POST", "/partners/pt1/archive") == (
        400,
        {"status": 0, "message": "The partner cannot be archived."},
    )
    assert (await detail(api))["status"] == "archived"
    assert (await api("GET", "/partners"))[1]["data"][0]["status"] == "archived"
    assert (await api("POST", "/transactions", sale))[1]["data"]["rewards"] == []
    assert (await api("POST", "/partners/pt1/reward", {"amount": 1}))[0] == 400
    assert (await api("POST", "/partners:sign-in-url", {"key": "mk"}))[0] == 400
    assert (await api("POST", "/partners/pt1/revoke-archive"))[0] == 200
    assert (await api("POST", "/partners:sign-in-url", {"key": "mk"}))[0] == 200
    assert len((await api("POST", "/transactions", sale))[1]["data"]["rewards"]) == 1


async def test_statistics_follow_from_what_happened(api: Any) -> None:
    """Sign-ups, revenue and commissions are counted, by currency, exactly."""
    await api("POST", "/customers", {"key": "c2", "partner": {"id": "pt1"}})
    customer = {"key": "c1"}
    for sale in (
        {"amount": Decimal("149.5")},
        {"amount": Decimal("0.5"), "rewarded": True},
        {"amount": 1000, "amount_units": "eur", "rewardable": False},
        {"amount": 7, "key": "hidden"},
        {"amount": 7, "key": "deleted"},
    ):
        await api("POST", "/transactions", {**sale, "customer": customer})
    await api("POST", "/transactions/hidden/archive")
    await api("DELETE", "/transactions/deleted")
    await api("POST", "/partners/pt1/reward", {"amount": Decimal("42.75")})
    partner = await detail(api)
    assert partner["referrals_count"] == 2
    assert partner["referrals"] == {
        "clicks": 0,
        "signups": 2,
        "revenue": [
            {"currency": "EUR", "amount": 1000},
            {"currency": "USD", "amount": 150},
        ],
        "sales_count": 3,
        "paid_accounts": 1,
    }
    assert partner["commissions"] == {
        "paid": Decimal("0.05"),
        "pending": [],
        "not_paid": [{"currency": "USD", "amount": Decimal("57.7")}],
    }


async def test_reward(api: Any, sandbox: Any) -> None:
    """A bonus is in the program's currency, dated now or as told."""
    body = {"amount": "42.75", "date": "2026-03-01", "note": "Contest"}
    status, answer = await api("POST", "/partners/pt1/reward", body)
    assert (status, answer["data"]) == (
        200,
        {
            "amount": Decimal("42.75"),
            "amount_units": "USD",
            "note": "Contest",
            "created_at": "2026-03-01T00:00:00.000000Z",
        },
    )
    assert sandbox.ledger[-1][1:] == ("partners.add_reward", "pt1", Decimal("42.75"))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("pt1", {}, 422, id="no amount"),
        pytest.param("pt1", {"amount": 0}, 422, id="nothing"),
        pytest.param("pt1", {"amount": Decimal("0.005")}, 422, id="half a cent"),
        pytest.param("pt1", {"amount": Decimal("1.005")}, 422, id="three places"),
        pytest.param("pt1", {"amount": 1, "date": "x"}, 422, id="date"),
        pytest.param("mk", {"amount": 1}, 404, id="key in path"),
    ],
)
async def test_reward_is_refused(api: Any, path: str, body: Any, status: int) -> None:
    """The amount is 0.01 or more in cents; the path takes an id only."""
    assert (await api("POST", f"/partners/{path}/reward", body))[0] == status


@pytest.mark.parametrize(
    ("body", "expires"),
    [
        pytest.param({"key": "mk"}, "2026-03-04T09:17:30.000000Z", id="default"),
        pytest.param(
            {"email": "marisol@example.org", "expires_in": 30},
            "2026-03-04T09:16:00.000000Z",
            id="shortest",
        ),
        pytest.param(
            {"key": "mk", "expires_in": 900},
            "2026-03-04T09:30:30.000000Z",
            id="longest",
        ),
    ],
)
async def test_sign_in_url(api: Any, body: Any, expires: str) -> None:
    """A sign-in URL lasts 120 seconds, or 30 to 900 as told."""
    status, answer = await api("POST", "/partners:sign-in-url", body)
    assert status == 200
    assert answer["data"]["url"].startswith("https://shop.example/sign-in/")
    assert answer["data"]["expires_at"] == expires


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({}, 422, id="neither"),
        pytest.param({"key": "mk", "email": "m@example.org"}, 422, id="both"),
        pytest.param({"key": "mk", "expires_in": 29}, 422, id="too short"),
        pytest.param({"key": "mk", "expires_in": 901}, 422, id="too long"),
        pytest.param({"key": "mk", "expires_in": "soon"}, 422, id="no number"),
        pytest.param({"key": "nobody"}, 404, id="unknown"),
    ],
)
async def test_sign_in_url_is_refused(api: Any, body: Any, status: int) -> None:
    """Exactly one of key and e-mail, and a lifetime in its range."""
    assert (await api("POST", "/partners:sign-in-url", body))[0] == status
