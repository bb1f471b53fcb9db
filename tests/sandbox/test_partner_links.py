from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

PATH = "/partner_referral_links"


async def add(api: Any, key: str, **members: Any) -> Any:
    """Create a link of partner pt1."""
    body = {"key": key, "partner": {"id": "pt1"}, **members}
    status, answer = await api("POST", PATH, body)
    assert status == 201
    return answer["data"]


async def keys(api: Any) -> dict[str, bool]:
    """Read whether each link of pt1 is the default one."""
    _, body = await api("GET", "/partners/pt1/referral_links")
    return {link["key"]: link["default"] for link in body["data"]}


async def test_partner_owns_a_default_link(api: Any) -> None:
    """The first link has the partner's key; the list has neither links nor meta."""
    status, body = await api("GET", "/partners/pt1/referral_links")
    assert (status, list(body)) == (200, ["data", "status"])
    (link,) = body["data"]
    assert link == {
        "id": "mk",
        "key": "mk",
        "url": "https://shop.example?aff=mk",
        "default": True,
        "is_additional": False,
        "direct_tracking": False,
        "direct_tracking_redirect": False,
        "direct_tracking_redirect_url": None,
    }
    assert (await api("GET", "/partners/nobody/referral_links"))[0] == 404


@pytest.mark.parametrize(
    "partner",
    [{"id": "pt1"}, {"key": "mk"}, {"email": "marisol@example.org"}],
    ids=lambda partner: next(iter(partner)),
)
async def test_added_link_belongs_to_the_partner(api: Any, partner: Any) -> None:
    """A link shows in the partner, leads to it, and pages like any list."""
    assert not (await add(api, "spring", partner=partner))["default"]
    _, body = await api("GET", "/partner", {"key": "spring"})
    assert (body["data"]["id"], body["data"]["referral_link"]) == (
        "pt1",
        "https://shop.example?aff=mk",
    )
    assert body["data"]["referral_links"] == [
        "https://shop.example?aff=mk",
        "https://shop.example?aff=spring",
    ]
    assert await keys(api) == {"spring": False, "mk": True}
    _, body = await api("GET", "/partners/pt1/referral_links", {"limit": 1, "page": 2})
    assert [link["key"] for link in body["data"]] == ["mk"]


@pytest.mark.parametrize(
    ("changes", "status", "fields"),
    [
        pytest.param({"key": ""}, 422, ["key"], id="no key"),
        pytest.param({"key": "mk"}, 422, ["key"], id="key taken"),
        pytest.param({"partner": None}, 422, ["partner.key"], id="no partner"),
        pytest.param({"partner": {"id": "pt9"}}, 404, [], id="unknown partner"),
        pytest.param(
            {"domain_id": 2, "is_additional": True}, 422, ["domain_id"], id="domain"
        ),
        pytest.param({"domain_id": "x"}, 422, ["domain_id", "is_additional"], id="id"),
        pytest.param({"domain_id": 1}, 422, ["is_additional"], id="not additional"),
    ],
)
async def test_creation_is_refused(
    api: Any, changes: dict[str, Any], status: int, fields: list[str]
) -> None:
    """A new key, a partner there is, and a domain of the program are needed."""
    body = {"key": "spring", "partner": {"id": "pt1"}, **changes}
    answer = await api("POST", PATH, body)
    assert (answer[0], list(answer[1].get("errors", {}))) == (status, fields)
    assert await keys(api) == {"mk": True}


@pytest.mark.parametrize("domain", [1, "1"])
async def test_link_on_an_additional_domain(api: Any, domain: Any) -> None:
    """The id may be a text or a number; null means the website itself."""
    data = await add(api, "far", domain_id=domain, is_additional=True)
    assert (data["url"], data["is_additional"]) == (
        "https://go.shop.example?aff=far",
        True,
    )
    data = await add(api, "near", domain_id=None, is_additional=False)
    assert (data["url"], data["is_additional"]) == (
        "https://shop.example?aff=near",
        False,
    )


async def test_domains(api: Any) -> None:
    """The website has no id; pages have ten domains unless told otherwise."""
    status, body = await api("GET", f"{PATH}:domains")
    assert (status, body["status"]) == (200, 1)
    website = {
        "id": None,
        "domain": "shop.example",
        "url": "https://shop.example?aff=",
        "is_additional": False,
    }
    other = {
        "id": 1,
        "domain": "go.shop.example",
        "url": "https://go.shop.example?aff=",
        "is_additional": True,
    }
    assert body["data"] == [website, other]
    assert (await api("GET", "/links"))[1] == body
    _, body = await api("GET", f"{PATH}:domains", params={"limit": "1", "page": "2"})
    assert body["data"] == [other]


async def test_domains_can_be_complete_lists(serve: Any) -> None:
    """With links and meta, `links.next` says whether domains are left."""
    _, api = await serve(assumptions=Assumptions(complete_lists=True))
    _, body = await api("GET", f"{PATH}:domains", params={"limit": "1"})
    assert body["links"]["next"].endswith("?page=2&limit=1")
    _, body = await api("GET", f"{PATH}:domains")
    assert (body["links"]["next"], body["meta"]["per_page"]) == (None, 10)


