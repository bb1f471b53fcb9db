"""Hostile ids and bodies, and proof that a mistake would be seen."""

from __future__ import annotations

import asyncio

import pytest

from partnero_async import _wire
from tests.bench import hostile
from tests.bench.faults import FLOOD
from tests.bench.figures import assert_met
from tests.bench.hostile import ids_times_routes, on_the_wire


def test_hostile_input(seed: int) -> None:
    """No id leads to another resource, and no body fills the memory."""
    assert_met(hostile.run(full=False, seed=seed))


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(lambda _, value: value, id="as-it-is"),
        pytest.param(lambda _, value: value.replace("/", "%2F"), id="dots"),
    ],
)
def test_id_that_is_taken_for_a_path_is_caught(
    monkeypatch: pytest.MonkeyPatch, part: object, seed: int
) -> None:
    """Neither encoding nor refusing."""
    monkeypatch.setattr(_wire, "path_part", part)
    assert ids_times_routes(100, seed)
    assert asyncio.run(on_the_wire(60, seed))


def test_body_without_a_cap_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in another process is what this one would read."""
    program = hostile.READER.replace(
        "import asyncio,",
        f"from partnero_async import _session\n_session.LARGEST = {FLOOD * 2}\n"
        "import asyncio,",
    )
    monkeypatch.setattr(hostile, "READER", program)
    most, wrong = asyncio.run(hostile.bombs())
    assert most > hostile.MOST_MEMORY
    assert wrong
