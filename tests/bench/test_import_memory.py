"""Memory of an import, and proof that one that grows would be seen."""

from __future__ import annotations

import pytest

from tests.bench import import_memory
from tests.bench.figures import assert_met
from tests.bench.import_memory import Cost, cost, figures, quick

FEW = Cost(100, 50.0, 1.0)


@pytest.mark.timeout(240)
def test_memory(seed: int) -> None:
    """A longer file needs no more of it."""
    assert_met(import_memory.run(full=False, seed=seed))


@pytest.mark.parametrize(
    ("many", "met"),
    [
        pytest.param(Cost(1_000, 54.0, 1.0), [True, True], id="well"),
        pytest.param(Cost(1_000, 121.0, 1.0), [False, False], id="too much"),
        pytest.param(Cost(1_000, 56.0, 1.0), [True, False], id="grows"),
        pytest.param(Cost(1_000, 50.0, 1.0, "broke"), [False, False], id="broken"),
    ],
)
def test_figures(many: Cost, met: list[bool]) -> None:
    """Memory is bounded, and flat; an import that breaks has no figure."""
    found = figures(FEW, many, growth=1.1)
    assert [figure.met for figure in found] == met


def test_import_that_does_not_end_well_is_told() -> None:
    """Its complaint is the reason."""
    with quick() as url:
        assert "3 rows: " in cost(3, f"{url}/nothing").wrong
