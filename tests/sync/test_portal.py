"""The facts about portals, one a test (design: "The sync side")."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, cast

import pytest

from partnero_async import PartneroError
from partnero_async._settings import OnAmbiguous
from partnero_async.models import Transaction
from partnero_async.sandbox import Sandbox
from partnero_sync import (
    AmbiguousWriteError,
    ClientClosedError,
    NotFoundError,
    Partnero,
    UsageError,
    _portal,
)
from partnero_sync._trip import Trip
from tests.sync.interrupt import interrupted_when
from tests.sync.silent import PATIENCE, Silent

REQUEST: ContextVar[str] = ContextVar("REQUEST", default="none")


def loop_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "partnero-sync"]


@contextmanager
def log_handler(emit: Callable[[logging.LogRecord], object]) -> Iterator[None]:
    """Run *emit* on the loop's thread, with each attempt of a call."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            emit(record)

    handler = Handler()
    logger = logging.getLogger("partnero")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


# --- the thread ------------------------------------------------------------------


def test_no_thread_before_the_first_call(sandbox: Sandbox) -> None:
    """Nobody gets a thread, a loop or a session that was not asked for."""
    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    partners = client.partners.list()
    assert loop_threads() == []
    assert partners.first() is None
    assert len(loop_threads()) == 1
    client.close()
    assert loop_threads() == []


def test_with_starts_and_ends_the_thread(sandbox: Sandbox) -> None:
    """The block has one thread, and leaves none behind."""
    with Partnero(sandbox.api_key, base_url=sandbox.url):
        assert len(loop_threads()) == 1
    assert loop_threads() == []


def test_one_thread_serves_any_number_of_threads(
    client: Partnero, sandbox: Sandbox
) -> None:
    """64 of them with 200 calls each: one loop, one session, to each its own answer."""
    keys = [f"p{number}" for number in range(64)]
    for key in keys:
        client.partners.create(email=f"{key}@example.com", id=key)
    begin = threading.Barrier(len(keys))

    def read(key: str) -> set[str | None]:
        begin.wait()
        return {client.partners.get(key).id for _ in range(200)}

    with ThreadPoolExecutor(len(keys)) as threads:
        assert list(threads.map(read, keys)) == [{key} for key in keys]
    assert client.stats.requests == sandbox.requests == 64 * 201
    assert len(loop_threads()) == 1
    assert len(client._async._transport.line.sessions._by_loop) == 1


def test_dropped_client_takes_its_thread_with_it(sandbox: Sandbox) -> None:
    """A client a request that nobody closes must not be a thread a request."""
    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    client.account.test()
    (thread,) = loop_threads()
    del client
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_thread_that_cannot_be_started_is_a_typed_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the interpreter's end, in some sub-interpreters, or with too many threads."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(
            UsageError, match=r"\(can't start new thread\): use partnero_a"
        ):
            client.account.test()
    client.account.test()
    client.close()


def test_loop_that_cannot_be_opened_is_a_typed_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the process has no file descriptors left, for example."""

    def refuse() -> None:
        raise OSError(24, "Too many open files")

    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", refuse)
        patch.setattr(asyncio.events, "new_event_loop", refuse)
        with pytest.raises(UsageError, match="Too many open files"):
            client.account.test()
    client.account.test()
    client.close()


# --- interruption ----------------------------------------------------------------


def test_interrupted_call_is_cancelled(waiting: Partnero, silent: Silent) -> None:
    """The request stops when its thread is interrupted, and the client lives."""
    with interrupted_when(lambda: silent.asked.acquire(timeout=PATIENCE)):
        waiting.account.test()
    assert silent.left.acquire(timeout=0.2)
    silent.answers["page=1"] = {"data": [], "status": 1}
    assert waiting.partners.list().collect() == []


def test_call_interrupted_before_it_has_begun_is_not_made(
    waiting: Partnero, silent: Silent
) -> None:
    """A loop that is busy takes the call and its cancellation later, in this order."""
    resume = threading.Event()
    loop = waiting._portal.start().loop
    loop.call_soon_threadsafe(resume.wait, PATIENCE)
    threading.Timer(0.1, resume.set).start()
    with interrupted_when(lambda: time.sleep(0.05)):
        waiting.account.test()
    assert not silent.asked.acquire(timeout=0.05)


def test_call_interrupted_on_its_way_to_the_loop_is_not_made(client: Partnero) -> None:
    """Ctrl-C between two lines leaves no coroutine that was never awaited."""
    trip = Trip(client._async.account.test())
    trip._loop = client._portal.start().loop
    trip.abandon(PATIENCE)
    assert trip.join(0)
    assert client.stats.requests == 0


def test_nothing_is_done_for_a_call_that_never_left(client: Partnero) -> None:
    """It has no loop to do it on."""
    trip, done = Trip(client._async.account.test()), list[bool]()
    trip.soon(lambda: done.append(True))
    trip.abandon()
    assert not done


def test_error_is_freed_without_the_collector(client: Partnero) -> None:
    """No frame of ours keeps an error, and what it points at, in a cycle."""
    freed: weakref.ref[PartneroError]
    gc.disable()
    try:
        for use in (
            lambda: client.partners.get("nobody"),
            lambda: list(client.customers.transactions("nobody")),
        ):
            try:
                use()
            except NotFoundError as error:
                freed = weakref.ref(error)
            assert freed() is None
    finally:
        gc.enable()


# --- closing ---------------------------------------------------------------------


def test_call_after_close_is_refused_without_a_warning(client: Partnero) -> None:
    """A typed error, and no coroutine that was never awaited."""
    partners = client.partners
    client.close()
    for use in (
        lambda: partners.get("p1"),
        lambda: partners.list().first(),
        lambda: list(partners.list()),
        client.__enter__,
    ):
        with pytest.raises(ClientClosedError):
            use()
    gc.collect()
    client.close()


def test_close_of_an_unused_client_starts_nothing() -> None:
    """There is nothing to close, and calls are refused from then on."""
    client = Partnero("key")
    client.close()
    assert loop_threads() == []
    with pytest.raises(ClientClosedError):
        client.account.test()


def test_thread_that_ends_is_not_asked_to_once_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At the end of a program the second time may come when no task is run any more."""
    ending, asked = threading.Event(), threading.Event()

    async def slow(*_: object) -> None:
        ending.set()
        asked.wait(PATIENCE)

    monkeypatch.setattr(asyncio.BaseEventLoop, "shutdown_default_executor", slow)
    client = Partnero("key")
    thread = client._portal.start()
    thread.stop()
    assert ending.wait(PATIENCE)
    thread.stop()
    asked.set()
    thread.join(PATIENCE)
    del client, thread
    gc.collect()
    assert caplog.text == ""


