import asyncio
import hashlib
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from partnero_async.sandbox import Assumptions, Deliveries, Sandbox
from partnero_sync.sandbox import Sandbox as SyncSandbox
from tests.sandbox.receiver import Receiver, receiving

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "api" / "examples" / "webhooks"
SALE = {"key": "s1", "amount": 149.5, "customer": {"key": "c1"}}
AFFILIATE = [
    "partner.created",
    "partner.updated",
    "partner.deleted",
    "partner.archived",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "transaction.created",
    "transaction.deleted",
    "lead.submitted",
    "lead.converted",
    "lead.rejected",
]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Listen for deliveries."""
    async with receiving() as receiver:
        yield receiver


async def subscribed(api: Any, url: str, *events: str, **members: Any) -> Any:
    """Create a webhook; return its object."""
    body = {"name": "Ledger", "url": url, "events": list(events), **members}
    status, answer = await api("POST", "/webhooks", body)
    assert status == 200
    return answer["data"]


async def sold(api: Any, *keys: str) -> None:
    """Record a sale for each of *keys*."""
    for key in keys:
        assert (await api("POST", "/transactions", {**SALE, "key": key}))[0] == 200


def states(sandbox: Sandbox) -> list[str]:
    """Say where every delivery stands."""
    return [delivery.state for delivery in sandbox.deliveries.log]


def keys(receiver: Receiver) -> list[str]:
    """Say which sales were told about, in order."""
    return [each.envelope["data"]["key"] for each in receiver.received]


# --- what is sent ------------------------------------------------------------------


async def test_a_delivery_is_signed_over_its_raw_bytes(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """The header is the lower-case hex HMAC-SHA256 of the body, keyed by the secret."""
    hook = await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    (got,) = receiver.received
    secret = hook["signature"].encode()
    assert got.signature == hmac.new(secret, got.body, hashlib.sha256).hexdigest()
    assert got.envelope["created_at"] == "2026-03-04T09:15:30.000000Z"
    assert {
        k: v for k, v in got.envelope.items() if k not in {"created_at", "data"}
    } == {
        "event": "transaction.created",
        "url": receiver.url,
        "webhook_key": hook["key"],
    }
    assert states(sandbox) == ["delivered"]


async def test_only_documented_headers_are_sent(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """JSON and a signature; what HTTP itself needs comes with them."""
    await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    (got,) = receiver.received
    own = {"Host", "Content-Length", "Connection"}
    assert {name for name, _ in got.headers} - own == {"Content-Type", "Signature"}
    assert dict(got.headers)["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("form", "name"),
    [
        pytest.param("plain", '"Søren/Ł 😀"', id="plain"),
        pytest.param("php", r'"S\u00f8ren\/\u0141 \ud83d\ude00"', id="php"),
        pytest.param("slashes", r'"Søren\/Ł 😀"', id="slashes"),
    ],
)
async def test_bodies_are_written_as_php_does_on_request(
    serve: Any, receiver: Receiver, form: Any, name: str
) -> None:
    """Slashes and letters that are not ASCII are escaped, and the signature fits."""
    sandbox, api = await serve(assumptions=Assumptions(delivery_body=form))
    hook = await subscribed(api, receiver.url, "partner.created")
    await api("POST", "/partners", {"email": "a@b.example", "name": "Søren/Ł 😀"})
    await sandbox.delivered()
    (got,) = receiver.received
    assert f'"name":{name}'.encode() in got.body
    assert (rb"\/" in got.body) == (form != "plain")
    assert got.envelope["data"]["name"] == "Søren/Ł 😀"
    secret = hook["signature"].encode()
    assert got.signature == hmac.new(secret, got.body, hashlib.sha256).hexdigest()


async def test_money_is_exact(sandbox: Sandbox, api: Any, receiver: Receiver) -> None:
    """Numbers go out as they were counted, and the log reads them as decimals."""
    await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    (delivery,) = sandbox.deliveries.log
    assert delivery.data["amount"] == Decimal("149.5")
    assert delivery.data["rewards"][0]["amount"] == Decimal("14.95")
    assert delivery.body == receiver.received[0].body


# --- which events there are --------------------------------------------------------


def members(event: str) -> set[str]:
    """Name the members of the data in the published example of *event*."""
    example = json.loads((EXAMPLES / f"{event}.json").read_text())
    return set(json.loads(example["raw_body"])["data"])


async def test_every_effect_of_an_affiliate_program_has_its_event(
    serve: Any, receiver: Receiver
) -> None:
    """In the order in which they happen; the data is as in the published examples."""
    sandbox, api = await serve()
    await subscribed(api, receiver.url, *AFFILIATE)
    partner = {
        "email": "a@b.example",
        "id": "p1",
        "key": "k1",
        "name": "A",
        "tags": ["x"],
    }
    lead = {"name": "L", "email": "l@b.example", "partner": {"key": "k1"}}
    customer = {"key": "c1", "name": "C", "email": "c@b.example", "tags": ["x"]}
    sale = {**SALE, "product_id": "cabin-42", "product_type": "weekend"}
    calls: list[tuple[str, str, Any, list[str]]] = [
        ("POST", "/partners", partner, ["partner.created"]),
        ("PUT", "/partners/p1", {"update": {"name": "B"}}, ["partner.updated"]),
        ("POST", "/partners/p1/archive", None, ["partner.archived"]),
        ("POST", "/partners/p1/revoke-archive", None, ["partner.updated"]),
        (
            "POST",
            "/customers",
            {**customer, "partner": {"key": "k1"}},
            ["customer.created"],
        ),
        ("PUT", "/customers/c1", {"update": {"name": "D"}}, ["customer.updated"]),
        ("POST", "/customers/c1/suspend", None, ["customer.updated"]),
        ("POST", "/customers/c1/approve", None, ["customer.updated"]),
        ("POST", "/customers/c1/archive", None, ["customer.updated"]),
        ("POST", "/customers/c1/revoke-archive", None, ["customer.updated"]),
        ("POST", "/transactions", sale, ["transaction.created"]),
        (
            "POST",
            "/transactions",
            {
                "transactions": [
                    {"key": "b1", "amount": 1},
                    {"key": "b2", "amount": 2},
                ],
                "customer": {"key": "c1"},
            },
            ["transaction.created", "transaction.created"],
        ),
        (
            "POST",
            "/transactions",
            {
                **SALE,
                "customer": {"key": "c2", "partner": {"key": "k1"}},
                "options": {"create_customer": True},
            },
            ["customer.created", "transaction.created"],
        ),
        ("DELETE", "/transactions/s1", None, ["transaction.deleted"]),
        ("POST", "/transactions/b1/archive", None, []),
        ("DELETE", "/customers/c1", None, ["customer.deleted"]),
        ("POST", "/leads", lead, ["lead.submitted"]),
        (
            "GET",
            "/leads/convert?id=1&commission_transaction_amount=5",
            None,
            ["customer.created", "transaction.created", "lead.converted"],
        ),
        ("POST", "/leads", lead, ["lead.submitted"]),
        ("POST", "/leads/reject", {"id": 2}, ["lead.rejected"]),
        ("DELETE", "/leads/2", None, []),
        ("DELETE", "/partners/p1", None, ["partner.deleted"]),
        ("DELETE", "/partners/p1", None, []),
    ]
    for method, path, body, expected in calls:
        receiver.received.clear()
        status, _ = await api(method, path, body)
        await sandbox.delivered()
        assert (receiver.events, path) == (expected, path)
        assert status in {200, 201, 404}
        for got in receiver.received:
            assert set(got.envelope["data"]) == members(got.event)


async def test_every_effect_of_a_referral_program_has_its_event(
    serve: Any, receiver: Receiver
) -> None:
    """Who refers is told about when it is credited, and when it is rewarded."""
    sandbox, api = await serve(programs=["refer_a_friend"])
    await subscribed(
        api,
        receiver.url,
        *("customer.created", "customer.updated", "customer.deleted"),
        *("customer.credited", "customer.rewarded"),
        *("transaction.created", "transaction.deleted"),
    )
    referred = {"id": "r2", "referring_customer": {"id": "r1"}}
    sale = {"key": "s1", "amount": 10, "customer": {"id": "r2"}}
    credit = {"amount": 5, "amount_units": "usd", "is_currency": True}
    calls: list[tuple[str, str, Any, list[str]]] = [
        ("POST", "/customers", {"id": "r1"}, ["customer.created"]),
        ("POST", "/customers", referred, ["customer.created"]),
        ("PUT", "/customers/r1", {"update": {"name": "D"}}, ["customer.updated"]),
        ("POST", "/customers/r1/balance/credit", credit, ["customer.credited"]),
        ("POST", "/transactions", sale, ["transaction.created", "customer.rewarded"]),
        (
            "POST",
            "/transactions",
            {**sale, "rewardable": False},
            ["transaction.created"],
        ),
        ("DELETE", "/transactions/s1", None, ["transaction.deleted"]),
        ("POST", "/customers/r2/archive", None, ["customer.updated"]),
        ("POST", "/customers/r2/revoke-archive", None, ["customer.updated"]),
        ("DELETE", "/customers/r2", None, ["customer.deleted"]),
    ]
    for method, path, body, expected in calls:
        receiver.received.clear()
        assert (await api(method, path, body))[0] == 200
        await sandbox.delivered()
        assert (receiver.events, path) == (expected, path)
        for got in receiver.received:
            if got.event in {"customer.credited", "customer.rewarded"}:
                data = got.envelope["data"]
                assert set(data) == members(got.event)
                assert data["id"] == "r1"
            if got.event == "customer.deleted":
                assert got.envelope["data"]["referral_link"]


async def test_every_effect_of_a_newsletter_has_its_event(
    serve: Any, receiver: Receiver
) -> None:
    """A reward is told about when as many are referred as it asks for."""
    sandbox, api = await serve(programs=["newsletter"])
    events = [f"subscriber.{name}" for name in ("created", "updated", "deleted")]
    await subscribed(api, receiver.url, *events, "subscriber.rewarded")
    await api("POST", "/rewards", {"name": "Mug", "subscribers_count": 2})

    def friend(number: int) -> dict[str, Any]:
        return {"email": f"f{number}@b.example", "referral": {"email": "a@b.example"}}

    change = {"email": "a@b.example", "update": {"name": "B"}}
    calls: list[tuple[str, Any, list[str]]] = [
        ("POST", {"email": "a@b.example"}, ["subscriber.created"]),
        ("POST", friend(1), ["subscriber.created"]),
        ("POST", friend(2), ["subscriber.created", "subscriber.rewarded"]),
        ("POST", friend(3), ["subscriber.created"]),
        ("PUT", change, ["subscriber.updated"]),
        ("DELETE", {"email": "a@b.example"}, ["subscriber.deleted"]),
    ]
    for method, body, expected in calls:
        receiver.received.clear()
        assert (await api(method, "/subscribers", body))[0] == 200
        await sandbox.delivered()
        assert receiver.events == expected
        for got in receiver.received:
            assert set(got.envelope["data"]) == members(got.event)


async def test_doubtful_events_are_delivered_where_they_can_be_asked_for(
    serve: Any, receiver: Receiver
) -> None:
    """A commission is a created reward; archiving and restoring update a sale."""
    sandbox, api = await serve(assumptions=Assumptions(doubtful_events="accept"))
    await subscribed(api, receiver.url, "reward.created", "transaction.updated")
    await api("POST", "/partners", {"email": "a@b.example", "key": "k1"})
    await api("POST", "/customers", {"key": "c1", "partner": {"key": "k1"}})
    await sold(api, "s1")
    await api("POST", "/transactions/s1/archive")
    await api("POST", "/transactions/s1/revoke-archive")
    await sandbox.delivered()
    assert receiver.events == ["reward.created", *["transaction.updated"] * 2]
    assert receiver.received[0].envelope["data"]["status"] == "ok"
    assert receiver.received[1].envelope["data"]["deleted_at"] is not None


@pytest.mark.parametrize("program", ["affiliate", "refer_a_friend"])
async def test_changes_of_status_can_be_silent(
    serve: Any, receiver: Receiver, program: str
) -> None:
    """That they are updates is an assumption."""
    sandbox, api = await serve(
        programs=[program], assumptions=Assumptions(status_events="none")
    )
    await subscribed(api, receiver.url, "customer.updated")
    if program == "affiliate":
        await subscribed(api, receiver.url, "partner.updated")
        await api("POST", "/partners", {"email": "a@b.example", "key": "k1", "id": "p"})
        await api("POST", "/partners/p/archive")
        assert (await api("POST", "/partners/p/revoke-archive"))[0] == 200
    await api("POST", "/customers", {"key": "c1", "partner": {"key": "k1"}})
    assert (await api("POST", "/customers/c1/archive"))[0] == 200
    await sandbox.delivered()
    assert receiver.events == []


async def test_only_active_webhooks_get_what_they_asked_for(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """Others get nothing; what happens while one is off never comes to it."""
    await subscribed(api, f"{receiver.url}/one", "transaction.created")
    await subscribed(api, f"{receiver.url}/other", "transaction.deleted")
    off = await subscribed(
        api, f"{receiver.url}/off", "transaction.created", is_active=False
    )
    await sold(api, "s1")
    await sandbox.delivered()
    assert [each.path for each in receiver.received] == ["/hook/one"]
    await api("PUT", f"/webhooks/{off['key']}", {"is_active": True})
    await sold(api, "s2")
    await sandbox.delivered()
    paths = [each.path for each in receiver.received]
    assert sorted(paths) == ["/hook/off", "/hook/one", "/hook/one"]


async def test_a_refused_call_delivers_nothing(serve: Any, receiver: Receiver) -> None:
    """The event is written by the transaction that has the effect, or not at all."""
    sandbox, api = await serve(unique_transaction_keys=True)
    await subscribed(api, receiver.url, "transaction.created")
    pair = [{"key": "same", "amount": 1}, {"key": "same", "amount": 1}]
    body = {"transactions": pair, "customer": {"key": "nobody"}}
    assert (await api("POST", "/transactions", body))[0] == 422
    await sandbox.delivered()
    assert (receiver.received, sandbox.deliveries.log) == ([], ())


async def test_equal_sales_in_one_call_have_different_bodies(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """A body is all the id that a delivery has: two events never have the same one."""
    await subscribed(api, receiver.url, "transaction.created")
    pair = [{"key": "same", "amount": 1}, {"key": "same", "amount": 1}]
    await api(
        "POST", "/transactions", {"transactions": pair, "customer": {"key": "c1"}}
    )
    await sandbox.delivered()
    one, two = receiver.received
    assert one.envelope["data"] == two.envelope["data"]
    assert one.envelope["created_at"] < two.envelope["created_at"]


async def test_other_events_can_be_announced(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """Every active webhook gets what no operation of the API starts."""
    await subscribed(api, receiver.url, "transaction.created")
    sandbox.deliveries.announce("partner.promoted", {"id": "pt1", "new_tier": "gold"})
    await sandbox.delivered()
    assert receiver.events == ["partner.promoted"]
    assert receiver.received[0].envelope["data"] == {"id": "pt1", "new_tier": "gold"}


async def test_each_program_has_its_own_deliveries(
    serve: Any, receiver: Receiver
) -> None:
    """A program's webhooks hear of that program alone."""
    sandbox, api = await serve(programs=["affiliate", "newsletter"])
    second = sandbox.programs[1]

    async def other(method: str, path: str, body: Any) -> Any:
        return await api(method, path, body, key=second.api_key)

    await subscribed(other, receiver.url, "subscriber.created")
    await other("POST", "/subscribers", {"email": "a@b.example"})
    await sandbox.delivered()
    assert receiver.events == ["subscriber.created"]
    assert (len(second.deliveries.log), len(sandbox.deliveries.log)) == (1, 0)


