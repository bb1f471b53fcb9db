"""The receiver: what is answered, what is called, and how often."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from partnero_async import UsageError
from partnero_async.webhooks import (
    Claim,
    CustomerCreated,
    Event,
    MemoryClaims,
    Receiver,
    Reply,
    SQLiteClaims,
    Taken,
    UnknownEvent,
    parse,
)
from partnero_async.webhooks.claims import Claims

from .conftest import Clock
from .deliveries import BAD, OTHER, PERSON, SECRET, Delivery, good, signed

MINUTE = timedelta(minutes=1)

Take = Callable[[Receiver, Delivery], Coroutine[Any, Any, Reply]]


@pytest.fixture(params=["async", "sync"])
def take(request: pytest.FixtureRequest) -> Take:
    """Hand a delivery to a receiver, in each of the two ways."""

    async def take(receiver: Receiver, delivery: Delivery) -> Reply:
        if request.param == "async":
            return await receiver.receive(delivery.headers, delivery.body)
        return await asyncio.to_thread(
            receiver.receive_sync, delivery.headers, delivery.body
        )

    return take


class Seen(list[Event]):
    """Keeps the events that it is called with."""

    def plain(self, event: Event) -> None:
        """Be called in a thread."""
        self.append(event)

    async def awaited(self, event: Event) -> None:
        """Be awaited."""
        await asyncio.sleep(0)
        self.append(event)


class Called:
    """An object that is called, and has to be awaited."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def __call__(self, event: Event) -> None:
        """Keep the event."""
        await self._seen.awaited(event)


# --- what is handled ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "awaited"])
async def test_an_event_is_handled_once(take: Take, kind: str) -> None:
    """Repeats are answered with 200, and nothing is called."""
    seen, receiver, delivery = Seen(), Receiver(SECRET), good()
    receiver.on("customer.created")(getattr(seen, kind))
    replies = [await take(receiver, delivery) for _ in range(3)]
    assert [(reply.status, reply.reason) for reply in replies] == [
        (200, "handled"),
        (200, "handled before"),
        (200, "handled before"),
    ]
    assert len(seen) == 1
    event = seen[0]
    assert isinstance(event, CustomerCreated)
    assert all(reply.event == event and reply.error is None for reply in replies)


@pytest.mark.parametrize("delivery", BAD)
async def test_a_bad_delivery(
    take: Take, delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    """The right status, a typed error, nothing handled, and nothing leaked."""
    seen, receiver = Seen(), Receiver([OTHER + "x", SECRET])
    receiver.on("customer.created", "customer.updated")(seen.plain)
    with caplog.at_level(logging.DEBUG):
        reply = await take(receiver, delivery)
    assert reply.status == delivery.status
    assert type(reply.error) is (delivery.error or type(None))
    assert not seen
    told = f"{reply.reason} {reply.error!r} {reply.error} {caplog.text}"
    for hidden in (SECRET, PERSON, signed(delivery.body)):
        assert hidden not in told
    if delivery.error:
        assert "a delivery was refused: " in caplog.text
        assert reply.event is None
    else:
        assert reply.reason == "nothing to do"


async def test_functions_of_an_event(take: Take) -> None:
    """Those of its name and those of all, in the order in which they came."""
    receiver, called = Receiver(SECRET), list[str]()

    @receiver.on("customer.created", "customer.deleted")
    def first(event: Event) -> None:
        called.append(f"first {event.name}")

    @receiver.on("*")
    async def second(event: Event) -> None:
        called.append(f"second {event.name}")

    @receiver.on("customer.deleted")
    def third(_: Event) -> None:
        called.append("third")

    for name in ("customer.created", "customer.deleted", "lead.submitted"):
        assert (await take(receiver, good(name, data={}))).status == 200
    assert called == [
        *("first customer.created", "second customer.created"),
        *("first customer.deleted", "second customer.deleted", "third"),
        "second lead.submitted",
    ]
    assert first.__name__ == "first"


async def test_an_event_that_is_not_published(take: Take) -> None:
    """It can be asked for by its name, and warned of: a misspelling is one too."""
    seen, receiver = Seen(), Receiver(SECRET)
    with pytest.warns(UserWarning, match=r"no event 'reward\.paid' is published"):
        receiver.on("reward.paid")(seen.plain)
    reply = await take(receiver, good("reward.paid", data=5))
    assert (reply.status, reply.reason) == (200, "handled")
    assert [(type(event), event.data) for event in seen] == [(UnknownEvent, 5)]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda seen: partial(seen.awaited), id="partial"),
        pytest.param(lambda seen: lambda event: seen.awaited(event), id="lambda"),  # noqa: PLW0108 - it returns what is to be awaited
        pytest.param(Called, id="object"),
    ],
)
async def test_whatever_returns_an_awaitable_is_awaited(
    take: Take, make: Callable[[Seen], Any]
) -> None:
    """Not only what says that it is ``async``."""
    seen, receiver = Seen(), Receiver(SECRET)
    receiver.on("*")(make(seen))
    assert (await take(receiver, good())).reason == "handled"
    assert len(seen) == 1


