"""The retry table, cell by cell; the waits; the budget."""

from __future__ import annotations

import random
from itertools import product

import pytest

from partnero_async.retries import (
    ATTEMPTS,
    BASE,
    CAP,
    Action,
    Kind,
    Known,
    Outcome,
    RetryBudget,
    backoff,
    decide,
)

KINDS = {
    "A": Kind.READ,
    "B": Kind.STATE,
    "C": Kind.UNIQUE,
    "D": Kind.MONEY,
    "E": Kind.RELATIVE,
}

# reliability.md, section 2: what happened, then classes A to E.
TABLE = """
OK          RETURN  RETURN     RETURN     RETURN     RETURN
NOT_SENT    RETRY   RETRY      RETRY      RETRY      RETRY
UNUSABLE    RAISE   RAISE      RAISE      RAISE      RAISE
THROTTLED   HOLD    HOLD       HOLD       HOLD       HOLD
LOST        RETRY   RETRY      RECONCILE  SETTLE     SETTLE
FAILED      RETRY   RETRY      RECONCILE  SETTLE     SETTLE
REDIRECTED  RAISE   RETRY      RECONCILE  SETTLE     SETTLE
BROKEN      RETRY   READ_BACK  READ_BACK  READ_BACK  READ_BACK
REFUSED     RAISE   RAISE      RAISE      RAISE      RAISE
"""
CELLS = [
    pytest.param(
        KINDS[letter], Outcome[row[0]], Action[action], id=f"{row[0]}-{letter}"
    )
    for row in (line.split() for line in TABLE.strip().splitlines())
    for letter, action in zip("ABCDE", row[1:], strict=True)
]

REFUSALS = (400, 401, 403, 404, 405, 409, 410, 413, 415, 422)


@pytest.mark.parametrize(("kind", "outcome", "action"), CELLS)
def test_the_table(kind: Kind, outcome: Outcome, action: Action) -> None:
    """Each cell is what the rules say, for a call of which nothing else is known."""
    assert decide(kind, outcome, Known()) is action


def test_the_table_has_every_cell() -> None:
    """No outcome and no kind is left out of the test above."""
    assert {cell.values[:2] for cell in CELLS} == set(product(Kind, Outcome))


STATUSES = (None, 200, 204, 302, 408, 429, 500, *REFUSALS)
FLAGS = ("in_doubt", "keyed", "returns_existing", "wants_answer")
EVERYTHING = [
    Known(method=method, status=status, **dict(zip(FLAGS, flags, strict=True)))
    for method in ("GET", "POST", "PUT", "DELETE")
    for status in STATUSES
    for flags in product((False, True), repeat=len(FLAGS))
]


def test_every_combination_gives_an_action() -> None:
    """Whatever is known, there is an answer, and outside two rows it is the table's."""
    table = {cell.values[:2]: cell.values[2] for cell in CELLS}
    for kind, outcome, known in product(Kind, Outcome, EVERYTHING):
        action = decide(kind, outcome, known)
        assert isinstance(action, Action)
        if outcome not in (Outcome.REFUSED, Outcome.BROKEN):
            assert action is table[kind, outcome], (kind, outcome, known)


def refusal_exception(kind: Kind, known: Known) -> Action:
    """Say what a refusal means, as the rules put it, in words of the test's own."""
    match kind, known:
        case Kind.STATE, Known(method="DELETE", status=404, in_doubt=True):
            return Action.DONE
        case Kind.STATE, Known(
            method="POST" | "GET", status=400, in_doubt=True, keyed=True
        ):
            return Action.COMPARE
        case Kind.STATE, Known(method="GET", status=422, in_doubt=True, keyed=True):
            return Action.COMPARE
        case Kind.STATE, Known(method="PUT", status=404, in_doubt=True, keyed=True):
            return Action.COMPARE
        case Kind.UNIQUE, Known(status=409 | 422, in_doubt=True):
            return Action.COMPARE
        case Kind.UNIQUE, Known(status=409 | 422, returns_existing=True):
            return Action.COMPARE
        case _:
            return Action.RAISE


def test_a_refusal_is_raised_but_for_what_a_repeat_explains() -> None:
    """Only traces of one's own first attempt are looked at: 404, 400, duplicates."""
    for kind, known in product(Kind, EVERYTHING):
        wanted = refusal_exception(kind, known)
        assert decide(kind, Outcome.REFUSED, known) is wanted, (kind, known)