# --- when it fails -----------------------------------------------------------------


async def test_failures_are_repeated_with_growing_waits(
    sandbox: Sandbox, api: Any, receiver: Receiver, clock: Any
) -> None:
    """After 10 s, 60 s, 5 min, 30 min and 2 h, byte for byte; then it is given up."""
    await subscribed(api, receiver.url, "transaction.created")
    receiver.answers.extend([500, 302, 404, 199 + 1 + 200, 503, 500])
    await sold(api, "s1")
    for number, seconds in enumerate([10, 60, 300, 1800, 7200], start=1):
        await sandbox.delivered()
        assert len(receiver.received) == number
        (delivery,) = sandbox.deliveries.log
        assert delivery.next_at == clock.now + seconds
        clock.now += seconds - 1
        await sandbox.delivered()
        assert len(receiver.received) == number
        clock.now += 1
    await sandbox.delivered()
    (delivery,) = sandbox.deliveries.log
    assert (delivery.state, delivery.next_at) == ("failed", None)
    assert [a.status for a in delivery.attempts] == [500, 302, 404, 400, 503, 500]
    assert delivery.attempts[1].reason == "answered with 302"
    assert delivery.attempts[1].at == "2026-03-04T09:15:40.000000Z"
    assert len({(each.body, each.signature) for each in receiver.received}) == 1
    clock.now += 10**6
    await sandbox.delivered()
    assert len(receiver.received) == 6


