"""Lost deliveries: found in the lists, and handled once with those that come."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import attrs
import pytest
from aiohttp import web

import partnero_sync.webhooks
from partnero_async import Partnero, PermissionDeniedError, UsageError
from partnero_async.models import (
    Customer,
    Lead,
    Partner,
    Referral,
    Subscriber,
    Transaction,
)
from partnero_async.sandbox import Assumptions, Sandbox
from partnero_async.webhooks import (
    EventBusyError,
    LeadConverted,
    MemoryClaims,
    PartnerArchived,
    PartnerCreated,
    Receiver,
    TransactionCreated,
    catch_up,
    catching_up,
    occurrence_of,
    once,
    parse,
)
from partnero_async.webhooks.aiohttp import handler
from partnero_async.webhooks.occurrences import MOMENTS
from tests.awaited import AwaitedClient, in_thread
from tests.held import Held

from .conftest import Clock
from .deliveries import examples

START = datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
Serve = Callable[..., Awaitable[tuple[Sandbox, Partnero]]]


@pytest.fixture
def clock() -> Clock:
    """Stand still at 2026-03-04T09:15:30Z."""
    return Clock(START.timestamp())


@pytest.fixture
async def serve(clock: Clock, partnero: type[Partnero]) -> AsyncIterator[Serve]:
    """Start sandboxes with a client, of one kind and the other in turn."""
    async with AsyncExitStack() as stack:

        async def start(
            program: str = "affiliate", **settings: Any
        ) -> tuple[Sandbox, Partnero]:
            sandbox = Sandbox(programs=[program], clock=clock, **settings)
            await stack.enter_async_context(sandbox)
            client = partnero(sandbox.api_key, base_url=sandbox.url)
            return sandbox, await stack.enter_async_context(client)

        yield start


async def found(client: Any, **options: Any) -> list[Any]:
    """Catch up, with the function for this kind of client."""
    if isinstance(client, AwaitedClient):
        walk = partnero_sync.webhooks.catch_up(client._own, **options)
        return list(await in_thread(list, walk))
    return [event async for event in catch_up(client, **options)]


def told(events: list[Any]) -> list[tuple[str, str]]:
    """Name the events, and what each is about."""
    return [
        (event.name, str(getattr(event.data, "key", None) or event.data.id))
        for event in events
    ]


async def shop(client: Partnero) -> None:
    """Create a partner p1 and its customer c1."""
    await client.partners.create(email="a@b.example", id="p1", key="k1")
    await client.customers.create(key="c1", partner={"id": "p1"})


# --- what is found -----------------------------------------------------------------


async def test_an_affiliate_program_is_walked_list_by_list(
    serve: Serve, clock: Clock
) -> None:
    """Partners before their customers, these before their sales; the oldest first."""
    _, client = await serve()
    await shop(client)
    for key in ("s1", "s2"):
        clock.now += 1
        await client.transactions.create(key=key, amount=5, customer={"key": "c1"})
    lead = await client.leads.create(
        name="L", email="l@b.example", partner={"id": "p1"}
    )
    events = await found(client, since=START)
    assert told(events) == [
        ("partner.created", "p1"),
        ("customer.created", "c1"),
        ("transaction.created", "s1"),
        ("transaction.created", "s2"),
        ("lead.submitted", str(lead.id)),
    ]
    assert isinstance(events[0], PartnerCreated)
    sale = events[2]
    assert isinstance(sale, TransactionCreated)
    assert sale.created_at == START + timedelta(seconds=1)
    assert sale.data == await client.transactions.get("s1")
    assert (sale.url, sale.webhook_key) == (None, None)
    assert parse(sale.body) == sale


async def test_updates_are_found_by_their_time(serve: Serve, clock: Clock) -> None:
    """Several are one, with the values of now; an archived partner says so."""
    _, client = await serve()
    await shop(client)
    await client.partners.create(email="z@b.example", id="p2")
    clock.now += 3600
    await client.partners.update("p1", name="One")
    await client.partners.update("p1", name="Two")
    await client.customers.update("c1", name="Three")
    await client.partners.archive("p2")
    events = await found(client, since=START + HOUR)
    assert sorted(told(events)) == [
        ("customer.updated", "c1"),
        ("partner.archived", "p2"),
        ("partner.updated", "p1"),
    ]
    assert {event.created_at for event in events} == {START + HOUR}
    assert {getattr(event.data, "name", None) for event in events} == {
        "Two",
        "Three",
        None,
    }
    assert any(isinstance(event, PartnerArchived) for event in events)


async def test_a_refer_a_friend_program(serve: Serve) -> None:
    """Its customers and their sales."""
    _, client = await serve("refer_a_friend")
    await client.referrals.create(id="r1")
    await client.referrals.create(id="r2", referring_customer={"id": "r1"})
    await client.transactions.create(key="s1", amount=5, customer={"id": "r2"})
    events = await found(client, since=START)
    assert sorted(told(events)) == [
        ("customer.created", "r1"),
        ("customer.created", "r2"),
        ("transaction.created", "s1"),
    ]


@pytest.mark.parametrize("dated", [True, False])
async def test_a_newsletter(serve: Serve, clock: Clock, dated: bool) -> None:
    """Updates are found only where the API says when there was one."""
    _, client = await serve(
        "newsletter", assumptions=Assumptions(dated_subscribers=dated)
    )
    await client.subscribers.create(email="a@b.example", id="n1")
    clock.now += 1
    await client.subscribers.update("n1", name="A")
    events = await found(client, since=START)
    updates = [("subscriber.updated", "n1")] if dated else []
    assert told(events) == [("subscriber.created", "n1"), *updates]


async def test_leads_have_a_day(serve: Serve, clock: Clock) -> None:
    """Those of the whole day come, and what became of them; the day before does not."""
    _, client = await serve()
    await shop(client)
    clock.now -= 24 * 3600
    partner: Any = {"id": "p1"}
    old = await client.leads.create(name="O", email="o@b.example", partner=partner)
    clock.now += 24 * 3600 - 9 * 3600
    new = await client.leads.create(name="N", email="n@b.example", partner=partner)
    lost = await client.leads.create(name="M", email="m@b.example", partner=partner)
    assert old.id
    assert new.id
    assert lost.id
    await client.leads.convert(new.id, commission_transaction_amount=5)
    await client.leads.convert(old.id, commission_transaction_amount=5)
    await client.leads.reject(lost.id)
    names = ["lead.submitted", "lead.converted", "lead.rejected"]
    events = await found(client, since=START, events=names)
    assert sorted(told(events)) == [
        ("lead.converted", str(new.id)),
        ("lead.rejected", str(lost.id)),
        ("lead.submitted", str(new.id)),
        ("lead.submitted", str(lost.id)),
    ]
    assert sum(isinstance(event, LeadConverted) for event in events) == 1


async def test_the_time_is_bounded(serve: Serve, clock: Clock) -> None:
    """From *since*, and before *until*; the zone makes no difference."""
    _, client = await serve()
    for number in range(4):
        await client.partners.create(email=f"{number}@b.example", id=f"p{number}")
        clock.now += 3600
    zone = datetime.fromisoformat("2026-03-04T12:15:30+02:00")
    events = await found(client, since=zone, until=zone + 2 * HOUR)
    assert told(events) == [("partner.created", "p1"), ("partner.created", "p2")]


@pytest.mark.parametrize(
    "record",
    [Partner(), Customer(), Referral(), Transaction(), Lead(), Subscriber()],
    ids=lambda record: type(record).__name__,
)
def test_a_record_without_times_tells_of_nothing(record: Any) -> None:
    """The API may leave anything out."""
    nouns = {
        Partner: "partners",
        Customer: "customers",
        Referral: "referrals",
        Transaction: "transactions",
        Lead: "leads",
        Subscriber: "subscribers",
    }
    lists = [each for some in catching_up.LISTS.values() for each in some]
    for each in lists:
        if each.noun == nouns[type(record)]:
            assert list(each.told(record)) == []


# --- how much is read --------------------------------------------------------------


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read ten at once, so that a few records are several pages."""
    monkeypatch.setattr(catching_up, "PAGE", 10)


