"""What was sent when during one call, for errors, hooks and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from .errors import Attempt
from .retries import Action

WORTH_A_LOG: Final = 2.0
"""Seconds: a longer wait is logged."""

logger = logging.getLogger("partnero")


class Timeline:
    """The attempts of one call, look-ups included, and the waits before each."""

    __slots__ = ("_ended", "_hook", "_now", "_waited", "started")

    def __init__(
        self, hook: Callable[[Attempt], None] | None, clock: Callable[[], float]
    ) -> None:
        self._hook = hook
        self._now = clock
        self._waited: dict[str, float] = {}
        self.started: float = self._now()
        self._ended: list[tuple[Any, ...]] = []

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What was sent so far."""
        # They are made when they are asked for: most calls end well, and nobody asks.
        return tuple(_attempt(*ended) for ended in self._ended)

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self._now() - self.started

    def waited(self, operation: str, seconds: float, why: str) -> None:
        """Note a wait before the next attempt; a long one is logged."""
        self._waited[why] = self._waited.get(why, 0.0) + seconds
        if seconds > WORTH_A_LOG:
            logger.info("%s waits %.1f s: %s", operation, seconds, why)

    def ended(self, operation: str, began: float, came_back: str, then: Action) -> None:
        """Note the end of an attempt, and what was decided about it."""
        waits, took = self._waited, self._now() - began
        waited, waited_for = 0.0, ""
        if waits:
            self._waited = {}
            waited, waited_for = sum(waits.values()), ", ".join(waits)
        at = began - self.started
        ended = (operation, at, took, came_back, then, waited, waited_for)
        self._ended.append(ended)
        if logger.isEnabledFor(logging.DEBUG):
            log(_attempt(*ended), len(self._ended))
        if self._hook:
            tell(self._hook, _attempt(*ended))


def _attempt(
    operation: str, at: float, took: float, came_back: str, then: Action, *waited: Any
) -> Attempt:
    return Attempt(operation, at, took, came_back, then.value, *waited)


def log(attempt: Attempt, number: int) -> None:
    """Log an attempt: nothing of what was sent, and of the path its template only."""
    logger.debug(
        "%s attempt %d: %s in %.3f s",
        attempt.operation,
        number,
        attempt.came_back,
        attempt.took,
        extra={
            "operation": attempt.operation,
            "attempt": number,
            "came_back": attempt.came_back,
            "elapsed": attempt.took,
        },
    )


def tell(hook: Callable[[Any], object], event: object) -> None:
    """Call a hook of the user; what it raises is logged, and loses no answer."""
    try:
        hook(event)
    except Exception:
        logger.exception("a hook of the client failed")
