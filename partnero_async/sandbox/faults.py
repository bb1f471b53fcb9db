"""Failures on request: a status or a dropped connection, before or after the effect."""

from collections import deque
from typing import Literal, NamedTuple


class Fault(NamedTuple):
    """What goes wrong with one call, and whether its effect takes place first."""

    when: Literal["before", "after"]
    how: int | Literal["disconnect"]


class Faults:
    """Keep the faults that were asked for, first come first served per operation."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = {}

    def add(self, operation: str, fault: Fault, *, times: int) -> None:
        """Let the next *times* calls of *operation* fail."""
        self._waiting.setdefault(operation, deque()).extend([fault] * times)

    def take(self, operation: str) -> Fault | None:
        """Return the fault for this call of *operation*, and forget it."""
        waiting = self._waiting.get(operation)
        return waiting.popleft() if waiting else None