def closed_amid(
    client: Partnero, silent: Silent, call: Callable[[], object]
) -> BaseException | None:
    """Close *client* in this thread during a *call* of another; return its error."""
    with ThreadPoolExecutor() as threads:
        called = threads.submit(call)
        assert silent.asked.acquire(timeout=PATIENCE)
        client.close()
        return called.exception(PATIENCE)


def sell(client: Partnero, key: str = "s1") -> Transaction:
    return client.transactions.create(key=key, amount=1, customer={"key": "c1"})


def test_close_ends_the_reads_of_other_threads(
    waiting: Partnero, silent: Silent
) -> None:
    """They change nothing, and the error says so."""
    error = closed_amid(waiting, silent, waiting.account.test)
    assert isinstance(error, ClientClosedError)
    assert not error.maybe_applied
    assert silent.left.acquire(timeout=PATIENCE)


def ignore(_: AmbiguousWriteError) -> None:
    pass


@pytest.mark.parametrize("on_ambiguous", ["raise", "resend_after_settle", ignore])
@pytest.mark.parametrize("view", [False, True])
def test_close_during_a_sale_is_a_write_in_doubt(
    silent: Silent, on_ambiguous: OnAmbiguous, *, view: bool
) -> None:
    """Its caller gets the key to look it up by, whatever is done about others."""
    with Partnero("key", base_url=silent.url, on_ambiguous=on_ambiguous) as client:
        seller = client.with_options(on_ambiguous=on_ambiguous) if view else client
        error = closed_amid(client, silent, lambda: sell(seller))
    assert isinstance(error, AmbiguousWriteError)
    assert (error.operation, error.key) == ("POST /transactions", "s1")
    assert [attempt.came_back for attempt in error.attempts] == ["cancelled"]
    assert "/transactions?key=s1&" in (error.curl() or "")
    assert error.maybe_applied


def test_sale_that_close_has_cut_is_told_of_in_its_thread(silent: Silent) -> None:
    """What the hook is told is what is raised."""
    told: list[tuple[AmbiguousWriteError, bool]] = []

    def tell(error: AmbiguousWriteError) -> None:
        told.append((error, threading.current_thread() in loop_threads()))

    with Partnero("key", base_url=silent.url, on_ambiguous=tell) as client:
        error = closed_amid(client, silent, lambda: sell(client))
    assert told == [(error, False)]


def test_sale_that_is_in_line_at_close_is_not_in_doubt(silent: Silent) -> None:
    """Nothing of it was sent; what another call has left in doubt is not its own."""
    client = Partnero("key", base_url=silent.url, max_connections=1)
    with ThreadPoolExecutor() as threads:
        sent = threads.submit(sell, client)
        assert silent.asked.acquire(timeout=PATIENCE)
        in_line = threads.submit(sell, client, "s2")
        ((session, _),) = client._async._transport.line.sessions._by_loop.values()
        while not session.slots._line:
            time.sleep(0.001)
        client.close()
        errors = sent.exception(PATIENCE), in_line.exception(PATIENCE)
    assert [type(error) for error in errors] == [AmbiguousWriteError, ClientClosedError]
    assert not cast("ClientClosedError", errors[1]).maybe_applied


