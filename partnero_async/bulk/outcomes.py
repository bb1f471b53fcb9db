"""What came of rows, for whoever takes it while the import goes on."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs

from .store import State

__all__ = ["Outcomes", "RowOutcome"]

MOST: Final = 1000
"""Outcomes that wait to be taken before no more rows are sent."""


@attrs.frozen
class RowOutcome:
    """What came of one row."""

    row: int
    """Counted from 1, the header not included."""
    key: str | None
    """What its record is known by; None for a row that could not be read so far."""
    state: State
    """``done``, ``rejected``, ``parked`` (in doubt), ``sent`` (was under way at the
    end, in doubt as well), or ``pending`` (not sent)."""
    code: str | None
    """For programs, such as ``malformed``; ``already_there`` of what is done."""
    reason: str | None
    """For people."""


class Outcomes:
    """A line of outcomes; who adds to it waits while it is long."""

    def __init__(self) -> None:
        self._line: list[RowOutcome] = []
        self._any = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False

    def add(self, outcome: RowOutcome) -> None:
        """Add an outcome."""
        self._line.append(outcome)
        self._any.set()
        if len(self._line) >= MOST and not self._ended:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the line is short."""
        await self._room.wait()

    async def some(self) -> list[RowOutcome]:
        """Take what is there, and wait until something is; nothing at the end."""
        await self._any.wait()
        taken, self._line = self._line, []
        if not self._ended:
            self._any.clear()
        self._room.set()
        return taken

    def end(self) -> None:
        """Say that no more come, or that no more are taken."""
        self._ended = True
        self._any.set()
        self._room.set()