@pytest.mark.usefixtures("small_pages")
async def test_the_newest_first_is_not_read_to_its_end(
    serve: Serve, clock: Clock
) -> None:
    """Where only creations are looked for, the first page that is too old is enough."""
    sandbox, client = await serve()
    for number in range(45):
        if number == 40:
            clock.now += 3600
        await client.partners.create(email=f"{number}@b.example")
    names = ["partner.created"]
    before = sandbox.requests_by_route["GET /partners"]
    events = await found(client, since=START + HOUR, events=names)
    assert len(events) == 5
    assert sandbox.requests_by_route["GET /partners"] - before == 2
    before = sandbox.requests_by_route["GET /partners"]
    events = await found(client, since=START + HOUR, events=[*names, "partner.updated"])
    assert len(events) == 5
    assert sandbox.requests_by_route["GET /partners"] - before == 5


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("backdated", "pages", "count"), [(True, 4, 5), (False, 1, 0)])
async def test_sales_may_have_been_recorded_with_old_times(
    serve: Serve, clock: Clock, backdated: bool, pages: int, count: int
) -> None:
    """An import in front of a new sale hides it from whoever says there is none."""
    sandbox, client = await serve()
    await shop(client)
    clock.now += 3600
    for number in range(5):
        await client.transactions.create(
            key=f"new{number}", amount=1, customer={"key": "c1"}
        )
    old = START - HOUR
    for number in range(30):
        await client.transactions.create(
            key=f"old{number}", amount=1, customer={"key": "c1"}, created_at=old
        )
    events = await found(
        client,
        since=START,
        events=["transaction.created"],
        backdated=backdated,
    )
    assert len(events) == count
    assert sandbox.requests_by_route["GET /transactions"] == pages


