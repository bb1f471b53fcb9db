"""Signals to imports, and proof that one row more would be seen."""

from __future__ import annotations

import asyncio
import random
import signal

import pytest

from tests.bench import import_signals
from tests.bench.desk import Desk
from tests.bench.figures import assert_met
from tests.bench.import_signals import DRAIN, Case, failures, started
from tests.bench.processes import Lag


@pytest.mark.timeout(240)
def test_signals(seed: int) -> None:
    """Nothing more is sent, what is under way drains, and all is there once."""
    assert_met(import_signals.run(full=False, seed=seed))


async def goes_on(at: Desk, _: random.Random, lag: Lag) -> None:
    """Send a signal that it does not hear."""
    run = await started(at, lag, 0.0)
    await run.tell(signal.SIGCONT, within=0.0)


async def dies(at: Desk, _: random.Random, lag: Lag) -> None:
    """Send a signal that it does not survive."""
    run = await started(at, lag, 0.0)
    await run.tell(signal.SIGKILL, within=DRAIN)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        pytest.param(goes_on, ["ended with 1 in place of 130", "it went on"], id="on"),
        pytest.param(dies, ["ended with -9 in place of 130"], id="dies"),
    ],
)
def test_end_that_is_not_in_order(case: Case, told: list[str], seed: int) -> None:
    """Each of these is told."""
    wrong = asyncio.run(failures(case, count=1, seed=seed))
    assert len(wrong) == len(told)
    assert all(text.startswith(why) for text, why in zip(wrong, told, strict=True))
