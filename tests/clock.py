"""A virtual clock: an event loop whose time jumps to the next timer.

Code under test sleeps as usual and takes no time; a minute is over at once, and the
same seed gives the same run. Real sockets are polled but never waited for, so leave
them to tests in real time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class DeadlockError(RuntimeError):
    """Everything waits and nothing is left that could wake it."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never block: where a selector would wait, move the time on instead."""

    def __init__(self, grace: float) -> None:
        super().__init__()
        self.now = 0.0
        self._grace = grace

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return self._last_chance()
        ready = super().select(0)
        if not ready:
            self.now += max(timeout, 0.0)
        return ready

    def _last_chance(self) -> list[tuple[selectors.SelectorKey, int]]:
        # Another thread may be about to wake the loop: it gets a moment of real time.
        ready = super().select(self._grace)
        if not ready:
            raise DeadlockError("every task waits, and no timer is set")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Run on virtual time, which starts at 0.

    *grace* is how many real seconds another thread has to wake a loop that has nothing
    left to do, before that counts as a deadlock.
    """

    def __init__(self, *, grace: float = 0.5) -> None:
        self._jumping = _JumpingSelector(grace)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jumping.now


def run_virtual(main: Coroutine[object, object, T]) -> T:
    """Run *main* on a virtual loop of its own; raise DeadlockError if it hangs."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
