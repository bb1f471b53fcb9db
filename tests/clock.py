"""A virtual clock: event loops whose time jumps to the next timer.

Code under test sleeps as usual and takes no time; a minute is over at once, and the
same seed gives the same run. Real sockets are polled but never waited for, so leave
them to tests in real time.

A loop that another thread opens meanwhile, as a synchronous client does, runs on the
same clock. Time moves when no loop has anything left to do and each caller in a thread
(`at_work`) waits for a call: what the machine is slow at takes none.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import threading
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, Unpack
from unittest.mock import patch

from partnero_sync._trip import Trip

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator
    from contextlib import AbstractContextManager
    from contextvars import Context

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PATIENCE: Final = 20.0
"""Real seconds that a caller may be at work before it counts as stuck."""

Ready = list[tuple[selectors.SelectorKey, int]]


class DeadlockError(RuntimeError):
    """Everything waits and nothing is left that could wake it."""


class Clock:
    """A time that starts at 0, and who waits for it to move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lock = threading.RLock()
        self.loops: list[VirtualLoop] = []
        """The first is the test's own."""
        self.waiting: dict[VirtualLoop, float] = {}
        """Those that have nothing to do before a time."""
        self._callers = 0
        self._joined = 0
        self._calls: list[asyncio.Task[Any]] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a caller; asked for on the test's own loop, so that it is awake."""
        self._callers += 1
        try:
            yield
        finally:
            self._callers -= 1

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Let the time move while a caller waits for its call; used in its thread."""
        with self.lock:
            self._joined += 1
            self.move(None)
        try:
            yield
        finally:
            with self.lock:
                self._joined -= 1

    def called(self, call: asyncio.Task[Any]) -> None:
        """Take note of a call that came to a loop from another thread."""
        with self.lock:
            self._calls.append(call)

    @property
    def callers_wait(self) -> bool:
        """Whether no caller is at work."""
        # A call that is over has a caller who is about to go on, and still in `joined`;
        # one that is under way may be ahead of its caller, who does other things.
        self._calls = [call for call in self._calls if not call.done()]
        return self._callers <= min(self._joined, len(self._calls))

    @property
    def is_idle(self) -> bool:
        """Whether nothing happens before the time moves."""
        return len(self.waiting) == len(self.loops) and self.callers_wait

    def move(self, here: VirtualLoop | None) -> None:
        """Jump to the next timer, if all is idle, and wake whose it is."""
        due = min(self.waiting.values(), default=math.inf)
        if due == math.inf or not self.is_idle:
            return
        self.now = due
        for loop in [loop for loop, when in self.waiting.items() if when <= due]:
            del self.waiting[loop]
            if loop is not here:
                loop.call_soon_threadsafe(_nothing)

    def forget(self, loop: VirtualLoop) -> None:
        """Go on without *loop*."""
        self.waiting.pop(loop, None)
        if loop in self.loops:
            self.loops.remove(loop)
            self.move(None)


def _nothing() -> None:
    pass


class _Selector(selectors.DefaultSelector):
    """Where a selector would wait for a timer, wait for the clock."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Ready:
        loop, clock = self.loop, self.loop.clock
        with clock.lock:
            ready = super().select(0)
            if ready or timeout == 0:
                return ready
            clock.waiting[loop] = math.inf if timeout is None else clock.now + timeout
            clock.move(loop)
            if loop not in clock.waiting:
                return ready
        try:
            return self._wait()
        finally:
            with clock.lock:
                clock.waiting.pop(loop, None)

    def _wait(self) -> Ready:
        """Wait, in real time, for another thread; only the test's own loop gives up."""
        loop, clock = self.loop, self.loop.clock
        if loop is not clock.loops[0]:
            return super().select()
        for _ in range(math.ceil(PATIENCE / loop.grace)):
            if ready := super().select(loop.grace):
                return ready
            with clock.lock:
                if clock.is_idle:
                    raise DeadlockError("every task waits, and no timer is set")
        raise DeadlockError("a caller in a thread neither calls nor returns")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Run on virtual time: that of a *clock*, or of one of its own.

    *grace* is how many real seconds a thread of which nothing is known has to wake a
    loop, once nothing is left to do, before that counts as a deadlock.
    """

    def __init__(self, clock: Clock | None = None, *, grace: float = 0.5) -> None:
        self.clock = clock or Clock()
        self.grace = grace
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)
        if self.clock.loops:
            self.set_task_factory(self._make)
        self.clock.loops.append(self)

    def time(self) -> float:
        """Return the virtual seconds since the clock was made."""
        return self.clock.now

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Be awake from this moment on, and not when the thread gets its turn."""
        with self.clock.lock:
            self.clock.waiting.pop(self, None)
            return super().call_soon_threadsafe(callback, *args, context=context)

    def close(self) -> None:
        """Leave the clock as well."""
        super().close()
        with self.clock.lock:
            self.clock.forget(self)

    def _make(
        self,
        _loop: object,
        work: Coroutine[Any, Any, T] | Generator[Any, None, T],
        /,
        **options: Any,
    ) -> asyncio.Task[T]:
        task = asyncio.Task(work, loop=self, **options)
        # Begun by no other task, so it is a call that came from a thread.
        if self.is_running() and asyncio.current_task(self) is None:
            self.clock.called(task)
        return task


def at_work() -> AbstractContextManager[None]:
    """Count a caller in a thread, where the running loop is on virtual time."""
    loop = asyncio.get_running_loop()
    return loop.clock.at_work() if isinstance(loop, VirtualLoop) else nullcontext()


def run_virtual(main: Coroutine[object, object, T]) -> T:
    """Run *main* on a virtual loop of its own; raise DeadlockError if it hangs."""
    clock = Clock()
    new, join = partial(VirtualLoop, clock), Trip.join

    def joined(trip: Trip[Any], timeout: float = -1) -> bool:
        with clock.joined():
            return join(trip, timeout)

    # A synchronous client opens its loop in its thread; who calls it, waits in `join`.
    with (
        patch.object(asyncio.events, "new_event_loop", new),
        patch.object(Trip, "join", joined),
        asyncio.Runner(loop_factory=new) as runner,
    ):
        return runner.run(main)
