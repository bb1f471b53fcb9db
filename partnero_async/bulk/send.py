"""The second pass: rows out of the journal, to the API, and what came of them back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import attrs

from .._line import leaving
from ..client import Partnero
from ..errors import (
    AmbiguousWriteError,
    AuthenticationError,
    DuplicateDetectedError,
    NoAnswerError,
    PartneroError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    WrongProgramError,
    one_line,
)
from .journal import Journal
from .lookup import ALREADY_THERE, different, other_partner
from .plan import Entry, Plan, RowError
from .referrers import Referrers
from .report import Progress
from .stops import ImportStopError
from .store import Row, State

__all__ = ["Halt", "Sender", "each", "rows_in"]

T = TypeVar("T")

CHUNK: Final = 256
"""Rows that are read from the journal at once."""

CLOCKS: Final = 60.0
"""Seconds by which this clock and the API's may differ."""

STRIKES: Final = 5
"""Rows in a row that found no API before the run is given up."""


@attrs.define
class Halt:
    """Whether nothing new is to be sent, and why."""

    stop: asyncio.Event
    """Set from outside: somebody wants it to end."""
    refused: str | None = None
    unreachable: str | None = None
    strikes: int = 0
    cancelled: bool = False
    """Even what is under way has been given up."""

    def __bool__(self) -> bool:
        """Say whether to send nothing new."""
        return bool(
            self.stop.is_set() or self.refused or self.unreachable or self.cancelled
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


async def rows_in(journal: Journal, *states: State) -> AsyncIterator[Row]:
    """Walk the rows in these states, a chunk in memory at a time."""
    after = 0
    while rows := await journal.do(
        lambda store: store.fetch(states, after=after, limit=CHUNK)  # noqa: B023 - awaited at once
    ):
        for row in rows:
            yield row
        after = rows[-1].row


async def each(
    items: AsyncIterator[T],
    do: Callable[[T], Awaitable[None]],
    *,
    concurrency: int,
    halt: Halt,
) -> None:
    """Call *do* for each item, so many at once, until *halt* says no more."""
    queue: asyncio.Queue[T | None] = asyncio.Queue(maxsize=CHUNK)

    async def work() -> None:
        while (item := await queue.get()) is not None:
            if not halt:
                await do(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
            async for item in items:
                if halt:
                    break
                await queue.put(item)
            for _ in range(concurrency):
                await queue.put(None)
    except ExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None


class HaltedError(Exception):
    """Nothing new is to be sent, and this row had not left yet."""


@attrs.define
class Intent:
    """That a row is about to be sent.

    It is written down when it is the row's turn: a row that stands in line for the rate
    limit is still pending, and is not sent any more once somebody wants the run to end.
    """

    sender: Sender
    row: Row
    written: bool = False

    async def write(self) -> None:
        """Return once it is on the disk; raise `HaltedError` where it is too late."""
        if self.sender.halt:
            raise HaltedError
        await self.sender.journal.sent(self.row.row)
        self.sender.progress.sent += not self.written
        self.written = True


@attrs.define(kw_only=True)
class Sender:
    """Sends rows, one call each, and writes down what came of them."""

    client: Partnero
    plan: Plan
    journal: Journal
    halt: Halt
    progress: Progress
    since: float = 0.0
    """When the first run of the journal began, in Unix seconds; 0 if not known."""
    referrers: Referrers = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.referrers = Referrers(self.client)

    async def send(self, row: Row) -> None:
        """Send *row*: the intent is on the disk before its first byte leaves."""
        try:
            entry = self.plan.read(row.cells)
        except RowError as error:  # another version of this package read it in
            self.settle(row, "rejected", code=error.code, reason=error.reason)
            return
        intent = Intent(self, row)
        try:
            record = await self._announced(intent, entry.arguments)
            wrong = await self._other_partner(entry, record)
        except HaltedError:
            # What was refused for the rate and not sent again did not take effect.
            if intent.written:
                self.settle(row, "pending")
            return
        except ImportStopError:
            raise  # the intent could not be written down
        except PartneroError as error:
            self._judge(row, error)
            return
        self.halt.strikes = 0
        if wrong:
            reason = different(entry, wrong).reason
            self.settle(row, "rejected", code="conflict", reason=reason)
        else:
            there = row.sent_at is None and self._was_there(record)
            self.settle(row, "done", code=ALREADY_THERE if there else None)

    async def _announced(self, intent: Intent, arguments: dict[str, Any]) -> Any:
        token = leaving.set(intent.write)
        try:
            return await self._create(arguments)
        finally:
            leaving.reset(token)

    async def _create(self, arguments: dict[str, Any]) -> Any:
        match self.plan.resource:
            case "transactions":
                return await self.client.transactions.create(**arguments)
            case "customers":
                create_customer = self.client.customers.create
                return await create_customer(**arguments, if_exists="return")
            case _:
                create_partner = self.client.partners.create
                return await create_partner(**arguments, if_exists="return")

    async def _other_partner(self, entry: Entry, record: Any) -> Sequence[str]:
        """Compare what the client cannot, for answers do not show it as it was sent."""
        resource = self.plan.resource
        if resource == "transactions":
            return ()
        return await other_partner(self.referrers, resource, entry, record)

    def _was_there(self, record: Any) -> bool:
        """Tell what the API had before, where that shows."""
        match self.plan.resource:
            case "transactions":
                return False
            case "customers":
                made = record.created_at
                return bool(made and made.timestamp() < self.since - CLOCKS)
            case _:
                # Creation answers the links, and a search does not.
                return record.referral_link is None

    def _judge(self, row: Row, error: PartneroError) -> None:
        about_all = self.halt.judge(error)
        if error.maybe_applied or isinstance(error, AmbiguousWriteError):
            several = isinstance(error, DuplicateDetectedError)
            code = "several" if several else "in_doubt"
            self.settle(row, "parked", code=code, reason=str(error))
        elif about_all:
            self.settle(row, "pending")
        else:
            self.settle(row, "rejected", code=code_of(error), reason=_refusal(error))

    def settle(
        self,
        row: Row,
        state: State,
        *,
        code: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Write down what came of *row*."""
        self.journal.settled(
            row.row, state, code=code, reason=one_line(reason) if reason else None
        )
        self.progress.count(row.state, state)


def code_of(error: PartneroError) -> str:
    """Return the class of *error* as rejects files spell it: ``bad_request``."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _refusal(error: PartneroError) -> str:
    reasons: Sequence[str] = [f"{k}: {' '.join(v)}" for k, v in error.fields.items()]
    return "; ".join(reasons) or error.message
