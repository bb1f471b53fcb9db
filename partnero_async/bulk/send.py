"""The second pass: rows out of the journal, to the API, and what came of them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Token
from typing import Any, Literal

import attrs

from .._json import is_object
from .._line import Leaving, leaving
from ..client import Partnero
from ..errors import (
    AmbiguousWriteError,
    BadRequestError,
    ConflictError,
    DuplicateDetectedError,
    NotFoundError,
    PartneroError,
    ValidationError,
    one_line,
)
from .cells import quoted
from .halt import Halt, HaltedError
from .journal import Journal
from .kinds import Kind, kind_of
from .lookup import (
    ALREADY_THERE,
    CONFLICT,
    CREATED,
    UPDATED,
    Finding,
    different,
    look_up,
)
from .newcomers import introduced
from .outcomes import Outcomes, RowOutcome
from .plan import Entry, Plan, RowError
from .referrers import Referrers
from .report import Progress
from .stops import JournalWriteError
from .store import Row, State

__all__ = ["Intent", "Sender"]


@attrs.define
class Intent:
    """That rows are about to be sent, in one call.

    It is written down when it is their turn: what stands in line for the rate limit is
    still pending, and is not sent any more once somebody wants the run to end.
    """

    sender: Sender
    rows: Sequence[Row]
    code: str | None = None
    """Kept with rows that are under way."""
    written: bool = False
    _token: Token[Leaving | None] = attrs.field(init=False, repr=False)

    def __enter__(self) -> None:
        """Write it down right before each write of this context leaves."""
        self._token = leaving.set(self._write)

    def __exit__(self, *_: object) -> None:
        """Announce what comes after this no more."""
        leaving.reset(self._token)

    async def _write(self) -> None:
        """Return once it is on the disk; raise `HaltedError` where it is too late."""
        sender = self.sender
        if sender.halt:
            raise HaltedError
        rows = [row.row for row in self.rows]
        await sender.journal.sent(*rows, code=self.code)
        sender.progress.sent += 0 if self.written else len(self.rows)
        self.written = True

    def withdraw(self) -> None:
        """Have rows that were announced and did not leave sent the next time.

        What was refused for the rate, and not sent again, did not take effect.
        """
        for row in self.rows if self.written else ():
            self.sender.settle(row, "pending")


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
    update: bool = False
    """Whether a record that is there is changed to what its row says."""
    referrers: Referrers = attrs.field(init=False)
    kind: Kind = attrs.field(init=False)
    outcomes: Outcomes | None = None
    """Who is told of what is final."""
    patient: bool = True
    """Whether a row that refers to another of the file may wait for it."""
    _done: int = attrs.field(init=False, default=-1)

    def __attrs_post_init__(self) -> None:
        self.referrers = Referrers(self.client, self.since)
        self.kind = kind_of(self.plan.resource)

    def new_round(self) -> None:
        """Begin another round of all rows that are still to be sent."""
        self.patient = self.progress.done > self._done
        self._done = self.progress.done

    async def send(
        self,
        row: Row,
        entry: Entry | None = None,
        *,
        newcomer: Mapping[str, Any] | None = None,
    ) -> bool:
        """Send *row*: the intent is on the disk before its first byte leaves.

        *entry* is the call that it stands for, if it was read already; one that stands
        for none is rejected. *newcomer* creates the customer of a sale with it. Returns
        whether the row is done.
        """
        entry = entry or self.read(row)
        if entry is None:
            return False
        if self.outcomes:
            await self.outcomes.room()
        intent = Intent(self, [row])
        try:
            with intent:
                finding = await self._create(entry, newcomer)
                if finding.kind == "different":
                    finding = await self._changed(entry, finding)
        except RowError as error:
            self._reject(row, error)
            return False
        except HaltedError:
            intent.withdraw()
            return False
        except JournalWriteError as error:
            self.halt.unwritten = error
            return False
        except PartneroError as error:
            self._judge(row, entry, error)
            return False
        self.halt.strikes = 0
        if finding.kind == "different":
            self.reject_conflict(row, finding)
            return False
        there = finding.kind == "equal" and row.sent_at is None
        code = UPDATED if finding.kind == "updated" else None
        self.settle(row, "done", code=ALREADY_THERE if there else code)
        return True

    def read(self, row: Row) -> Entry | None:
        """Return the call that a pending row stands for; reject one that has none."""
        try:
            return self.plan.read(row.cells)
        except RowError as error:  # another version of this package read it in
            self._reject(row, error)
            return None

    def _reject(self, row: Row, error: RowError) -> None:
        self.settle(
            row, "rejected", code=error.code, reason=error.reason, field=error.field
        )

    async def _with_owner(
        self, arguments: dict[str, Any], noun: Literal["partner", "customer"]
    ) -> dict[str, Any]:
        """Name the owner of a link by id: by no other name it can be looked up."""
        id = await self.referrers.id_of(arguments[noun], noun=noun)  # noqa: A001 - the API's own name
        if id is None:
            who = _spelt(noun, arguments[noun])
            reason = f"the program has no {noun}: {who}"
            raise RowError(f"unknown_{noun}", reason, field=noun)
        return {**arguments, noun: {"id": id}}

    async def _create(
        self, entry: Entry, newcomer: Mapping[str, Any] | None
    ) -> Finding:
        """Create a record, or compare with the one that has its key."""
        resource = self.plan.resource
        arguments = introduced(entry.arguments, newcomer)
        if self.kind.owner:
            arguments = await self._with_owner(arguments, self.kind.owner)
        try:
            made = await getattr(self.client, resource).create(**arguments)
        except (ConflictError, ValidationError) as error:
            if not self.kind.once:
                raise
            # A duplicate is refused as a row with bad values is: looking tells.
            found = await look_up(self.referrers, resource, entry)
            if found.kind == "absent":
                raise error from None
            return found
        wrong = await self.kind.unseen(self.referrers, entry.arguments, made)
        return different(entry, wrong, made) if wrong else CREATED

    async def _changed(self, entry: Entry, finding: Finding) -> Finding:
        """Change what is there, where that is wanted and can be done."""
        record, wrong = finding.record, finding.wrong
        changes = self.kind.changes_for(entry.arguments, record, wrong)
        if not self.update or changes is None:
            return finding
        await self.kind.update(self.client, record, changes)
        return Finding("updated", f"{', '.join(wrong)} changed")

    def _judge(self, row: Row, entry: Entry, error: PartneroError) -> None:
        about_all = self.halt.judge(error)
        if error.maybe_applied or isinstance(error, AmbiguousWriteError):
            several = isinstance(error, DuplicateDetectedError)
            code = "several" if several else "in_doubt"
            self.settle(row, "parked", code=code, reason=str(error))
        elif about_all or self._may_come(entry, error):
            self.settle(row, "pending")
        else:
            self.settle(
                row,
                "rejected",
                code=code_of(error),
                reason=f"{_refusal(error)}{self._reference(entry, error)}",
                field=next(iter(error.fields), None),
            )

    def _may_come(self, entry: Entry, error: PartneroError) -> bool:
        """Say whether a row may be refused just for another that is still to be sent.

        It is sent again once more rows are done, and refused for good once none are.
        """
        refers = self.kind.refers_to_itself and self.kind.refers[0] in entry.arguments
        return self.patient and refers and _unknown(error)

    def _reference(self, entry: Entry, error: PartneroError) -> str:
        """Name whom a refused row refers to: that one may have been rejected before."""
        named = [
            _spelt(name, entry.arguments[name])
            for name in self.kind.refers
            if name in entry.arguments and _unknown(error)
        ]
        if not named:
            return ""
        return f" (it refers to {', '.join(named)}, which has to be there first)"

    def reject_conflict(self, row: Row, finding: Finding) -> None:
        """Reject a row, since what is there under its key has other values."""
        self.settle(
            row,
            "rejected",
            code=CONFLICT,
            reason=finding.reason,
            field=finding.field,
        )

    def settle(
        self,
        row: Row,
        state: State,
        *,
        code: str | None = None,
        reason: str | None = None,
        field: str | None = None,
    ) -> None:
        """Write down what came of *row*."""
        self.journal.settled(
            row.row,
            state,
            code=code,
            reason=one_line(reason) if reason else None,
            field=one_line(field) if field else None,
        )
        self.progress.count(row.state, state)
        if self.outcomes and state in ("done", "rejected"):
            self.outcomes.add(RowOutcome(row.row, row.key, state, code, reason))


def _unknown(error: PartneroError) -> bool:
    # What an unknown partner is refused with differs by resource (facts.md).
    return isinstance(error, BadRequestError | NotFoundError)


def _spelt(name: str, value: Any) -> str:
    if not is_object(value):
        return f"{name} {quoted(value)}"
    members = (f"{name}.{member} {quoted(each)}" for member, each in value.items())
    return " and ".join(members)


def code_of(error: PartneroError) -> str:
    """Return the class of *error* as rejects files spell it: ``bad_request``."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _refusal(error: PartneroError) -> str:
    reasons: Sequence[str] = [f"{k}: {' '.join(v)}" for k, v in error.fields.items()]
    return "; ".join(reasons) or error.message
