from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

GRETA = {"id": "s1", "email": "greta@example.net", "name": "Greta", "status": "Active"}


@pytest.fixture
async def start(serve: Any) -> Any:
    """Start a newsletter program with Greta (s1)."""

    async def start(**settings: Any) -> Any:
        _, api = await serve(programs=["newsletter"], **settings)
        assert (await api("POST", "/subscribers", GRETA))[0] == 200
        return api

    return start


@pytest.fixture
async def api(start: Any) -> Any:
    """Give the caller of such a program."""
    return await start()


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        pytest.param({}, 422, ["email"], id="no e-mail"),
        pytest.param(GRETA, 422, ["email", "id"], id="taken"),
        pytest.param({"email": "a@b.co", "status": "x"}, 422, ["status"], id="status"),
        pytest.param({"email": "a@b.co", "tos": "yes"}, 422, ["tos"], id="consent"),
        pytest.param(
            {"email": "a@b.co", "referral": {"id": "no"}}, 400, [], id="referral"
        ),
    ],
)
async def test_creation_refused(
    api: Any, body: Any, status: int, names: list[str]
) -> None:
    """Shape and uniqueness are 422, an unknown referrer 400."""
    answer = await api("POST", "/subscribers", body)
    assert (answer[0], sorted(answer[1].get("errors", []))) == (status, names)


async def test_referred(api: Any) -> None:
    """Who was referred says so; who referred has a count; lists can be narrowed."""
    body = {"email": "o@example.org", "referral": {"email": "greta@example.net"}}
    _, answer = await api("POST", "/subscribers", body)
    assert answer["data"]["is_referred"] is True
    assert (await api("GET", "/subscribers/s1"))[1]["data"]["referrals_count"] == 1
    emails = {"referred": "o@example.org", "non_referred": "greta@example.net"}
    for status, email in emails.items():
        _, answer = await api("GET", f"/subscribers?refer_status={status}")
        assert [item["email"] for item in answer["data"]] == [email]
    assert (await api("GET", "/subscribers?refer_status=1"))[0] == 422
    _, answer = await api("GET", "/program")
    counts = [
        answer["data"][f"total_{n}"] for n in ("subscribers", "referring", "referred")
    ]
    assert counts == [2, 1, 1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/subscribers/s1", None, id="id"),
        pytest.param("/subscribers/greta%40example.net", None, id="e-mail"),
        pytest.param("/subscribers/", {"email": "greta@example.net"}, id="in the body"),
        pytest.param("/subscribers", {"identifier": "s1"}, id="identifier"),
    ],
)
async def test_found(api: Any, path: str, body: Any) -> None:
    """By every form that a source shows."""
    assert (await api("GET", path, body))[1]["data"]["id"] == "s1"


async def test_not_found(api: Any) -> None:
    """Nobody is 404, no name at all 422."""
    assert (await api("GET", "/subscribers/no"))[0] == 404
    assert (await api("DELETE", "/subscribers", {"id": "no"}))[0] == 404
    assert (await api("DELETE", "/subscribers", {}))[0] == 422


async def test_update(api: Any) -> None:
    """In the envelope or flat, found by id or e-mail; the status in any case."""
    update = {"identifier": "s2", "status": "SUSPENDED", "approved": False, "tos": True}
    _, body = await api("PUT", "/subscribers", {"id": "s1", "update": update})
    found = [body["data"][n] for n in ("id", "status", "approved", "tos", "name")]
    assert found == ["s2", "Suspended", False, True, "Greta"]
    flat = {"id": "s2", "email": "new@example.net"}
    _, body = await api("PUT", "/subscribers", flat)
    assert body["data"]["email"] == "new@example.net"
    _, body = await api(
        "PUT", "/subscribers", {"email": "new@example.net", "name": "G"}
    )
    assert body["data"]["name"] == "G"


async def test_delete_and_search(api: Any) -> None:
    """A deleted one is not found again, and its e-mail is free."""
    _, body = await api("GET", "/subscribers:search?email=greta")
    assert list(body) == ["data", "status"]
    assert (await api("DELETE", "/subscribers", {"id": "s1"}))[0] == 200
    assert (await api("GET", "/subscribers:search?id=s1"))[1]["data"] == []
    assert (await api("POST", "/subscribers", GRETA))[0] == 200


async def test_page_size(api: Any) -> None:
    """From 10 to 250; nothing around the data, as published."""
    assert list((await api("GET", "/subscribers?limit=10"))[1]) == ["data"]
    for limit in (9, 251):
        assert (await api("GET", f"/subscribers?limit={limit}"))[0] == 422


async def test_switches(start: Any) -> None:
    """Consents never given, deleted subscribers, dates."""
    assumptions = Assumptions(
        absent_consent="false", deleted_listed=True, dated_subscribers=True
    )
    api = await start(assumptions=assumptions)
    await api("DELETE", "/subscribers", {"id": "s1"})
    ((item,),) = (await api("GET", "/subscribers"))[1].values()
    assert (item["tos"], item["deleted_at"] is None) == (False, False)


async def test_rewards_are_triggered(api: Any) -> None:
    """By everyone who referred as many as the reward asks for."""
    for count in ("2", 1):
        reward = {"name": "Stickers", "subscribers_count": count}
        assert (await api("POST", "/rewards", reward))[0] == 200
    body = {"email": "o@example.org", "referral": {"id": "s1"}}
    await api("POST", "/subscribers", body)
    _, answer = await api("GET", "/rewards")
    counts = [(w["subscriber_count"], w["times_triggered"]) for w in answer["data"]]
    assert counts == [(1, 1), (2, 0)]
    assert (await api("GET", "/rewards/2"))[1]["data"]["fulfillment_type_name"] == "URL"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        pytest.param({"name": ""}, "name", id="name"),
        pytest.param({"subscribers_count": "x"}, "subscribers_count", id="text"),
        pytest.param({"subscriber_count": 0}, "subscriber_count", id="none"),
        pytest.param({"fulfillment_type": "x"}, "fulfillment_type", id="type"),
    ],
)
async def test_reward_refused(api: Any, change: Any, name: str) -> None:
    """A name, a count from 1 under either name, a type that there is."""
    answer = await api("POST", "/rewards", {"name": "Stickers", **change})
    assert (answer[0], list(answer[1]["errors"])) == (422, [name])


@pytest.mark.parametrize("number", ["1", "x", "9" * 30])
async def test_no_such_reward(api: Any, number: str) -> None:
    """Whatever is in the path."""
    assert (await api("GET", f"/rewards/{number}"))[0] == 404