async def test_a_plain_function_does_not_block_the_loop() -> None:
    """It is called in a thread, with the context variables of the request."""
    receiver, going_on = Receiver(SECRET), threading.Event()
    variable = contextvars.ContextVar[str]("variable")
    found: list[str] = []

    @receiver.on("*")
    def wait(_: Event) -> None:
        assert going_on.wait(20)
        found.append(variable.get())

    variable.set("set")
    delivery = good()
    task = asyncio.create_task(receiver.receive(delivery.headers, delivery.body))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(going_on.set)
    assert (await task).status == 200
    assert found == ["set"]


async def test_synchronous_code_has_its_functions_in_its_thread() -> None:
    """As Django's ORM needs it."""
    receiver, threads = Receiver(SECRET), list[int]()
    receiver.on("*")(lambda _: threads.append(threading.get_ident()))

    def in_a_thread() -> int:
        delivery = good()
        receiver.receive_sync(delivery.headers, delivery.body)
        return threading.get_ident()

    thread = await asyncio.to_thread(in_a_thread)
    assert threads == [thread]


async def test_a_loop_is_not_blocked_by_mistake() -> None:
    """Synchronous receiving in a loop's thread is refused, and nothing is handled."""
    seen, receiver, delivery = Seen(), Receiver(SECRET), good()
    receiver.on("*")(seen.plain)
    with pytest.raises(UsageError, match="await receiver"):
        receiver.receive_sync(delivery.headers, delivery.body)
    assert not seen


# --- what fails --------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("no luck"), id="error"),
        pytest.param(StopIteration(), id="stop-iteration"),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "awaited"])
