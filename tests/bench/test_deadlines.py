"""No call outlives its deadline, and proof that it would be seen."""

from __future__ import annotations

import asyncio

import pytest

from partnero_async._call import Call
from tests.bench import deadlines
from tests.bench.deadlines import Heart, measured
from tests.bench.faults import FAULTS
from tests.bench.figures import assert_met
from tests.bench.matrix import FOREVER, Cell
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
    cell = Cell(subject("partners.get"), hang, "async", FOREVER)
    (end,) = asyncio.run(measured([(cell, 0.6)]))
    assert end.late > deadlines.LATEST


def test_cases_that_reach_no_deadline_are_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Where every call ends early nothing was measured."""
    refused = [fault for fault in FAULTS if fault.name in ("401", "429-for-long")]
    cases = [
        (Cell(subject("partners.get"), fault, "async", FOREVER), 5.0)
        for fault in refused
    ]
    monkeypatch.setattr(deadlines, "drawn", lambda *_: cases)
    (figure,) = deadlines.run(full=False, seed=seed)
    assert not figure.met
    assert figure.failures == ["only 0 were held up"]


def test_what_the_machine_is_late_is_known() -> None:
    """A loop that is blocked shows in its heartbeat, and not in a call's figure."""
    heart = Heart([(1.0, 0.0), (2.0, 0.4), (3.0, 0.1)])
    assert heart.lag(0.5, 1.5) == 0
    assert heart.lag(1.5, 3.5) == 0.4
    assert heart.lag(5, 6) == 0