def test_refund_that_close_has_cut_says_what_is_done(
    waiting: Partnero, silent: Silent
) -> None:
    """The note of a cancellation goes with the error that stands for it."""
    sale = {"key": "s1", "amount": 3, "customer": "c1"}
    silent.answers = {
        "GET": {"data": [sale], "status": 1},
        "DELETE": {"status": 1},
    }

    def refund() -> None:
        waiting.transactions.partial_refund(
            "s1", amount=1, delete_and_create_again=True
        )

    with ThreadPoolExecutor() as threads:
        call = threads.submit(refund)
        for _ in range(3):
            assert silent.asked.acquire(timeout=PATIENCE)
        waiting.close()
        error = call.exception(PATIENCE)
    assert isinstance(error, AmbiguousWriteError)
    assert error.__notes__ == ["The sale s1 is deleted; 2 of it is not recorded."]


# --- loops -----------------------------------------------------------------------


async def test_call_in_a_running_loop_works_and_warns_once(client: Partnero) -> None:
    """It names the caller's line, and what to use there."""
    with pytest.warns(RuntimeWarning, match=r"blocks .* use partnero_async") as warned:
        client.account.test()
    assert [warning.filename for warning in warned] == [__file__]
    client.account.test()


async def test_warning_that_is_an_error_comes_before_anything_is_sent(
    client: Partnero, sandbox: Sandbox
) -> None:
    """Else a write would be made, and its caller would take it for one that failed."""
    for _ in range(2):
        with pytest.raises(RuntimeWarning):
            sell(client)
        with pytest.raises(RuntimeWarning):
            next(iter(client.partners.list()))
    gc.collect()
    assert sandbox.requests == 0


async def test_walk_in_a_running_loop_warns_at_the_callers_line(
    client: Partnero,
) -> None:
    """Iteration waits in generators of ours, which are not what is to be changed."""
    with pytest.warns(RuntimeWarning) as warned:
        assert list(client.partners.list()) == []
    assert [warning.filename for warning in warned] == [__file__]


async def test_call_in_a_running_loop_can_be_an_error(sandbox: Sandbox) -> None:
    """``on_running_loop="raise"`` refuses, before anything is sent."""
    with Partnero(
        sandbox.api_key, base_url=sandbox.url, on_running_loop="raise"
    ) as client:
        with pytest.raises(UsageError, match="use partnero_async"):
            client.account.test()
        assert await asyncio.to_thread(client.partners.list().collect) == []
    assert sandbox.requests == 1


@pytest.mark.parametrize("setting", ["on_running_loop", "on_fork"])
def test_unknown_word_is_refused(setting: str) -> None:
    """A typing mistake does not become the default."""
    words: dict[str, Any] = {setting: "rise"}
    with pytest.raises(UsageError, match=f"{setting}='rise'"):
        Partnero("key", **words)


def test_nested_call_is_refused(client: Partnero) -> None:
    """A call on the loop's own thread would wait for itself for ever."""
    with (
        log_handler(lambda _: client.account.test()),
        pytest.raises(UsageError, match="own event loop thread"),
    ):
        client.partners.list().first()
    with (
        log_handler(lambda _: client.close()),
        pytest.raises(UsageError, match="own event loop thread"),
    ):
        client.partners.list().first()


def test_callers_context_goes_with_the_call(client: Partnero) -> None:
    """Tracing depends on it."""
    seen: list[tuple[str, bool]] = []

    def note(_: logging.LogRecord) -> None:
        here = threading.current_thread() in loop_threads()
        seen.append((REQUEST.get(), here))

    with log_handler(note):
        for name in ("first", "second"):
            token = REQUEST.set(name)
            client.account.test()
            REQUEST.reset(token)
    assert seen == [("first", True), ("second", True)]


def test_way_to_the_loop_is_lean(client: Partnero) -> None:
    """Measured at 33 us; a millisecond would be something else than a busy machine."""

    async def nothing() -> None:
        pass

    def trip() -> float:
        began = time.perf_counter()
        client._portal.run(nothing())
        return time.perf_counter() - began

    assert min(trip() for _ in range(200)) < 0.001


@pytest.mark.parametrize(
    ("current", "refused"),
    [
        pytest.param(0, False, id="main"),
        pytest.param(1, True, id="sub"),
        pytest.param(None, False, id="cannot-be-told"),
    ],
)
def test_sub_interpreter_is_refused_a_thread(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    current: int | None,
    refused: bool,
) -> None:
    """Its end would be fatal with a thread; a Python without them has none."""

    def interpreters(name: str) -> SimpleNamespace:
        if current is None:
            raise ImportError(name)
        return SimpleNamespace(get_main=lambda: 0, get_current=lambda: current)

    monkeypatch.setattr(_portal, "import_module", interpreters)
    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    if refused:
        with pytest.raises(UsageError, match="sub-interpreter"):
            client.account.test()
    else:
        client.account.test()
    client.close()