async def test_the_schedule_can_be_chosen(
    serve: Any, receiver: Receiver, clock: Any
) -> None:
    """Nobody knows the vendor's."""
    sandbox, api = await serve(assumptions=Assumptions(delivery_waits=[3]))
    await subscribed(api, receiver.url, "transaction.created")
    receiver.answers.extend([500, 204])
    await sold(api, "s1")
    await sandbox.delivered()
    assert states(sandbox) == ["waiting"]
    clock.now += 3
    await sandbox.delivered()
    assert states(sandbox) == ["delivered"]


async def test_a_repeat_comes_by_itself(serve: Any, receiver: Receiver) -> None:
    """Nobody has to ask: the sandbox wakes up when it is time."""
    again = asyncio.Event()
    receiver.asked = lambda: again.set() if receiver.received else None
    receiver.answers.append(500)
    loop = asyncio.get_running_loop()
    _, api = await serve(
        assumptions=Assumptions(delivery_waits=[0.01]), clock=loop.time
    )
    await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    async with asyncio.timeout(5):
        await again.wait()


async def test_what_fails_holds_up_nothing_else(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """Deliveries behind one that failed go on while it waits."""
    await subscribed(api, receiver.url, "transaction.created")
    receiver.answers.append(500)
    await sold(api, "s1", "s2", "s3")
    await sandbox.delivered()
    assert keys(receiver) == ["s1", "s2", "s3"]
    assert states(sandbox) == ["waiting", "delivered", "delivered"]


async def test_a_receiver_that_is_not_there(
    serve: Any, clock: Any, receiver: Receiver
) -> None:
    """The log says why there is no status; others get theirs."""
    sandbox, api = await serve(assumptions=Assumptions(delivery_waits=()))
    url = f"http://127.0.0.1:{unused_port()}/"
    await subscribed(api, url, "transaction.created")
    await subscribed(api, "http://127.0.0.1:0x1/", "transaction.created")
    await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    assert states(sandbox) == ["failed", "failed", "delivered"]
    for delivery in sandbox.deliveries.log[:2]:
        (attempt,) = delivery.attempts
        assert attempt.status is None
        assert attempt.reason
        assert clock.now == 1772615730.0


async def test_a_receiver_that_does_not_answer_in_time(serve: Any) -> None:
    """Five seconds are allowed, fewer where a test says so."""
    stop = asyncio.Event()

    async def hang(_request: web.BaseRequest) -> web.StreamResponse:
        await stop.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(hang, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox, api = await serve(
        assumptions=Assumptions(delivery_timeout=0.05, delivery_waits=())
    )
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await subscribed(api, url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    (delivery,) = sandbox.deliveries.log
    assert delivery.attempts[0].reason == "no answer in time"
    assert Assumptions().delivery_timeout == 5
    stop.set()
    await runner.cleanup()


async def test_redirects_are_not_followed(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """A redirect is a failure: nobody signs for another address."""
    await subscribed(api, receiver.url, "transaction.created")
    location = {"Location": f"{receiver.url}/elsewhere"}
    receiver.answers.append(web.Response(status=307, headers=location))
    await sold(api, "s1")
    await sandbox.delivered()
    assert [each.path for each in receiver.received] == ["/hook"]
    assert states(sandbox) == ["waiting"]


async def test_a_deleted_webhook_gets_nothing_more(
    sandbox: Sandbox, api: Any, receiver: Receiver, clock: Any
) -> None:
    """What waited for it is dropped, and a new one of the same key is another."""
    await subscribed(api, receiver.url, "transaction.created", key="mine")
    receiver.answers.append(500)
    await sold(api, "s1")
    await sandbox.delivered()
    await api("DELETE", "/webhooks/mine")
    await subscribed(api, receiver.url, "transaction.created", key="mine")
    clock.now += 10
    await sandbox.delivered()
    assert (len(receiver.received), states(sandbox)) == (1, ["dropped"])
    with pytest.raises(ValueError, match="no delivery 1, or its webhook"):
        sandbox.deliveries.redeliver(1)


async def test_a_webhook_that_is_switched_off_waits(
    sandbox: Sandbox, api: Any, receiver: Receiver, clock: Any
) -> None:
    """What it still has to get comes by itself when it is on again."""
    hook = await subscribed(api, receiver.url, "transaction.created")
    receiver.answers.append(500)
    await sold(api, "s1")
    await sandbox.delivered()
    await api("PUT", f"/webhooks/{hook['key']}", {"is_active": False})
    clock.now += 10
    await sandbox.delivered()
    assert len(receiver.received) == 1
    again = asyncio.Event()
    receiver.asked = again.set
    await api("PUT", f"/webhooks/{hook['key']}", {"is_active": True})
    async with asyncio.timeout(5):
        await again.wait()
    await sandbox.delivered()
    assert (len(receiver.received), states(sandbox)) == (2, ["delivered"])


async def test_a_killed_sandbox_loses_no_event(
    tmp_path: Path, receiver: Receiver
) -> None:
    """What was not delivered is delivered after the next start, with the same bytes."""
    receiver.answers.append(500)
    came = asyncio.Event()
    receiver.asked = came.set
    command = ["-m", "partnero_async.sandbox", "--port", "0", "--json"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, "--db", str(tmp_path / "shop.db")),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        place = json.loads(await process.stdout.readline())
        hook = {"name": "a", "url": receiver.url, "events": ["partner.created"]}
        await posted(place["url"], place["api_key"], "/webhooks", **hook)
        await posted(place["url"], place["api_key"], "/partners", email="a@b.example")
        await came.wait()
    finally:
        process.kill()
        await process.wait()
    later = time.time() + 60
    async with Sandbox(db=tmp_path / "shop.db", clock=lambda: later) as sandbox:
        await sandbox.delivered()
        assert states(sandbox) == ["delivered"]
    one, two = receiver.received
    assert (one.body, one.signature) == (two.body, two.signature)


async def test_closing_ends_deliveries_at_once(clock: Any) -> None:
    """A receiver that hangs does not keep a sandbox from ending; it is asked again."""
    asked, stop = asyncio.Event(), asyncio.Event()

    async def hang(_request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await stop.wait()
        return web.Response()

    runner = web.ServerRunner(web.Server(hang, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with asyncio.timeout(4), Sandbox(clock=clock) as sandbox:
        deliveries = sandbox.deliveries
        place = (sandbox.url, sandbox.api_key)
        hook = {"name": "a", "url": url, "events": ["partner.created"]}
        await posted(*place, "/webhooks", **hook)
        await posted(*place, "/partners", email="a@b.example")
        await asked.wait()
        waiting = asyncio.ensure_future(deliveries.settled())
        await asyncio.sleep(0)
        await sandbox.close()
        with pytest.raises(RuntimeError, match="the sandbox was closed"):
            await waiting
    stop.set()
    await runner.cleanup()


async def posted(url: str, key: str, path: str, /, **body: Any) -> None:
    """Call the API without a fixture."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url + path, json=body) as answer,
    ):
        assert answer.status < 300


# --- by hand and on request --------------------------------------------------------


async def test_a_delivery_is_repeated_by_hand(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """The same bytes go again, whatever came of them, with all repeats ahead."""
    await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    (delivery,) = sandbox.deliveries.log
    receiver.answers.append(500)
    sandbox.deliveries.redeliver(delivery.id)
    await sandbox.delivered()
    one, two = receiver.received
    assert one.body == two.body
    (delivery,) = sandbox.deliveries.log
    assert [each.status for each in delivery.attempts] == [200, 500]
    assert delivery.next_at == 1772615740.0
    with pytest.raises(ValueError, match="there is no delivery 99"):
        sandbox.deliveries.redeliver(99)


async def test_a_repeat_by_hand_of_what_is_under_way_is_kept(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """An attempt that ends meanwhile does not swallow what was asked for."""

    def asked() -> None:
        if not receiver.received:
            sandbox.deliveries.redeliver(1)

    receiver.asked = asked
    await subscribed(api, receiver.url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    assert (len(receiver.received), states(sandbox)) == (2, ["delivered"])


async def test_duplicates_on_request(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """What has succeeded comes once more, byte for byte."""
    await subscribed(api, receiver.url, "transaction.created")
    sandbox.deliveries.disturb("duplicate")
    await sold(api, "s1", "s2")
    await sandbox.delivered()
    assert sorted(keys(receiver)) == ["s1", "s1", "s2"]
    assert len({each.body for each in receiver.received}) == 2
    assert states(sandbox) == ["delivered", "delivered"]


async def test_late_on_request(
    sandbox: Sandbox, api: Any, receiver: Receiver, clock: Any
) -> None:
    """The body says when it happened, not when it comes."""
    await subscribed(api, receiver.url, "transaction.created")
    sandbox.deliveries.disturb("late", seconds=3600)
    await sold(api, "s1", "s2")
    await sandbox.delivered()
    assert keys(receiver) == ["s2"]
    clock.now += 3600
    await sandbox.delivered()
    assert keys(receiver) == ["s2", "s1"]
    moments = [each.envelope["created_at"] for each in receiver.received]
    assert moments[0] > moments[1]


async def test_out_of_order_on_request(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """It comes right after the next one to the same webhook."""
    await subscribed(api, receiver.url, "transaction.created")
    sandbox.deliveries.disturb("out of order")
    await sold(api, "s1")
    await sandbox.delivered()
    assert keys(receiver) == []
    await sold(api, "s2", "s3")
    await sandbox.delivered()
    assert keys(receiver)[0] == "s2"
    assert sorted(keys(receiver)) == ["s1", "s2", "s3"]


async def test_wrong_signatures_on_request(
    sandbox: Sandbox, api: Any, receiver: Receiver, clock: Any
) -> None:
    """The first attempt has the signature of another secret, its repeat does not."""
    hook = await subscribed(api, receiver.url, "transaction.created")
    receiver.answers.append(401)
    sandbox.deliveries.disturb("wrong signature")
    await sold(api, "s1")
    await sandbox.delivered()
    clock.now += 10
    await sandbox.delivered()
    right = hmac.new(
        hook["signature"].encode(), receiver.received[0].body, hashlib.sha256
    ).hexdigest()
    signatures = [each.signature for each in receiver.received]
    assert len(signatures[0]) == 64
    assert [each == right for each in signatures] == [False, True]


async def test_lost_on_request(sandbox: Sandbox, api: Any, receiver: Receiver) -> None:
    """It never comes, and the log says so; by hand it can still be sent."""
    await subscribed(api, receiver.url, "transaction.created", "transaction.deleted")
    sandbox.deliveries.disturb("lost", event="customer.created")
    sandbox.deliveries.disturb("lost", event="transaction.created", times=2)
    await sold(api, "s1", "s2", "s3")
    await api("DELETE", "/transactions/s1")
    await sandbox.delivered()
    assert keys(receiver) == ["s3", "s1"]
    assert states(sandbox) == ["lost", "lost", "delivered", "delivered"]
    sandbox.deliveries.redeliver(1)
    await sandbox.delivered()
    assert keys(receiver) == ["s3", "s1", "s1"]


async def test_an_unknown_disturbance_is_refused(sandbox: Sandbox) -> None:
    """A misspelt one would let a test pass for nothing."""
    name: Any = "duplicates"
    with pytest.raises(ValueError, match="called 'duplicates'"):
        sandbox.deliveries.disturb(name)


async def test_any_order_on_request(
    serve: Any, receiver: Receiver, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no promise of an order: the switch draws among what is due."""
    drawn: list[int] = []

    def last(rows: list[Any]) -> Any:
        drawn.append(len(rows))
        return rows[-1]

    monkeypatch.setattr("partnero_async.sandbox.deliveries._RANDOM.choice", last)
    sandbox, api = await serve(assumptions=Assumptions(delivery_order="shuffled"))
    hook = await subscribed(api, receiver.url, "transaction.created")
    receiver.answers.extend([500, 500, 500])
    await sold(api, "s1", "s2", "s3")
    await sandbox.delivered()
    await api("PUT", f"/webhooks/{hook['key']}", {"name": "again"})
    receiver.received.clear()
    clock.now += 10
    await sandbox.delivered()
    assert keys(receiver) == ["s3", "s2", "s1"]
    assert max(drawn) == 3


# --- where it goes -----------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://ledger.example/hook",
        "http://192.0.2.7/hook",
        "http://10.0.0.1/",
        "http://[2001:db8::1]/",
        "http://169.254.169.254/latest",
        "http://localhost.ledger.example/",
        "http://0.0.0.0/",
        "http://127.0.0.1\\@192.0.2.7/",
    ],
)
async def test_nothing_leaves_this_machine(
    sandbox: Sandbox, api: Any, url: str
) -> None:
    """Other addresses are refused without a look-up, and the log says so."""
    await subscribed(api, url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    (delivery,) = sandbox.deliveries.log
    assert (delivery.state, len(delivery.attempts)) == ("refused", 1)
    assert "deliveries do not go to" in (delivery.attempts[0].reason or "")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://224.0.0.1/",
        "http://[64:ff9b::a00:1]/",
        "http://[2002:a00:1::]/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
async def test_private_networks_are_never_meant(serve: Any, url: str) -> None:
    """With public addresses allowed, those of an office or a cloud host are not."""
    sandbox, api = await serve(deliver_to="public")
    await subscribed(api, url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    assert states(sandbox) == ["refused"]


async def test_a_name_is_looked_up_once_and_checked_then(
    serve: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads into a private network gets nothing, a public name gets it."""
    port = int(receiver.url.split(":")[2].partition("/")[0])
    places = {"inside.example": "10.0.0.1", "here.example": "127.0.0.1"}
    loop = asyncio.get_running_loop()
    look_up: Callable[..., Awaitable[Any]] = loop.getaddrinfo
    asked: list[str] = []

    async def faked(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return await look_up(places.get(host, host), *arguments, **options)

    monkeypatch.setattr(loop, "getaddrinfo", faked)
    sandbox, api = await serve(deliver_to="public")
    for host in places:
        await subscribed(api, f"http://{host}:{port}/hook", "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    first, second = sandbox.deliveries.log
    assert (first.state, second.state) == ("waiting", "delivered")
    reason = first.attempts[0].reason or ""
    assert "deliveries do not go to where inside.example leads" in reason
    assert [asked.count(host) for host in places] == [1, 1]


async def test_localhost_is_this_machine(
    sandbox: Sandbox, api: Any, receiver: Receiver
) -> None:
    """The name is looked up, and only loopback addresses of it are used."""
    url = receiver.url.replace("127.0.0.1", "localhost")
    await subscribed(api, url, "transaction.created")
    await sold(api, "s1")
    await sandbox.delivered()
    assert states(sandbox) == ["delivered"]


# --- from other threads ------------------------------------------------------------


async def test_callers_without_a_loop_can_wait(receiver: Receiver) -> None:
    """The facade waits in the caller's thread for what its own thread sends."""

    def work() -> list[str]:
        with SyncSandbox() as sandbox:
            deliveries: Deliveries = sandbox.deliveries
            hook = {"name": "a", "url": receiver.url, "events": ["partner.created"]}
            place = (sandbox.url, sandbox.api_key)
            asyncio.run(posted(*place, "/webhooks", **hook))
            asyncio.run(posted(*place, "/partners", email="a@b.example"))
            sandbox.wait_until_delivered()
            deliveries.redeliver(1)
            sandbox.wait_until_delivered(timeout=10)
            return [each.state for each in deliveries.log]

    assert await asyncio.to_thread(work) == ["delivered"]
    assert receiver.events == ["partner.created"] * 2
