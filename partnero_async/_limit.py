"""When the attempts on an event loop end: one timer for all of them.

`asyncio.timeout` sets a timer for each block and cancels it at its end, which takes a
tenth of a whole request. Attempts end in nearly the order in which they begin, and
hardly any of them by its time: so there is one timer, for the first end of all.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Self, cast


class Limit:
    """``with watch.until(when):`` raises TimeoutError at the loop's time *when*.

    As with `asyncio.timeout`, what is awaited inside is cancelled, and a cancellation
    that comes from elsewhere stays one.
    """

    __slots__ = ("_asked", "_expired", "_task", "_watch", "when")

    def __init__(self, watch: Watch, when: float) -> None:
        self._watch = watch
        self._expired = False
        self.when = when

    def __enter__(self) -> Self:
        """Begin to watch the running task."""
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._asked = self._task.cancelling()
        self._watch.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Watch it no more; raise TimeoutError where its time was over."""
        self._watch.drop(self)
        if not self._expired:
            return
        others = self._task.uncancel() > self._asked
        if kind is asyncio.CancelledError and not others:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel what is awaited."""
        self._expired = True
        self._task.cancel()


class Watch:
    """The limits of one event loop that are being watched."""

    __slots__ = ("_limits", "_loop", "_next", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._limits: set[Limit] = set()
        self._next = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def until(self, when: float) -> Limit:
        """Return a limit that ends at *when*, by the loop's clock."""
        return Limit(self, when)

    def add(self, limit: Limit) -> None:
        """Have a limit end at its time."""
        self._limits.add(limit)
        if limit.when < self._next:
            self._set_timer(limit.when)

    def drop(self, limit: Limit) -> None:
        """Watch a limit no more."""
        # The timer stays: it finds out what is left, once it is due.
        self._limits.discard(limit)

    def close(self) -> None:
        """Set no timer any more."""
        self._next = -math.inf
        if self._timer:
            self._timer.cancel()

    def _set_timer(self, when: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._next = when
        self._timer = self._loop.call_at(when, self._due)

    def _due(self) -> None:
        now = self._loop.time()
        for limit in [limit for limit in self._limits if limit.when <= now]:
            self._limits.discard(limit)
            limit.expire()
        self._timer, self._next = None, math.inf
        if self._limits:
            self._set_timer(min(limit.when for limit in self._limits))