@pytest.mark.parametrize(
    ("kind", "known", "action"),
    [
        pytest.param(
            Kind.STATE,
            Known(method="DELETE", status=404, in_doubt=True),
            Action.DONE,
            id="repeated-delete-finds-nothing",
        ),
        pytest.param(
            Kind.STATE,
            Known(method="DELETE", status=404, in_doubt=True, by_api=False),
            Action.RAISE,
            id="proxy-finds-nothing",
        ),
        pytest.param(
            Kind.STATE,
            Known(method="DELETE", status=404),
            Action.RAISE,
            id="first-delete-finds-nothing",
        ),
        pytest.param(
            Kind.RELATIVE,
            Known(method="DELETE", status=404, in_doubt=True),
            Action.RAISE,
            id="deletion-under-a-shared-key-finds-nothing",
        ),
        pytest.param(
            Kind.STATE,
            Known(method="POST", status=400, in_doubt=True, keyed=True),
            Action.COMPARE,
            id="repeated-archive-is-archived",
        ),
        pytest.param(
            Kind.STATE,
            Known(method="POST", status=400, in_doubt=True),
            Action.RAISE,
            id="repeated-archive-that-cannot-be-read",
        ),
        pytest.param(
            Kind.UNIQUE,
            Known(method="POST", status=422, in_doubt=True),
            Action.COMPARE,
            id="duplicate-of-oneself",
        ),
        pytest.param(
            Kind.UNIQUE,
            Known(method="POST", status=409, returns_existing=True),
            Action.COMPARE,
            id="duplicate-asked-for",
        ),
        pytest.param(
            Kind.UNIQUE,
            Known(method="POST", status=422),
            Action.RAISE,
            id="duplicate-of-another",
        ),
        pytest.param(
            Kind.MONEY,
            Known(method="POST", status=422, in_doubt=True),
            Action.RAISE,
            id="money-has-no-duplicates",
        ),
    ],
)
def test_a_refusal_of(kind: Kind, known: Known, action: Action) -> None:
    """The cases that the rules name, spelt out."""
    assert decide(kind, Outcome.REFUSED, known) is action


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.READ])
def test_a_success_with_nothing_to_read_is_done(kind: Kind) -> None:
    """A deletion whose success was seen needs no body."""
    assert decide(kind, Outcome.BROKEN, Known(wants_answer=False)) is Action.DONE


def test_a_sale_in_doubt_is_never_sent_again() -> None:
    """Once headers have left, no outcome of a money write says to send it again."""
    harmless = {Outcome.NOT_SENT, Outcome.THROTTLED}
    for kind, outcome, known in product(
        (Kind.MONEY, Kind.RELATIVE), set(Outcome) - harmless, EVERYTHING
    ):
        assert decide(kind, outcome, known) not in (
            Action.RETRY,
            Action.HOLD,
            Action.RECONCILE,
        )


# --- waiting -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "limit"),
    [
        pytest.param(1, 0.5, id="first"),
        pytest.param(2, 1.0, id="second"),
        pytest.param(3, 2.0, id="third"),
        pytest.param(4, 4.0, id="fourth"),
        pytest.param(5, 8.0, id="at-the-cap"),
        pytest.param(12, 8.0, id="over-the-cap"),
    ],
)
def test_the_wait_is_anything_up_to_a_doubling_limit(
    failures: int, limit: float, seed: int
) -> None:
    """Full jitter: 0.5 s base, 8 s cap; the whole range is used."""
    rng = random.Random(seed)
    waits = [backoff(failures, rng) for _ in range(2000)]
    assert min(waits) >= 0
    assert max(waits) <= limit
    assert min(waits) < limit * 0.05
    assert max(waits) > limit * 0.95


def test_what_the_server_asks_for_replaces_the_wait() -> None:
    """``Retry-After`` is taken as it is, zero included; the cap on it is not ours."""
    rng = random.Random(1)
    assert backoff(1, rng, 17.0) == 17.0
    assert backoff(4, rng, 0.0) == 0.0


def test_the_figures_of_the_rules() -> None:
    """Four attempts, half a second, eight seconds."""
    assert (ATTEMPTS, BASE, CAP) == (4, 0.5, 8.0)


# --- the budget ----------------------------------------------------------------


def requests(calls: int, budget: RetryBudget) -> int:
    """Count the requests of *calls* in an outage: nothing ever succeeds."""
    sent = 0
    for _ in range(calls):
        sent += 1
        for _ in range(ATTEMPTS - 1):
            if not budget.take():
                break
            sent += 1
    return sent


def test_an_outage_costs_few_repeats() -> None:
    """1,000 calls send 1,035 requests at most."""
    assert requests(1000, RetryBudget()) == 1035


def test_successes_give_back() -> None:
    """A repeat that succeeds is free; others give back a little, up to the size."""
    budget = RetryBudget()
    assert budget.take()
    assert budget.left == 486
    budget.give_back(repeated=True)
    assert budget.left == 500
    budget.give_back(repeated=True)
    assert budget.left == 500
    budget.take()
    budget.give_back(repeated=False)
    assert budget.left == 487


def test_an_empty_budget_stays_as_it_is() -> None:
    """What cannot be paid is not taken."""
    budget = RetryBudget(size=20)
    assert [budget.take(), budget.take(), budget.left] == [True, False, 6]