async def test_a_function_that_raises(
    take: Take, kind: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The claim is given back, and 500 makes the sender come again."""
    seen, receiver, delivery = Seen(), Receiver(SECRET), good()
    failing = [error]

    def plain(event: Event) -> None:
        if failing:
            raise failing.pop()
        seen.append(event)

    async def awaited(event: Event) -> None:
        plain(event)

    receiver.on("*")(plain if kind == "plain" else awaited)
    reply = await take(receiver, delivery)
    assert (reply.status, reply.reason) == (500, "failed")
    assert reply.error
    assert str(error) in f"{reply.error} {reply.error.__cause__}"
    assert reply.event
    assert f"the event customer.created {reply.event.id[:12]} failed" in caplog.text
    assert "Traceback" in caplog.text
    for hidden in (SECRET, PERSON, signed(delivery.body)):
        assert hidden not in caplog.text
    assert (await take(receiver, delivery)).reason == "handled"
    assert (await take(receiver, delivery)).reason == "handled before"
    assert len(seen) == 1


async def test_what_ends_a_program_ends_it(tmp_path: Any) -> None:
    """The claim is given back all the same."""
    claims = SQLiteClaims(tmp_path / "claims.db")
    receiver, delivery = Receiver(SECRET, claims=claims), good()

    @receiver.on("*")
    def leave(_: Event) -> None:
        raise SystemExit(3)

    def in_a_thread() -> None:
        with pytest.raises(SystemExit):
            receiver.receive_sync(delivery.headers, delivery.body)

    await asyncio.to_thread(in_a_thread)
    assert isinstance(claims.claim(parse(delivery.body).id, lease=MINUTE), Claim)
    claims.close()


class Broken:
    """A store that fails at one step, for a while."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.store = MemoryClaims()

    def _fail(self, step: str) -> None:
        if step == self.step:
            raise ConnectionError("the store is away")

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim, or fail."""
        self._fail("claim")
        return self.store.claim(event_id, lease=lease)

    def done(self, claim: Claim, *, keep: timedelta) -> bool:
        """Record, or fail."""
        self._fail("done")
        return self.store.done(claim, keep=keep)

    def release(self, claim: Claim) -> bool:
        """Release, or fail."""
        self._fail("release")
        return self.store.release(claim)


@pytest.mark.parametrize(
    ("step", "handled", "then"),
    [
        pytest.param("claim", 0, "handled", id="claim"),
        pytest.param("release", 0, "being handled", id="release"),
        pytest.param("done", 1, "being handled", id="done"),
    ],
)
async def test_a_store_that_fails(
    take: Take, step: str, handled: int, then: str
) -> None:
    """500 makes the sender come again; what is not known stays claimed meanwhile."""
    seen, claims, delivery = Seen(), Broken(step), good()
    store: Claims = claims
    receiver = Receiver(SECRET, claims=store)

    @receiver.on("*")
    def function(event: Event) -> None:
        if claims.step == "release":
            raise ValueError
        seen.append(event)

    reply = await take(receiver, delivery)
    assert (reply.status, type(reply.error)) == (500, ConnectionError)
    assert len(seen) == handled
    claims.step = ""
    assert (await take(receiver, delivery)).reason == then


# --- two at a time -------------------------------------------------------------------


async def test_a_repeat_while_it_is_handled(take: Take) -> None:
    """503: the sender has to come again, since the first may fail."""
    receiver, delivery = Receiver(SECRET), good()
    begun, going_on = threading.Event(), threading.Event()

    @receiver.on("*")
    def wait(_: Event) -> None:
        begun.set()
        assert going_on.wait(20)

    first = asyncio.create_task(take(receiver, delivery))
    await asyncio.to_thread(begun.wait, 20)
    repeat = await take(receiver, delivery)
    assert (repeat.status, repeat.reason) == (503, "being handled")
    assert repeat.event
    going_on.set()
    assert (await first).reason == "handled"
    assert (await take(receiver, delivery)).reason == "handled before"


async def test_a_lease_that_is_outlasted(
    take: Take, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Another handles it meanwhile; the first does not undo that, and says so."""
    receiver = Receiver(SECRET, lease=timedelta(seconds=5), clock=clock)
    delivery, replies = good(), list[Reply]()
    begun, going_on = threading.Event(), threading.Event()

    @receiver.on("*")
    def wait(_: Event) -> None:
        if not begun.is_set():
            begun.set()
            assert going_on.wait(20)

    first = asyncio.create_task(take(receiver, delivery))
    await asyncio.to_thread(begun.wait, 20)
    clock.now += 6
    replies.append(await take(receiver, delivery))
    going_on.set()
    replies += [await first, await take(receiver, delivery)]
    assert [r.reason for r in replies] == ["handled", "handled", "handled before"]
    assert "outlasted its lease" in caplog.text


async def test_a_lease_begins_when_a_thread_is_free() -> None:
    """Deliveries that wait for one hold no claim, so that a lease is for its function.

    Two thirds of the lease are enough for each of three events, one after the other.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    clock = Clock()
    claims = MemoryClaims(clock=clock)
    receiver, held = Receiver(SECRET, claims=claims, lease=MINUTE), list[Any]()

    @receiver.on("*")
    def slow(event: Event) -> None:
        clock.now += 40
        held.append(claims.claim(event.id, lease=MINUTE))

    each = [good(data={"key": str(number)}) for number in range(3)]
    replies = [receiver.receive(one.headers, one.body) for one in each]
    assert {reply.reason for reply in await asyncio.gather(*replies)} == {"handled"}
    assert held == [Taken.BUSY] * 3


@pytest.mark.parametrize(
    ("then", "reasons"),
    [
        pytest.param("end", ["handled", "handled before"], id="end"),
        pytest.param("raise", ["failed", "handled"], id="raise"),
        pytest.param("plain", ["handled", "handled before"], id="plain"),
    ],
)
async def test_who_has_a_claim_waits_for_no_thread(
    then: str, reasons: list[str]
) -> None:
    """After an ``async`` function the lease runs, however busy all threads are."""
    loop, receiver, delivery = asyncio.get_running_loop(), Receiver(SECRET), good()
    loop.set_default_executor(ThreadPoolExecutor(1))
    going_on, busy = threading.Event(), list[asyncio.Future[bool]]()

    @receiver.on("*")
    async def first(_: Event) -> None:
        if not busy:
            busy.append(loop.run_in_executor(None, going_on.wait, 20))
            if then == "raise":
                raise ValueError

    if then == "plain":
        receiver.on("*")(Seen().plain)
    replies = [await receiver.receive(delivery.headers, delivery.body)]
    going_on.set()
    assert await busy[0]
    replies.append(await receiver.receive(delivery.headers, delivery.body))
    assert [reply.reason for reply in replies] == reasons


async def test_a_slow_function_is_told_of(
    take: Take, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The sender does not wait for longer than 5 seconds."""
    receiver = Receiver(SECRET, clock=clock)

    @receiver.on("*")
    def slow(event: Event) -> None:
        clock.now += event.data["seconds"]

    with pytest.warns(UserWarning, match="tick"):
        receiver.on("tick")
    for seconds in (5, 6):
        await take(receiver, good("tick", data={"seconds": seconds}))
    (record,) = caplog.records
    assert "took 6.0 s: the sender waits for 5 s" in record.getMessage()


# --- cancellation --------------------------------------------------------------------


async def test_a_function_that_is_cancelled() -> None:
    """The claim is given back, and the cancellation goes on."""
    seen, receiver, delivery = Seen(), Receiver(SECRET), good()
    begun, first = asyncio.Event(), [True]

    @receiver.on("*")
    async def wait(event: Event) -> None:
        if first:
            first.clear()
            begun.set()
            await asyncio.Event().wait()
        seen.append(event)

    task = asyncio.create_task(receiver.receive(delivery.headers, delivery.body))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reply = await receiver.receive(delivery.headers, delivery.body)
    assert (reply.reason, len(seen)) == ("handled", 1)


@pytest.mark.parametrize("outcome", ["returns", "raises"])
async def test_a_thread_is_waited_for_when_it_is_cancelled(outcome: str) -> None:
    """It cannot be stopped; what it has done counts, and what it has not does not."""
    receiver, delivery, calls = Receiver(SECRET), good(), list[str]()
    begun, going_on = threading.Event(), threading.Event()

    @receiver.on("*")
    def wait(event: Event) -> None:
        calls.append(event.name)
        begun.set()
        assert going_on.wait(20)
        if outcome == "raises" and len(calls) == 1:
            raise ValueError

    task = asyncio.create_task(receiver.receive(delivery.headers, delivery.body))
    await asyncio.to_thread(begun.wait, 20)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    going_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    reply = await receiver.receive(delivery.headers, delivery.body)
    assert reply.reason == ("handled before" if outcome == "returns" else "handled")


async def test_a_function_is_not_begun_after_a_cancellation() -> None:
    """Nor are those behind one that was running: the event comes again."""
    receiver, delivery, calls = Receiver(SECRET), good(), list[str]()
    begun, going_on = threading.Event(), threading.Event()

    @receiver.on("*")
    def one(_: Event) -> None:
        calls.append("one")
        begun.set()
        assert going_on.wait(20)

    @receiver.on("*")
    def two(_: Event) -> None:
        calls.append("two")

    task = asyncio.create_task(receiver.receive(delivery.headers, delivery.body))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    going_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls == ["one"]
    await receiver.receive(delivery.headers, delivery.body)
    assert calls == ["one", "one", "two"]


async def test_a_time_limit_is_one() -> None:
    """A timeout around it is told as such, although a thread was waited for."""
    receiver, delivery = Receiver(SECRET), good()
    begun, going_on = threading.Event(), threading.Event()

    @receiver.on("*")
    def wait(_: Event) -> None:
        begun.set()
        assert going_on.wait(20)

    async def limited() -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit:
            task = asyncio.create_task(asyncio.to_thread(begun.wait, 20))
            task.add_done_callback(lambda _: limit.reschedule(loop.time()))
            task.add_done_callback(lambda _: loop.call_later(0.01, going_on.set))
            await receiver.receive(delivery.headers, delivery.body)

    with pytest.raises(TimeoutError):
        await limited()
    assert (await receiver.receive(delivery.headers, delivery.body)).reason == (
        "handled before"
    )


@pytest.mark.parametrize("step", range(60))
async def test_cancelled_at_each_step(step: int) -> None:
    """Handled, or to be handled again; never stuck, and never twice."""
    seen, receiver, delivery = Seen(), Receiver(SECRET), good()
    receiver.on("*")(seen.awaited)
    task = asyncio.create_task(receiver.receive(delivery.headers, delivery.body))
    for _ in range(step):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    before = len(seen)
    reply = await receiver.receive(delivery.headers, delivery.body)
    assert reply.reason == ("handled before" if before else "handled")
    assert len(seen) == 1


# --- how it is made ------------------------------------------------------------------


@pytest.mark.parametrize("secrets", ["", [], [""], None, [SECRET, ""]])
def test_a_secret_that_is_none_is_refused(secrets: Any) -> None:
    """Before anything is received."""
    with pytest.raises(UsageError, match="missing or empty"):
        Receiver(secrets)


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param({"max_age": timedelta()}, id="max-age"),
        pytest.param({"lease": timedelta(seconds=-1)}, id="lease"),
        pytest.param({"skew": timedelta(seconds=-1)}, id="skew"),
    ],
)
def test_a_span_that_is_none_is_refused(spans: dict[str, Any]) -> None:
    """Nothing could be taken."""
    with pytest.raises(UsageError, match="spans of time"):
        Receiver(SECRET, **spans)


