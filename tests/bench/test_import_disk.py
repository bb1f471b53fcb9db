"""Disks, folders and journals that stop an import, and proof that it would be seen."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.bench import import_disk
from tests.bench.desk import REJECTED, Desk
from tests.bench.figures import assert_met
from tests.bench.import_disk import Case, figure, found


@pytest.mark.timeout(240)
def test_disks(seed: int) -> None:
    """One line says why, nothing is sold twice, and it goes on afterwards."""
    assert_met(import_disk.run(full=False, seed=seed))


async def not_stopped(at: Desk, _: random.Random) -> None:
    """Expect a stop of an import that comes to its end."""
    at.expect_stop(await at.parent.run(at.order()))


async def not_met(at: Desk, _: random.Random) -> bool:
    """Import as if there were no fault."""
    at.expect(await at.parent.run(at.order()), REJECTED)
    return False


@pytest.mark.parametrize(
    ("case", "told"),
    [
        pytest.param(
            ("none", not_stopped),
            ["none: ended with 1 in place of 2", "none: it says "],
            id="no stop",
        ),
        pytest.param(("no fault", not_met), ["none met its fault"], id="no fault"),
    ],
)
def test_stop_that_is_none(case: Case, told: list[str], seed: int) -> None:
    """What is wrong with a case is told by its name."""
    came = figure("nothing", asyncio.run(found([case], rows=60, seed=seed)))
    assert not came.met
    for text in told:
        assert any(why.startswith(text) for why in came.failures), came.failures
