"""The event loop in a thread of its own, and who may go there.

anyio's portal keeps the loop.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, Literal, TypeVar
from weakref import WeakSet, finalize

import anyio
from anyio.from_thread import BlockingPortal

from partnero_async._loops import running_loop
from partnero_async.errors import ClientClosedError, UsageError

from ._trip import Trip, deliver

T = TypeVar("T")

OnRunningLoop = Literal["warn", "raise"]
OnFork = Literal["raise", "renew"]

TEARDOWN: Final = 1.0
"""Seconds that a cancelled call is waited for, and that connections take to close."""
CLOSING: Final = 5.0
"""Seconds that `close` waits for the thread at most."""
EXIT: Final = 0.5
"""Seconds that all clients together may hold up the end of the program."""


class LoopThread:
    """An event loop, and the thread that it runs in.

    A daemon: a thread that the interpreter waits for would keep a program whose client
    nobody closed from ever ending.
    """

    def __init__(self, aclose: Callable[[], Awaitable[None]]) -> None:
        self._aclose = aclose
        self._stopping: asyncio.Task[None] | None = None
        self.pid: int = os.getpid()
        ready: Future[tuple[asyncio.AbstractEventLoop, BlockingPortal]] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="partnero-sync", daemon=True
        )
        try:
            _refuse_sub_interpreter()
            self._thread.start()
            loop, portal = ready.result()
        except (RuntimeError, OSError) as error:
            raise UsageError(
                f"no thread for the calls can be started here ({error}):"
                " use partnero_async"
            ) from error
        self.loop: asyncio.AbstractEventLoop = loop
        self._portal = portal

    @property
    def is_here(self) -> bool:
        """Whether this is the thread that asks."""
        return self._thread is threading.current_thread()

    def stop(self) -> None:
        """Cancel the calls under way, close the connections, and end; do not wait."""
        with suppress(RuntimeError):  # it has ended already
            self.loop.call_soon_threadsafe(self._stop)

    def join(self, timeout: float) -> None:
        """Wait until it has ended, for *timeout* seconds at most."""
        self._thread.join(timeout)

    def _run(
        self, ready: Future[tuple[asyncio.AbstractEventLoop, BlockingPortal]]
    ) -> None:
        try:
            _refuse_second_loop()
            anyio.run(self._serve, ready)
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits
            ready.set_exception(error)

    async def _serve(
        self, ready: Future[tuple[asyncio.AbstractEventLoop, BlockingPortal]]
    ) -> None:
        async with BlockingPortal() as portal:
            ready.set_result((asyncio.get_running_loop(), portal))
            await portal.sleep_until_stopped()
            with anyio.move_on_after(TEARDOWN):
                await self._end()

    def _stop(self) -> None:
        # Once: a second one, met in the loop's last turns, would be a task for nobody.
        if self._stopping is None:
            self._stopping = self.loop.create_task(self._portal.stop())

    async def _end(self) -> None:
        # Before the connections, or the calls would open new ones and try again.
        calls = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._aclose()


class Portal:
    """The way of a client's calls to a loop that starts with the first of them.

    *aclose* closes the connections, on the loop. *renew* makes new ones in a forked
    child, and returns the old ones. Any number of threads may share it.
    """

    def __init__(
        self,
        aclose: Callable[[], Awaitable[None]],
        *,
        on_running_loop: OnRunningLoop = "warn",
        on_fork: OnFork = "raise",
        renew: Callable[[], object] = dict,
    ) -> None:
        if on_running_loop not in ("warn", "raise"):
            raise UsageError(f"on_running_loop={on_running_loop!r} is not known")
        if on_fork not in ("raise", "renew"):
            raise UsageError(f"on_fork={on_fork!r} is not known")
        self._aclose = aclose
        self._raises = on_running_loop == "raise"
        self._renew = renew if on_fork == "renew" else None
        self._warned = False
        self._closed = False
        self._thread: LoopThread | None = None
        # Reentrant: a signal handler may call while the interrupted code holds it.
        self.lock: threading.RLock = threading.RLock()
        _portals.add(self)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on the loop and wait for what it returns or raises.

        Whatever interrupts the waiting, such as Ctrl-C, cancels it.
        """
        trip = Trip(work)
        try:
            self.send(trip)
            return self.wait(trip)
        except BaseException:
            trip.abandon(TEARDOWN)
            deliver()
            raise
        finally:
            del trip

    def send(self, trip: Trip[T]) -> None:
        """Put *trip* onto the loop; raise `UsageError` where it may not go there.

        Inside a running event loop, which waiting blocks, this warns, once.
        """
        # Before anything is sent: a warning may be an error, too.
        if not self._warned and self._blocks_a_loop():
            self._refuse_or_warn()
        # Under the lock: a trip put behind the loop's end would wait for ever.
        with self.lock:
            trip.depart(self.start().loop)

    def wait(self, trip: Trip[T], meanwhile: Callable[[], None] | None = None) -> T:
        """Wait for what comes back of *trip*; do *meanwhile* first."""
        try:
            if meanwhile:
                meanwhile()
            return trip.result()
        finally:
            del trip
            deliver()

    def start(self) -> LoopThread:
        """Return the loop's thread, started where there is none yet.

        Raises `ClientClosedError` after `close`, and `UsageError` in a forked child
        and on the loop's own thread.
        """
        with self.lock:
            if self._closed:
                raise ClientClosedError("this client is closed")
            if self._thread and self._renew and self._thread.pid != os.getpid():
                _of_parent.append((self._thread, self._renew()))
                self._thread = None
                _portals.add(self)
            if self._thread is None:
                self._thread = LoopThread(self._aclose)
                # A client that is dropped unclosed takes its thread with it.
                finalize(self, self._thread.stop).atexit = False
            self._refuse_elsewhere(self._thread)
            return self._thread

    def close(self, timeout: float = CLOSING) -> None:
        """Cancel the calls under way, close the connections, end the thread."""
        with self.lock:
            self._closed = True
            thread = self._thread
        if thread is None or thread.pid != os.getpid():
            return
        self._refuse_elsewhere(thread)
        thread.stop()
        thread.join(timeout)

    def _blocks_a_loop(self) -> bool:
        loop = running_loop()
        # Under gevent all threads are one, and the client's own loop runs in it.
        return bool(loop) and loop is not self.start().loop

    def _refuse_or_warn(self) -> None:
        if self._raises:
            raise UsageError(
                "called inside a running event loop, which this would block:"
                " use partnero_async there"
            )
        warnings.warn(
            "this call blocks the running event loop until it is done, and others will"
            " (shown once): use partnero_async here",
            RuntimeWarning,
            stacklevel=_level_outside(),
        )
        self._warned = True

    def _refuse_elsewhere(self, thread: LoopThread) -> None:
        if thread.pid != os.getpid():
            raise UsageError(
                "this client was used before the process forked, and its thread is not"
                " in the child: make a new client after the fork, or make this one"
                ' with on_fork="renew"'
            )
        if thread.is_here:
            raise UsageError(
                "called on the client's own event loop thread, as from a log handler:"
                " this would wait for itself for ever; use another client or thread"
            )


