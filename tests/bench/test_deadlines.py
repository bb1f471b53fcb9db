"""No call outlives its deadline, and proof that it would be seen."""

from __future__ import annotations

import asyncio

import pytest

from partnero_async._call import Call
from tests.bench import deadlines
from tests.bench.deadlines import Heart, measured
from tests.bench.faults import FAULTS
from tests.bench.figures import assert_met
from tests.bench.matrix import Cell
from tests.bench.operations import subject


def test_no_call_outlives_its_deadline(seed: int) -> None:
    """Whatever holds it up."""
    assert_met(deadlines.run(full=False, seed=seed))


def test_attempt_that_outlives_its_deadline_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An attempt that is given a second more than its call has."""
    real = Call._until
    monkeypatch.setattr(Call, "_until", lambda call: real(call) + 1.0)
    (hang,) = (fault for fault in FAULTS if fault.name == "hang")
    cell = Cell(subject("partners.get"), hang, "async", once=False, applied=False)
    ((late, _),) = asyncio.run(measured([(cell, 0.6)]))
    assert late > deadlines.LATEST


def test_what_the_machine_is_late_is_known() -> None:
    """A loop that is blocked shows in its heartbeat, and not in a call's figure."""
    heart = Heart([(1.0, 0.0), (2.0, 0.4), (3.0, 0.1)])
    assert heart.lag(0.5, 1.5) == 0
    assert heart.lag(1.5, 3.5) == 0.4
    assert heart.lag(5, 6) == 0