async def test_only_lists_that_can_tell_are_read(serve: Serve) -> None:
    """A key that may not read leads catches up with what it may read."""
    sandbox, client = await serve()
    await shop(client)
    key = sandbox.make_key(deny=["leads", "partners"])
    async with Partnero(key, base_url=sandbox.url) as limited:
        events = await found(limited, since=START, events=["customer.created"])
        assert told(events) == [("customer.created", "c1")]
        with pytest.raises(PermissionDeniedError):
            await found(limited, since=START)


# --- what is refused ---------------------------------------------------------------


async def test_what_cannot_be_found_is_refused(serve: Serve) -> None:
    """A misspelt event would seem to be one that was never missed."""
    _, client = await serve()
    for names in (["transaction.deleted"], ["partner.create", "partner.created"]):
        with pytest.raises(UsageError, match=f"no list .* tells of {names[0]}"):
            await found(client, since=START, events=names)


@pytest.mark.parametrize("name", ["since", "until"])
async def test_a_time_needs_a_zone(serve: Serve, name: str) -> None:
    """Nobody can tell which moment it is otherwise."""
    _, client = await serve()
    times: dict[str, Any] = {"since": START, name: START.replace(tzinfo=None)}
    with pytest.raises(UsageError, match="2026-03-04T09:15:30: give a time with a"):
        await found(client, **times)


async def test_a_type_that_cannot_be_told_can_be_given(serve: Serve) -> None:
    """A key may not be allowed to read about its program."""
    sandbox, client = await serve()
    await shop(client)
    key = sandbox.make_key(deny=["program"])
    async with Partnero(key, base_url=sandbox.url) as limited:
        with pytest.raises(UsageError, match="give program="):
            await found(limited, since=START)
        events = await found(limited, since=START, program="affiliate")
        assert len(events) == 2


# --- once, with deliveries ---------------------------------------------------------


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    """Serve *receiver* on a socket."""
    app = web.Application()
    app.router.add_post("/hook", handler(receiver))
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