def _refuse_second_loop() -> None:
    """Raise RuntimeError where a loop runs already: under gevent all threads are one.

    asyncio would refuse too, and warn of what it did not run, whenever it is collected.
    """
    if running_loop():
        raise RuntimeError("another event loop is running here")


def _level_outside() -> int:
    """Return the stack level of the user's line, as a warning of our caller counts."""
    frame, level = inspect.currentframe(), 0
    while frame and frame.f_globals["__name__"].startswith("partnero_sync."):
        frame, level = frame.f_back, level + 1
    return level


def _refuse_sub_interpreter() -> None:
    """Raise RuntimeError in a sub-interpreter, whose end a thread would make fatal.

    Some versions of Python refuse the thread themselves, and 3.12 does not.
    """
    for name in ("_interpreters", "_xxsubinterpreters"):
        with suppress(ImportError):
            known: Any = import_module(name)
            if known.get_current() != known.get_main():
                raise RuntimeError("this is a sub-interpreter")
            return


# --- the end of the program, and its children -----------------------------------

_portals: WeakSet[Portal] = WeakSet()
_of_parent: list[object] = []
"""In a forked child the parent's loops are frozen, and would never end if finalised."""


def _set_aside() -> None:
    for portal in _portals:
        portal.lock = (
            threading.RLock()
        )  # a thread that is not here may hold the old one
        _of_parent.append(portal)
    _portals.clear()


def _close_all() -> None:
    deadline = time.monotonic() + EXIT
    portals = list(_portals)
    for portal in portals:
        portal.close(0)
    for portal in portals:
        portal.close(max(0, deadline - time.monotonic()))


atexit.register(_close_all)
with suppress(AttributeError):  # Windows does not fork
    os.register_at_fork(after_in_child=_set_aside)