async def test_search_finds_by_part_of_id_or_key(api: Any) -> None:
    """Id and key are the same text; without a criterion it is 422."""
    await add(api, "spring")
    for params in ({"key": "SPR"}, {"id": "spring"}, {"id": "p", "key": "ring"}):
        _, body = await api("GET", f"{PATH}:search", params=params)
        assert [link["key"] for link in body["data"]] == ["spring"]
    assert (await api("GET", f"{PATH}:search"))[0] == 422


async def test_search_answers_all_at_once(api: Any) -> None:
    """No pages of it are documented, so nobody could ask for a second one."""
    keys = [f"spring-{number:02}" for number in range(20)]
    for key in keys:
        await add(api, key)
    _, body = await api("GET", f"{PATH}:search", params={"key": "spring-"})
    assert sorted(link["key"] for link in body["data"]) == keys


async def test_update_renames(api: Any, sandbox: Any) -> None:
    """The old key is free again, in links and in partners."""
    await add(api, "winter")
    status, body = await api("PUT", f"{PATH}/winter", {"id": "winter", "key": "snow"})
    assert (status, body["data"]["id"]) == (200, "snow")
    assert body["data"]["url"] == "https://shop.example?aff=snow"
    assert (await api("GET", f"{PATH}/winter"))[0] == 404
    assert (await api("PUT", f"{PATH}/winter", {"key": "ice"}))[0] == 404
    assert (await api("PUT", f"{PATH}/snow", {"key": "mk"}))[0] == 422
    assert (await api("PUT", f"{PATH}/snow", {"key": "snow"}))[0] == 200
    assert sandbox.ledger[-1][1:3] == ("partner_links.update", "snow")


async def test_update_sets_another_address(api: Any) -> None:
    """An address that is set stays over a rename; an empty one gives it up."""
    await api("PUT", f"{PATH}/mk", {"url": "https://shop.example/sale"})
    _, body = await api("PUT", f"{PATH}/mk", {"key": "km"})
    assert body["data"]["url"] == "https://shop.example/sale"
    _, body = await api("PUT", f"{PATH}/km", {"url": ""})
    assert body["data"]["url"] == "https://shop.example?aff=km"


async def test_another_link_becomes_the_default(api: Any) -> None:
    """A partner has exactly one default link, and partner updates rename that one."""
    await add(api, "spring")
    other = {"email": "b@example.org", "id": "pt2", "key": "other"}
    assert (await api("POST", "/partners", other))[0] == 201
    assert (await api("PUT", f"{PATH}/mk", {"default": False}))[0] == 422
    assert (await api("PUT", f"{PATH}/spring", {"default": True}))[0] == 200
    assert await keys(api) == {"spring": True, "mk": False}
    _, body = await api("PUT", "/partners/pt1", {"key": "summer"})
    assert body["data"]["referral_link"] == "https://shop.example?aff=summer"
    await add(api, "autumn")
    assert await keys(api) == {"autumn": False, "summer": True, "mk": False}
    assert (await api("GET", f"{PATH}/other"))[1]["data"]["default"]


async def test_partner_cannot_have_one_key_twice(api: Any) -> None:
    """The key of another link is taken, also for the partner who owns it."""
    await add(api, "spring")
    status, body = await api("PUT", "/partners/pt1", {"key": "spring"})
    assert (status, list(body["errors"])) == (422, ["key"])


@pytest.mark.parametrize("body", [None, []], ids=["no body", "empty array"])
async def test_delete(api: Any, body: Any) -> None:
    """The default link stays; other ones go, with or without the PHP body."""
    await add(api, "spring")
    assert await api("DELETE", f"{PATH}/spring", body) == (200, {"status": 1})
    assert (await api("DELETE", f"{PATH}/spring", body))[0] == 404
    assert (await api("DELETE", f"{PATH}/mk"))[0] == 422
    assert await keys(api) == {"mk": True}


async def test_default_link_deletable_as_a_switch(serve: Any) -> None:
    """The oldest link left follows; without any, a partner shows none."""
    _, api = await serve(assumptions=Assumptions(default_link_deletable=True))
    await api("POST", "/partners", {"email": "a@example.com", "id": "pt1", "key": "mk"})
    for key in ("one", "two"):
        await add(api, key)
    assert (await api("DELETE", f"{PATH}/mk"))[0] == 200
    assert await keys(api) == {"two": False, "one": True}
    for key in ("one", "two"):
        assert (await api("DELETE", f"{PATH}/{key}"))[0] == 200
    _, body = await api("GET", "/partners/pt1")
    assert (body["data"]["referral_link"], body["data"]["referral_links"]) == (None, [])
    assert (await add(api, "new"))["default"]


async def test_key_is_part_of_a_url(api: Any) -> None:
    """A key that is more than letters is encoded, after what the website has."""
    link = await add(api, "söme & more#1")
    assert link["url"] == "https://shop.example?aff=s%C3%B6me%20%26%20more%231"
    await api("PUT", "/program", {"website": "https://shop.example/?lang=de"})
    _, body = await api("GET", f"{PATH}/mk")
    assert body["data"]["url"] == "https://shop.example/?lang=de&aff=mk"
