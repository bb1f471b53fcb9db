"""What a client may do about a fault: the table of the project's retry rules.

Written from that table by hand, and from nothing else: the client has a table of its
own in `partnero_async.retries`, and a mistake in one is seen in the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from tests.bench.faults import Came
from tests.bench.operations import LOOKED_UP, NOT_SHOWN, Subject

VALUE: Final = "value"
ATTEMPTS: Final = 4


@attrs.frozen
class Result:
    """What came of a call."""

    outcome: str
    """`VALUE`, or the name of an error; "RefusedError" is for all of its family."""
    mains: int
    """How often the server has seen its own request: look-ups are not counted."""
    doubt: bool = False
    """Whether the error says that the write may have been applied."""


Allowed = frozenset[Result]


def _one(outcomes: str, mains: int, *, doubt: bool = False) -> Allowed:
    return frozenset(Result(outcome, mains, doubt) for outcome in outcomes.split())


def _right(mains: int) -> Allowed:
    return _one(VALUE, mains)


def _in_doubt(mains: int = 1) -> Allowed:
    return _one("AmbiguousWriteError", mains, doubt=True)


ALIKE: Final[dict[Came, Allowed]] = {
    "well": _right(1),
    "unsent": _one("ConnectionFailedError", 0),
    "unsent-timeout": _one("DeadlineExceededError", 0),
    "unusable": _one("ConnectionFailedError", 0),
    "refused": _one("RefusedError", 1),
    "throttled": _right(2),
    "throttled-long": _one("RateLimitError", 1),
}
"""What is the same for every class of operations."""


@attrs.frozen(kw_only=True)
class Case:
    """One fault on one operation, as far as the rules ask for it."""

    subject: Subject
    came: Came
    once: bool
    """The fault is over when the request is repeated or looked up."""
    applied: bool
    """The request took effect although its answer was lost."""
    late: bool
    """It takes effect after it was looked for once."""
    silent: bool
    """The call returns nothing: there is nothing to read in its answer."""

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.subject.letter == "A"


def expected(case: Case) -> Allowed:
    """Return what the rules allow."""
    match case.came:
        case "timeout" | "truncated-timeout":
            return _timed_out(case)
        case "cut":
            return _cut(case)
        case "broken":
            return _broken(case)
        case "redirected" if case.reads:
            return _one("UnexpectedBodyError", 1)
        case "misfit":
            return _misfit(case)
        case "no-content":
            return _mixed(case, _right(1) if case.silent else _misfit(case))
        case "garbled":
            return _mixed(case, _broken(case))
        case "lost" | "failed" | "redirected":
            return _lost(case)
        case alike:
            return ALIKE[alike]


def _timed_out(case: Case) -> Allowed:
    if case.subject.letter in "AB":
        return _one("DeadlineExceededError", 1, doubt=not case.reads)
    return _in_doubt()


def _cut(case: Case) -> Allowed:
    """Return what is right where the server breaks off before it reads anything.

    That can come before the client has written, and is proof then that nothing was
    sent; or after it, and nobody knows.
    """
    if case.subject.id == "program.delete":  # a read comes first, and is what is cut
        return _right(1) if case.once else _one("ConnectionFailedError", 0)
    if case.once:
        unsent = _right(1)
        return unsent | {attrs.evolve(r, mains=r.mains - 1) for r in _lost(case)}
    return ALIKE["unsent"] | {attrs.evolve(r, mains=0) for r in _lost(case)}


def _broken(case: Case) -> Allowed:
    # A success was seen: whatever it is, it is not sent again.
    if case.reads:
        return _right(2) if case.once else _one("UnexpectedBodyError", ATTEMPTS)
    if case.silent:
        return _right(1)
    unreadable = _one("AppliedUnreadableError", 1, doubt=True)
    if case.subject.letter == "E" and case.subject.id not in LOOKED_UP:
        return unreadable
    return _right(1) if case.once else unreadable


def _lost(case: Case) -> Allowed:
    subject, there = case.subject, case.applied or case.late
    match subject.letter:
        case "A" | "B" if not case.once:
            return _failed(case, ATTEMPTS)
        case "B" if case.applied and subject.id in NOT_SHOWN:
            return _one("BadRequestError", 2, doubt=True)
        case "A" | "B":
            return _right(2)
        case "C" if case.once:
            return _right(1 if case.applied else 2)
        case "D" if case.once and there:
            return _right(1)
        case "E" if case.once and there and subject.id in LOOKED_UP:
            return _right(1)
        case _:
            return _in_doubt()


FAILED: Final = "RefusedError UnexpectedBodyError"
"""A server's failure: by its status, or for what it sent in place of an answer."""


def _failed(case: Case, mains: int) -> Allowed:
    answered = case.came in ("failed", "redirected")
    names = FAILED if answered else "ConnectionFailedError"
    return _one(names, mains, doubt=not case.reads)


def _misfit(case: Case) -> Allowed:
    if case.reads:
        return _one("UnexpectedBodyError", 1)
    return _one("AppliedUnreadableError", 1, doubt=True)


def _mixed(case: Case, accepted: Allowed) -> Allowed:
    """Return what is right where each attempt may be lost, or else was accepted."""
    if case.subject.letter not in "AB":
        return _lost(case) | accepted
    repeats = 2 if case.once else ATTEMPTS
    # A read of a broken body is repeated as a lost one is, and is not counted here.
    more = {n for n in range(repeats) if max(r.mains for r in accepted) + n <= repeats}
    return _lost(case) | _after(more, accepted)


def _after(before: Iterable[int], allowed: Allowed) -> Allowed:
    return frozenset(
        attrs.evolve(result, mains=result.mains + n)
        for n in before
        for result in allowed
    )
