"""What a failure means for a kind of operation, and how long to wait.

Nothing here sleeps or sends: `decide` maps (kind, what happened, what is known) to an
action, `backoff` says how long to wait before a repeat, and `RetryBudget` keeps an
outage from being answered with a storm of them. The transport does what they say.
"""

from __future__ import annotations

import enum
import random
from typing import Final

import attrs

ATTEMPTS: Final = 4
"""Requests that one call may send, look-ups and refusals at the gate not counted."""
BASE: Final = 0.5
"""Seconds: the upper end of the first wait."""
CAP: Final = 8.0
"""Seconds: the upper end of every wait."""
LEAST_TIME: Final = 0.5
"""Seconds that must be left of the deadline for an attempt to be worth starting."""


class Kind(enum.Enum):
    """What it means to send an operation twice."""

    READ = "read"
    """It changes nothing."""
    STATE = "state"
    """It sets a state: the second sets it again (updates, deletions, archiving)."""
    UNIQUE = "unique"
    """It creates under a key that the API keeps unique: the second is refused."""
    MONEY = "money"
    """It creates under a key that is *not* unique: the second pays again."""
    RELATIVE = "relative"
    """It adds, and has no key to look it up by: the second adds again."""


class Outcome(enum.Enum):
    """What came of one attempt."""

    OK = "ok"
    NOT_SENT = "not sent"
    """Proven: not a byte of the request's head has left."""
    UNUSABLE = "unusable"
    """It can never be sent as things are: the server's certificate is not trusted."""
    THROTTLED = "throttled"
    """429: refused before any effect."""
    LOST = "lost"
    """Sent, and no usable answer: disconnect, timeout, garbage."""
    FAILED = "failed"
    """Answered, but not by the API's own word: 408, 5xx, HTML under a success."""
    REDIRECTED = "redirected"
    """3xx: never followed, since the key must not reach another address."""
    BROKEN = "broken"
    """A success was seen, and its body cannot be read."""
    REFUSED = "refused"
    """The API said no."""


class Action(enum.Enum):
    """What to do next."""

    RETURN = "return"
    """The answer is the result."""
    DONE = "done"
    """It has taken effect, though this answer does not say so."""
    RAISE = "raise"
    RETRY = "retry"
    """Wait, then send again."""
    HOLD = "hold"
    """Wait at the gate with everybody else, then send again."""
    RECONCILE = "reconcile"
    """Read by key: equal is the result, different a conflict, absent a repeat."""
    COMPARE = "compare"
    """Read by key: equal is the result, different a conflict, absent the refusal."""
    READ_BACK = "read back"
    """It has taken effect: read what is there, where it can be read."""
    SETTLE = "settle"
    """Read by key twice, with time between, where it can be read; never send again."""


@attrs.define(kw_only=True)  # not frozen: each call makes one
class Known:
    """What is known of a call beside the outcome of its last attempt."""

    method: str = "GET"
    status: int | None = None
    in_doubt: bool = False
    """An earlier attempt of this call may have taken effect."""
    keyed: bool = False
    """There is a way to look up what this call writes."""
    returns_existing: bool = False
    """The caller asked for the record that is there in place of a refusal."""
    wants_answer: bool = True
    """There is something to read in the answer, and the caller wants it."""
    by_api: bool = True
    """The answer is the API's own word: a proxy knows of no record either."""


DUPLICATE: Final = frozenset({409, 422})
"""What a duplicate key is refused with (facts.md, "duplicate customer key")."""


def decide(kind: Kind, outcome: Outcome, known: Known) -> Action:
    """Say what to do about *outcome*: the table of the project's retry rules."""
    match outcome:
        case Outcome.OK:
            return Action.RETURN
        case Outcome.NOT_SENT:
            return Action.RETRY
        case Outcome.THROTTLED:
            return Action.HOLD
        case Outcome.REFUSED:
            return _refused(kind, known)
        case Outcome.BROKEN:
            return _broken(kind, known)
        case Outcome.UNUSABLE:
            return Action.RAISE
        case Outcome.REDIRECTED if kind is Kind.READ:
            return Action.RAISE
        case _:
            return UNKNOWN[kind]


UNKNOWN: Final = {
    Kind.READ: Action.RETRY,
    Kind.STATE: Action.RETRY,
    Kind.UNIQUE: Action.RECONCILE,
    Kind.MONEY: Action.SETTLE,
    Kind.RELATIVE: Action.SETTLE,
}
"""What to do where a request was sent and its outcome is not known."""


def _broken(kind: Kind, known: Known) -> Action:
    if kind is Kind.READ:
        return Action.RETRY
    return Action.READ_BACK if known.wants_answer else Action.DONE


OWN_TRACES: Final = frozenset(
    {
        ("POST", 400),  # archived already: by the first one, or by another
        ("GET", 400),  # a lead that is rejected already; rejecting is a GET
        ("GET", 422),
        ("PUT", 404),  # renamed already: it is found under its new key
    }
)
"""Refusals of a repeat that may say that the first one took effect."""


def _refused(kind: Kind, known: Known) -> Action:
    repeated = kind is Kind.STATE and known.in_doubt
    if repeated and known.method == "DELETE" and known.status == 404 and known.by_api:
        return Action.DONE  # the first one deleted it
    if repeated and known.keyed and (known.method, known.status) in OWN_TRACES:
        return Action.COMPARE
    asked = known.in_doubt or known.returns_existing
    if kind is Kind.UNIQUE and asked and known.status in DUPLICATE:
        return Action.COMPARE
    return Action.RAISE


def backoff(
    failures: int, rng: random.Random, retry_after: float | None = None
) -> float:
    """Return the seconds to wait after *failures* failed attempts (1 or more).

    Full jitter: anything up to a limit that doubles each time. What the server asks
    for replaces it.
    """
    if retry_after is not None:
        return retry_after
    return rng.uniform(0, min(CAP, BASE * 2 ** (failures - 1)))


@attrs.define
class RetryBudget:
    """How many repeats a client may still send; shared by all of its calls.

    A repeat that is needed costs, a call that succeeds gives back. Where everything
    fails, 500 at 14 a repeat are 35 repeats for any number of calls: an outage is not
    made worse by those who wait for its end.
    """

    size: int = 500
    cost: int = 14
    left: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start full."""
        self.left = self.size

    def take(self) -> bool:
        """Pay for one repeat; False when it cannot be paid."""
        if self.left < self.cost:
            return False
        self.left -= self.cost
        return True

    def give_back(self, *, repeated: bool) -> None:
        """Credit a call that succeeded: all of its last repeat's cost, or a little."""
        self.left = min(self.size, self.left + (self.cost if repeated else 1))
