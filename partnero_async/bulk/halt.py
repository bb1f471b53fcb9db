"""Many at once, until something says that nothing new is to be sent."""

from __future__ import annotations

import asyncio
import math
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Any, Final, TypeVar, cast

import attrs

from ..errors import (
    AuthenticationError,
    NoAnswerError,
    PartneroError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    WrongProgramError,
    one_line,
)
from .journal import Journal
from .stops import ImportStopError, JournalWriteError
from .store import Row, State

__all__ = ["Halt", "HaltedError", "check_options", "each", "rows_in"]

T = TypeVar("T")

CHUNK: Final = 256
"""Rows that are read from the journal at once."""

STRIKES: Final = 5
"""Rows in a row that found no API before the run is given up."""


@attrs.define
class Halt:
    """Whether nothing new is to be sent, and why."""

    stop: asyncio.Event
    """Set from outside: somebody wants it to end."""
    refused: str | None = None
    unreachable: str | None = None
    unwritten: JournalWriteError | None = None
    strikes: int = 0
    cancelled: bool = False
    """Even what is under way has been given up."""

    def __bool__(self) -> bool:
        """Say whether to send nothing new."""
        return bool(
            self.stop.is_set()
            or self.refused
            or self.unreachable
            or self.unwritten
            or self.cancelled
        )

    def strike(self, error: PartneroError) -> None:
        """Count a row that found no API."""
        self.strikes += 1
        if self.strikes >= STRIKES:
            self.unreachable = one_line(str(error))

    def give_up(self, error: PartneroError) -> None:
        """Take note of an error after which nothing can be sent."""
        if not self.judge(error) or not self.refused:
            self.unreachable = one_line(str(error))

    def judge(self, error: PartneroError) -> bool:
        """Take note of an error that is not about one row; False for one that is."""
        if isinstance(
            error, AuthenticationError | PermissionDeniedError | WrongProgramError
        ):
            self.refused = one_line(str(error))
        elif isinstance(error, RateLimitError):
            self.unreachable = one_line(str(error))
        elif isinstance(error, NoAnswerError | ServerError):
            self.strike(error)
        else:
            self.strikes = 0
            return False
        return True


class HaltedError(Exception):
    """Nothing new is to be sent, and this had not left yet."""


async def rows_in(journal: Journal, *states: State) -> AsyncIterator[Sequence[Row]]:
    """Walk the rows in these states, a chunk in memory at a time."""
    after = 0
    while rows := await journal.do(
        lambda store: store.fetch(states, after=after, limit=CHUNK)  # noqa: B023 - awaited at once
    ):
        yield rows
        after = rows[-1].row


def check_options(concurrency: int, *, settle: float = 0.0) -> None:
    """Raise `ImportStopError` for options with which nothing could be done."""
    if not isinstance(cast("Any", concurrency), int) or concurrency < 1:
        raise ImportStopError(
            f"concurrency={concurrency!r}: give 1 or more requests at once"
        )
    if not isinstance(cast("Any", settle), int | float) or not 0 <= settle < math.inf:
        raise ImportStopError(f"settle={settle!r}: give a number of seconds")


async def each(
    chunks: AsyncIterator[Iterable[T]],
    do: Callable[[T], Awaitable[object]],
    *,
    concurrency: int,
    halt: Halt,
) -> None:
    """Call *do* for each item, so many at once, until *halt* says no more."""
    # All take from one iterator, and nobody waits while it has something. Who finds it
    # at its end fetches the next chunk; the others go on together once it is there.
    line: Iterator[T] = iter(())
    free = asyncio.Event()
    free.set()

    async def work() -> None:
        nonlocal line
        while not halt:
            taken = line
            for item in taken:
                await do(item)
                if halt:
                    return
            if not free.is_set():
                await free.wait()
            elif taken is line:
                free.clear()
                try:
                    chunk = await anext(chunks, None)
                finally:
                    free.set()
                if chunk is None:
                    return
                line = iter(chunk)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None
