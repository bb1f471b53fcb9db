from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

LINKS = "/customer_referral_links"
MAIL = {"key": "mail", "customer": {"key": "otter"}}


@pytest.fixture
async def api(serve: Any) -> Any:
    """Start a program with a customer (otter) and a second link of hers (mail)."""

    async def start(**settings: Any) -> Any:
        _, api = await serve(programs=["refer_a_friend"], **settings)
        await api("POST", "/customers", {"key": "otter", "email": "o@example.com"})
        assert (await api("POST", LINKS, MAIL))[0] == 200
        return api

    return start


async def keys(api: Any) -> list[tuple[str, bool]]:
    """List the links of otter."""
    _, body = await api("GET", "/customers/otter/referral_links")
    return [(link["key"], link["default"]) for link in body["data"]]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"key": "otter"}, 422, id="key taken"),
        pytest.param({"key": ""}, 422, id="no key"),
        pytest.param({"customer": {}}, 422, id="no customer"),
        pytest.param({"customer": {"email": "x@example.com"}}, 404, id="unknown"),
        pytest.param({"key": "b", "isAdditional": "x"}, 200, id="camelCase ignored"),
        pytest.param(
            {"key": "b", "customer": {"email": "o@example.com"}}, 200, id="ok"
        ),
    ],
)
async def test_creation(api: Any, change: Any, status: int) -> None:
    """A key of its own, for a customer that there is."""
    assert (await (await api())("POST", LINKS, {**MAIL, **change}))[0] == status


async def test_another_default(api: Any) -> None:
    """There is always exactly one; the customer shows its URL first."""
    call = await api()
    assert (await call("PUT", f"{LINKS}/otter", {"default": False}))[0] == 422
    assert (await call("PUT", f"{LINKS}/mail", {"default": True}))[0] == 200
    assert await keys(call) == [("mail", True), ("otter", False)]
    _, body = await call("GET", "/customers/otter")
    assert body["data"]["referral_link"].endswith("?ref=mail")


async def test_renaming(api: Any) -> None:
    """The key changes for everyone who asks for it, unless it is taken."""
    call = await api()
    assert (await call("PUT", f"{LINKS}/mail", {"key": "otter"}))[0] == 422
    assert (await call("PUT", f"{LINKS}/mail", {"key": "post", "url": "x"}))[0] == 200
    assert (await call("GET", f"{LINKS}/mail"))[0] == 404
    assert (await call("GET", "/customers/post"))[1]["data"]["id"] == "otter"


async def test_deletion(api: Any) -> None:
    """Not of the default link, unless a switch says so; then another one follows."""
    call = await api()
    assert (await call("DELETE", f"{LINKS}/otter"))[0] == 422
    assert (await call("DELETE", f"{LINKS}/mail"))[0] == 200
    assert await keys(call) == [("otter", True)]
    call = await api(assumptions=Assumptions(default_link_deletable=True))
    assert (await call("DELETE", f"{LINKS}/otter"))[0] == 200
    assert await keys(call) == [("mail", True)]


async def test_search(api: Any) -> None:
    """By id or key, of everyone or narrowed to one customer."""
    call = await api()
    _, body = await call("GET", f"{LINKS}:search?key=t")
    assert [link["id"] for link in body["data"]] == ["otter"]
    _, body = await call("GET", f"{LINKS}:search?key=mai&customer[id]=otter")
    assert [link["id"] for link in body["data"]] == ["mail"]
    _, body = await call("GET", f"{LINKS}:search?id=mai&customer[id]=other")
    assert body["data"] == []
    assert (await call("GET", f"{LINKS}:search?customer[id]=otter"))[0] == 422
    for number in range(16):
        link = {"key": f"more-{number}", "customer": {"id": "otter"}}
        await call("POST", LINKS, link)
    _, body = await call("GET", f"{LINKS}:search?key=more-")
    assert len(body["data"]) == 16  # all at once: it has no pages


async def test_key_is_part_of_a_url(api: Any) -> None:
    """A key that is more than letters is encoded, as in the links of partners."""
    call = await api()
    _, body = await call("PUT", f"{LINKS}/mail", {"key": "e mail"})
    assert body["data"]["url"].endswith("?ref=e%20mail")
