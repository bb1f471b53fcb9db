"""What a client may do about a fault: the table of the project's retry rules.

Written from that table by hand, and from nothing else: the client has a table of its
own in `partnero_async.retries`, and a mistake in one is seen in the other.
"""

from __future__ import annotations

from typing import Final

import attrs

from tests.bench.faults import Came
from tests.bench.operations import LOOKED_UP, Subject

VALUE: Final = "value"
AMBIGUOUS: Final = "AmbiguousWriteError"
UNREADABLE: Final = "AppliedUnreadableError"
DEADLINE: Final = "DeadlineExceededError"
ATTEMPTS: Final = 4


@attrs.frozen
class Expectation:
    """What may come of a call, and how often its own request may be seen."""

    outcomes: frozenset[str]
    """`VALUE`, the names of errors, or "error" for any of the package's."""
    mains: frozenset[int]


def _expect(outcomes: str, *mains: int) -> Expectation:
    return Expectation(frozenset(outcomes.split()), frozenset(mains))


ALIKE: Final[dict[Came, Expectation]] = {
    "well": _expect(VALUE, 1),
    "unsent": _expect("error", 0),
    "unsent-timeout": _expect("error", 0),
    "unusable": _expect("error", 0),
    "refused": _expect("error", 1),
}
"""What is the same for every class of operations."""


def expected(
    subject: Subject, came: Came, *, once: bool, applied: bool, seen: bool = True
) -> Expectation:
    """Return what the rules allow.

    *once*: the fault is over when the request is repeated or looked up. *applied*: the
    request took effect although its answer was lost. *seen*: whether the server reads
    the request at all before it breaks the connection.
    """
    if came in ALIKE:
        return ALIKE[came]
    match came:
        case "timeout" | "truncated-timeout":
            return _timed_out(subject)
        case "broken":
            return _broken(subject, once=once)
        case "redirected" if subject.letter == "A":
            return _expect("error", 1)
        case "misfit":
            misfit = "UnexpectedBodyError" if subject.letter == "A" else UNREADABLE
            return _expect(misfit, 1)
        case "garbled":  # each time it may be the one or the other
            broken = _broken(subject, once=once)
            lost = _lost(subject, once=once, applied=applied)
            mains = range(1, max(broken.mains | lost.mains) + 1)
            return Expectation(broken.outcomes | lost.outcomes, frozenset(mains))
        case _:
            found = _lost(subject, once=once, applied=applied)
            return found if seen else _unread(found, once=once)


def _unread(found: Expectation, *, once: bool) -> Expectation:
    """Take off what the server does not read, since it breaks connections off."""
    mains = {n - 1 if once else 0 for n in found.mains}
    return Expectation(found.outcomes, frozenset(mains))


def _timed_out(subject: Subject) -> Expectation:
    if subject.letter in "AB":
        return _expect(f"{DEADLINE} UnexpectedBodyError {UNREADABLE}", 1)
    return _expect(f"{AMBIGUOUS} {UNREADABLE}", 1)


def _broken(subject: Subject, *, once: bool) -> Expectation:
    # A success was seen: whatever it is, it is not sent again.
    if subject.letter == "A":
        return _expect(VALUE, 2) if once else _expect("UnexpectedBodyError", ATTEMPTS)
    if once:
        return _expect(f"{VALUE} {UNREADABLE}", 1)
    return _expect(f"{VALUE} {UNREADABLE} {AMBIGUOUS}", 1)


def _lost(subject: Subject, *, once: bool, applied: bool) -> Expectation:
    match subject.letter:
        case "A" | "B":
            return _expect(VALUE, 2) if once else _expect("error", ATTEMPTS)
        case "C" if once:
            return _expect(VALUE, 1 if applied else 2)
        case "D" if once and applied:
            return _expect(VALUE, 1)
        case "E" if once and applied and subject.id in LOOKED_UP:
            return _expect(VALUE, 1)
        case _:
            return _expect(AMBIGUOUS, 1)
