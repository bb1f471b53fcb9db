"""When the attempts on an event loop end: one timer for all of them.

`asyncio.timeout` sets a timer for each block and cancels it at its end, which takes a
tenth of a whole request. Attempts end in nearly the order in which they begin, and
hardly any of them by its time: so there is one timer, for the first end of all.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Any, Self


class Timeout:
    """``with timeouts.until(when):`` raises TimeoutError at the loop's time *when*.

    As with `asyncio.timeout`, what is awaited inside is cancelled, and a cancellation
    that comes from elsewhere stays one.
    """

    __slots__ = ("_asked", "_expired", "_running", "_task", "when")

    def __init__(self, running: set[Timeout], when: float) -> None:
        self._running = running
        self._expired = False
        self.when: float = when

    def __enter__(self) -> Self:
        """Begin, for the running task."""
        task: Any = asyncio.current_task()
        self._task: asyncio.Task[object] = task
        self._asked = task.cancelling()
        self._running.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; raise TimeoutError where its time was over."""
        # The timer stays: it finds out what is left, once it is due.
        self._running.discard(self)
        if not self._expired:
            return
        others = self._task.uncancel() > self._asked
        if kind is asyncio.CancelledError and not others:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel what is awaited."""
        self._expired = True
        self._task.cancel()


class Timeouts:
    """The blocks of one event loop that end at a time."""

    __slots__ = ("_loop", "_next", "_running", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: set[Timeout] = set()
        self._next = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def until(self, when: float) -> Timeout:
        """Return a block that ends at *when*, by the loop's clock."""
        if when < self._next:
            self._set_timer(when)
        return Timeout(self._running, when)

    def close(self) -> None:
        """Leave no timer behind; what is still under way keeps its end."""
        if self._timer and not self._running:
            self._timer.cancel()
            self._timer, self._next = None, math.inf

    def _set_timer(self, when: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._next = when
        self._timer = self._loop.call_at(when, self._due)

    def _due(self) -> None:
        now = self._loop.time()
        for timeout in [each for each in self._running if each.when <= now]:
            self._running.discard(timeout)
            timeout.expire()
        self._timer, self._next = None, math.inf
        if self._running:
            self._set_timer(min(each.when for each in self._running))