async def test_lost_and_late_deliveries_are_handled_once(
    serve: Serve, clock: Clock
) -> None:
    """What is lost is caught up with; what comes after that is not handled again."""
    sandbox, client = await serve()
    claims, handled = MemoryClaims(clock=clock), list[str]()

    @once(claims)
    async def record(event: Any) -> None:
        handled.append(f"{event.name} {event.data.key}")

    webhook = await client.webhooks.create(
        name="a",
        url="http://127.0.0.1/",
        events=["transaction.created", "customer.created"],
    )
    assert webhook.key
    receiver = Receiver(webhook.signature or "", claims=claims, clock=clock)
    receiver.on("transaction.created", "customer.created")(record)
    async with receiving(receiver) as url:
        await client.webhooks.update(webhook.key, url=url)
        await shop(client)
        sandbox.deliveries.disturb("lost", event="transaction.created", times=2)
        for key in ("s1", "s2", "s3"):
            clock.now += 1
            await client.transactions.create(key=key, amount=5, customer={"key": "c1"})
        await sandbox.delivered()
        assert handled == ["customer.created c1", "transaction.created s3"]
        for _ in range(2):
            for event in await found(
                client,
                since=START,
                events=["customer.created", "transaction.created"],
            ):
                await record(event)
        assert handled[2:] == ["transaction.created s1", "transaction.created s2"]
        for delivery in sandbox.deliveries.log:
            sandbox.deliveries.redeliver(delivery.id)
        await sandbox.delivered()
        assert {each.state for each in sandbox.deliveries.log} == {"delivered"}
        assert len(handled) == 4


def sale_event(
    *,
    name: str = "transaction.created",
    key: str = '"s1"',
    amount: str = "149.5",
    moment: str = "2026-03-04T09:15:30.000000Z",
    sent: str = "2026-03-04T10:00:00.000000Z",
) -> Any:
    """Make the event of a sale."""
    data = f'{{"key":{key},"amount":{amount},"created_at":"{moment}"}}'
    return parse(f'{{"event":"{name}","created_at":"{sent}","data":{data}}}'.encode())


def test_functions_have_turns_of_their_own() -> None:
    """Two functions handle the same event, each once; a name makes them one."""
    claims, calls = MemoryClaims(), list[str]()

    def one(_event: Any) -> str:
        calls.append("one")
        return "result"

    def two(_event: Any) -> str:
        calls.append("two")
        return "result"

    for function in (one, two, one):
        once(claims)(function)(sale_event())
    assert calls == ["one", "two"]
    assert once(claims, name="n")(one)(sale_event()) == "result"
    assert once(claims, name="n")(two)(sale_event()) is None
    assert calls == ["one", "two", "one"]


async def test_what_raises_may_be_handled_again() -> None:
    """The exception comes through, and the claim is given back."""
    claims = MemoryClaims()
    fails = [True, True]

    @once(claims)
    def plain(_event: Any) -> str:
        if fails.pop():
            raise OSError("no disk")
        return "done"

    @once(claims)
    async def awaited(_event: Any) -> str:
        return plain(sale_event(key='"other"'))

    with pytest.raises(OSError, match="no disk"):
        plain(sale_event())
    with pytest.raises(OSError, match="no disk"):
        await awaited(sale_event())
    fails.extend([False, False])
    assert plain(sale_event()) == "done"
    assert await awaited(sale_event()) == "done"
    assert await awaited(sale_event()) is None


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function as decorators do that know nothing of ``async``."""

    @wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call


async def test_what_is_awaited_is_not_handled_before() -> None:
    """Although the function itself is plain, and has returned long since."""
    fails, calls = [True], list[str]()

    @once(MemoryClaims())
    @traced
    async def record(event: TransactionCreated) -> str:
        if fails.pop():
            raise OSError("no disk")
        calls.append(event.name)
        return "result"

    with pytest.raises(OSError, match="no disk"):
        await record(sale_event())
    fails.append(False)
    assert await record(sale_event()) == "result"
    assert record(sale_event()) is None
    assert len(calls) == 1


@pytest.mark.parametrize("fails", [False, True])
async def test_who_has_a_turn_waits_for_no_thread(fails: bool) -> None:
    """After the function the lease still runs, however busy all threads are."""
    loop, going_on = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = list[asyncio.Future[bool]]()

    @once(MemoryClaims())
    async def record(_event: TransactionCreated) -> str:
        if not busy:
            busy.append(loop.run_in_executor(None, going_on.wait, 20))
            if fails:
                raise OSError("no disk")
        return "result"

    with pytest.raises(OSError, match="no disk") if fails else nullcontext():
        assert await record(sale_event()) == "result"
    going_on.set()
    assert await busy[0]
    assert await record(sale_event()) == ("result" if fails else None)


async def test_what_is_being_handled_comes_again() -> None:
    """Who comes meanwhile is told with an error, which makes the sender come again."""
    claims = MemoryClaims()

    @once(claims)
    def plain(event: Any) -> None:
        plain(event)

    with pytest.raises(EventBusyError, match="being handled"):
        plain(sale_event())


@pytest.mark.parametrize("step", range(40))
async def test_cancelled_at_each_step(step: int) -> None:
    """Handled, or handled when it comes again; never held by nobody, nor twice."""
    calls = list[str]()

    @once(MemoryClaims())
    async def record(event: TransactionCreated) -> None:
        await asyncio.sleep(0)
        calls.append(event.name)

    task = asyncio.ensure_future(record(sale_event()))
    for _ in range(step):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await record(sale_event())
    assert len(calls) == 1


@pytest.mark.parametrize("method", ["claim", "release", "done"])
async def test_a_thread_is_waited_for_when_it_is_cancelled(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is slow does not keep what nobody handles any more."""
    claims, held, calls = MemoryClaims(), Held(), list[str]()
    fails = [method == "release"]

    @once(claims)
    async def record(event: TransactionCreated) -> None:
        await asyncio.sleep(0)
        if fails.pop():
            raise ValueError
        calls.append(event.name)

    monkeypatch.setattr(claims, method, held.before(getattr(claims, method)))
    await held.while_cancelled(record(sale_event()))
    monkeypatch.undo()
    fails.append(False)
    await record(sale_event())
    assert len(calls) == 1


