"""Sales in doubt are not paid twice, and proof that it would be seen."""

from __future__ import annotations

import asyncio

import pytest

from partnero_async import AmbiguousWriteError, ConnectionFailedError
from partnero_async.retries import UNKNOWN, Action, Kind
from tests.bench import money
from tests.bench.figures import assert_met
from tests.bench.history import Told, check


def test_no_sale_is_paid_twice(seed: int) -> None:
    """Whatever is lost, and however late it arrives."""
    assert_met(money.run(full=False, seed=seed))


def test_client_that_sends_again_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The mistake that this is all about."""
    monkeypatch.setitem(UNKNOWN, Kind.MONEY, Action.RETRY)
    wrong = asyncio.run(money.told(100, seed, latest=None))
    assert any("took effect 2 times" in text for text in wrong)


DOUBT = AmbiguousWriteError("lost", key="s", maybe_applied=True)
DENIED = ConnectionFailedError("no")


@pytest.mark.parametrize(
    ("told", "effects"),
    [
        pytest.param(Told("s", returned="s"), 1, id="returned"),
        pytest.param(Told("s", DOUBT), 0, id="in-doubt-and-lost"),
        pytest.param(Told("s", DOUBT), 1, id="in-doubt-and-there"),
        pytest.param(Told("s", DENIED), 0, id="denied"),
    ],
)
def test_history_that_is_so(told: Told, effects: int) -> None:
    """Nothing is wrong with these."""
    assert check([told], {"s": effects}) == []


@pytest.mark.parametrize(
    ("told", "effects"),
    [
        pytest.param(Told("s", returned="s"), 0, id="returned-and-lost"),
        pytest.param(Told("s", returned="s"), 2, id="paid-twice"),
        pytest.param(Told("s", returned="t"), 1, id="returned-another"),
        pytest.param(Told("s", DOUBT), 2, id="in-doubt-and-paid-twice"),
        pytest.param(Told("t", DOUBT), 0, id="in-doubt-by-another-name"),
        pytest.param(Told("s", DENIED), 1, id="denied-and-there"),
        pytest.param(Told("s", KeyError("s")), 0, id="foreign"),
    ],
)
def test_history_that_is_not_so(told: Told, effects: int) -> None:
    """Each of these is seen."""
    assert check([told], {told.key: effects})
