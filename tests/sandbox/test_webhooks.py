from typing import Any

import pytest

from partnero_async.sandbox import Assumptions

WEBHOOK = {
    "name": "Ledger sync",
    "url": "https://ledger.example/hooks?a=1",
    "events": ["transaction.created", "lead.submitted"],
}


async def created(api: Any, **members: Any) -> Any:
    """Create a webhook."""
    status, body = await api("POST", "/webhooks", {**WEBHOOK, **members})
    assert status == 200
    return body["data"]


async def test_key_and_secret_are_made_up(api: Any) -> None:
    """A key has 12 letters and digits, the secret 16; both differ every time."""
    one, two = await created(api), await created(api, is_active=False)
    for data, active in ((one, True), (two, False)):
        assert (len(data["key"]), len(data["signature"])) == (12, 16)
        assert (data["key"] + data["signature"]).isalnum()
        rest = {name: data[name] for name in WEBHOOK}
        assert (rest, data["is_active"]) == (WEBHOOK, active)
    assert one["key"] != two["key"]
    assert one["signature"] != two["signature"]


async def test_own_key_is_unique(api: Any, serve: Any) -> None:
    """A key can be chosen, once."""
    assert (await created(api, key="ledger"))["key"] == "ledger"
    status, body = await api("POST", "/webhooks", {**WEBHOOK, "key": "ledger"})
    assert (status, body["errors"]) == (
        422,
        {"key": ["A webhook with this key exists."]},
    )
    _, other = await serve(assumptions=Assumptions(conflict_status=409))
    await created(other, key="ledger")
    assert (await other("POST", "/webhooks", {**WEBHOOK, "key": "ledger"}))[0] == 409


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        pytest.param(
            {"name": None, "url": None, "events": None},
            ["name", "url", "events"],
            id="nothing",
        ),
        pytest.param({"name": "n" * 101}, ["name"], id="long name"),
        pytest.param({"url": "ledger.example/hooks"}, ["url"], id="no scheme"),
        pytest.param({"url": "ftp://ledger.example"}, ["url"], id="other scheme"),
        pytest.param({"url": "https://[::1/"}, ["url"], id="broken host"),
        pytest.param({"events": []}, ["events"], id="no event"),
        pytest.param({"events": "lead.submitted"}, ["events"], id="no list"),
        pytest.param({"events": [[]]}, ["events.0"], id="no text"),
        pytest.param(
            {"events": ["lead.submitted", "subscriber.created"]},
            ["events.1"],
            id="foreign event",
        ),
        pytest.param({"events": ["reward.paid"]}, ["events.0"], id="doubtful event"),
        pytest.param({"is_active": "yes"}, ["is_active"], id="is_active"),
    ],
)
async def test_what_is_wrong_is_named(
    api: Any, changes: dict[str, Any], fields: list[str]
) -> None:
    """Creation and update check the same values; only creation needs them."""
    status, body = await api("POST", "/webhooks", {**WEBHOOK, **changes})
    assert (status, list(body["errors"])) == (422, fields)
    key = (await created(api))["key"]
    wrong = {name: value for name, value in changes.items() if value is not None}
    assert (await api("PUT", f"/webhooks/{key}", wrong))[0] == (422 if wrong else 200)


async def test_doubtful_events_are_a_switch(serve: Any) -> None:
    """What only a guide mentions can be allowed."""
    _, api = await serve(assumptions=Assumptions(doubtful_events="accept"))
    assert (await created(api, events=["reward.paid"]))["events"] == ["reward.paid"]


async def test_update_replaces_events_and_keeps_the_rest(api: Any) -> None:
    """What is not sent stays; key and secret cannot be changed."""
    old = await created(api)
    path = f"/webhooks/{old['key']}"
    changes = {"events": ["partner.created"], "key": "other", "signature": "mine"}
    _, body = await api("PUT", path, changes)
    assert body["data"] == {**old, "events": ["partner.created"]}
    _, body = await api("PUT", path, {"name": "New", "is_active": False})
    expected = {
        **old,
        "events": ["partner.created"],
        "name": "New",
        "is_active": False,
    }
    assert body["data"] == expected
    _, body = await api("PUT", path, {"url": "http://[::1]:8000/"})
    assert body["data"] == {**expected, "url": "http://[::1]:8000/"}
    assert (await api("GET", path))[1]["data"] == body["data"]


async def test_deleted_webhook_is_gone(api: Any, sandbox: Any) -> None:
    """Deletion is final; reading, changing and deleting again is 404."""
    path = f"/webhooks/{(await created(api))['key']}"
    assert await api("DELETE", path) == (200, {"status": 1})
    for method in ("GET", "PUT", "DELETE"):
        assert (await api(method, path))[0] == 404
    operations = [effect.operation for effect in sandbox.ledger[2:]]
    assert operations == ["webhooks.create", "webhooks.delete"]


async def test_list_has_its_own_limits(api: Any) -> None:
    """Ten a page unless told otherwise, from 10 to 100, without links and meta."""
    keys = [(await created(api))["key"] for _ in range(11)]
    status, body = await api("GET", "/webhooks")
    assert (status, list(body)) == (200, ["data"])
    assert [item["key"] for item in body["data"]] == keys[:0:-1]
    _, body = await api("GET", "/webhooks", {"limit": 10, "page": 2})
    assert [item["key"] for item in body["data"]] == keys[:1]
    for limit in ("9", "101"):
        assert (await api("GET", "/webhooks", params={"limit": limit}))[0] == 422
