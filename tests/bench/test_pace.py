"""The gate under a limit, on virtual time and on real sockets."""

from __future__ import annotations

import pytest

from partnero_async.pacing import Gate
from tests.bench import pace
from tests.bench.figures import assert_met
from tests.bench.pace import used, wasteful
from tests.test_pacing import Outcome, import_rows


@pytest.mark.timeout(240)
def test_a_rate_is_used_and_kept(seed: int) -> None:
    """With headers, with a rate that is told, and with neither."""
    assert_met(pace.run(full=False, seed=seed))


def test_waste_and_slowness_are_caught() -> None:
    """The worst run counts."""
    good, wasted, slow = (
        Outcome(12, 610, 10),
        Outcome(12, 700, 100),
        Outcome(20, 600, 0),
    )
    assert wasteful([good], "x", told=True).met
    assert not wasteful([good, wasted], "x", told=True).met
    assert not wasteful([good, slow], "x", told=True).met
    assert used("T", "x", [(11.9, good)], least=0.95, most=0.02).met
    assert not used("T", "x", [(11.9, good), (11, good)], least=0.95, most=0.02).met
    assert not used("T", "x", [(11.9, wasted)], least=0.95, most=0.02).met


def test_gate_that_rushes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that forgets what remains, and a hold that holds nobody."""
    monkeypatch.setattr(Gate, "_wait", lambda *_: 0.0)
    outcome = import_rows(pace._window(told=True), 600, 64, 1)
    assert not wasteful([outcome], "x", told=True).met