@pytest.mark.parametrize("names", [(), (print,), (5,)])
def test_a_function_without_an_event_is_refused(names: Any) -> None:
    """It was meant to be called with a name."""
    with pytest.raises(UsageError, match="name the events"):
        Receiver(SECRET).on(*names)


async def test_a_body_that_is_not_raw_is_a_usage_error(take: Take) -> None:
    """It is the program's mistake, and no delivery's."""
    delivery = Delivery("x", "{}", [], 0, None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="raw body"):
        await take(Receiver(SECRET), delivery)


async def test_secrets_of_several_webhooks(take: Take) -> None:
    """One receiver takes the deliveries of each; none of its secrets shows."""
    receiver = Receiver(iter([SECRET, OTHER]))
    for secret in (SECRET, OTHER):
        delivery = good()
        headers = [("Signature", signed(delivery.body, secret))]
        reply = await receiver.receive(headers, delivery.body)
        assert reply.reason == "nothing to do"
    assert SECRET not in f"{receiver!r} {vars(receiver)}"
    assert (await take(receiver, good())).status == 200


@pytest.mark.parametrize(
    ("age", "status"),
    [
        pytest.param(timedelta(minutes=59), 200, id="in-time"),
        pytest.param(timedelta(minutes=61), 400, id="late"),
        pytest.param(timedelta(minutes=-9), 200, id="a-clock-that-is-late"),
        pytest.param(timedelta(minutes=-11), 400, id="from-the-future"),
    ],
)
async def test_age(take: Take, age: timedelta, status: int) -> None:
    """It is that of the signed time, by this machine's clock."""
    now = Clock()
    receiver = Receiver(
        SECRET, max_age=timedelta(hours=1), skew=timedelta(minutes=10), clock=now
    )
    assert (await take(receiver, good(age=age))).status == status


async def test_an_event_is_remembered_until_it_is_too_old(
    take: Take, clock: Clock
) -> None:
    """So that at no time a repeat is taken for new."""
    hour = timedelta(hours=1)
    seen, receiver = Seen(), Receiver(SECRET, max_age=hour, clock=clock)
    receiver.on("*")(seen.plain)
    delivery, reasons = good(age=timedelta(minutes=-4)), list[str]()
    for _ in range(10):
        reasons.append((await take(receiver, delivery)).reason)
        clock.now += 600
    assert reasons == ["handled", *["handled before"] * 6, *["refused"] * 3]
    assert len(seen) == 1