def test_what_was_handled_is_remembered_for_a_while() -> None:
    """After *keep* it is as if it had never been."""
    clock = Clock(0.0)
    claims, calls = MemoryClaims(clock=clock), list[Any]()
    record = once(claims, keep=timedelta(days=1))(calls.append)
    for now in (0, 24 * 3600 - 1, 24 * 3600):
        clock.now = now
        record(sale_event())
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({"sent": "2026-03-04T11:00:00Z"}, True, id="another delivery"),
        pytest.param({"amount": "149.50"}, True, id="trailing zero"),
        pytest.param({"moment": "2026-03-04T10:15:30+01:00"}, True, id="zone"),
        pytest.param({"amount": "150"}, False, id="amount"),
        pytest.param({"key": '"s2"'}, False, id="key"),
        pytest.param({"moment": "2026-03-04T09:15:30.000001Z"}, False, id="time"),
        pytest.param({"name": "transaction.deleted"}, False, id="event"),
    ],
)
def test_what_makes_an_occurrence(changes: dict[str, Any], same: bool) -> None:
    """Event, key, time and amount; not the delivery."""
    one, other = sale_event(), sale_event(**changes)
    assert (occurrence_of(one) == occurrence_of(other)) is same


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(sale_event(key="null"), id="no key"),
        pytest.param(sale_event(amount="null"), id="no amount"),
        pytest.param(sale_event(name="transaction.deleted"), id="not in lists"),
        pytest.param(sale_event(name="transaction.moved"), id="unknown event"),
        pytest.param(
            parse(
                b'{"event":"partner.created","created_at":"2026-03-04T10:00:00Z",'
                b'"data":{"created_at":"2026-03-04T10:00:00Z"}}'
            ),
            id="no id",
        ),
    ],
)
def test_without_an_identity_a_delivery_is_an_occurrence(event: Any) -> None:
    """Then it is handled once by its bytes, as it is without `once`."""
    assert occurrence_of(event) == event.id


@pytest.mark.parametrize("name", sorted(MOMENTS))
def test_what_a_list_shows_is_the_occurrence_that_was_delivered(name: str) -> None:
    """For each published event that lists tell of too, written in another way."""
    (example,) = [each for each in examples() if each.name == name]
    delivered = parse(example.body)
    listed = attrs.evolve(delivered, id="", body=b"")
    if name == "subscriber.updated":  # its published form has no time of the update
        assert occurrence_of(listed) == ""
        return
    assert occurrence_of(delivered) == occurrence_of(listed) != ""
    kinds = {occurrence_of(parse(e.body)) for e in examples() if e.name in MOMENTS}
    assert len(kinds) == len(MOMENTS)
