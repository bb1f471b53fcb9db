"""Planted mistakes are caught, and proof that one that is not would be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.bench import planted
from tests.bench.figures import assert_met
from tests.bench.planted import PLANTS, ROOT, Plant, copied, misfits, unplanted, wrong

REPR = next(plant for plant in PLANTS if "repr" in plant.name)


@pytest.mark.timeout(300)
def test_a_few_planted_mistakes_are_caught(seed: int) -> None:
    """Five of them, drawn by the seed; the bench plants all."""
    assert_met(planted.run(full=False, seed=seed))


def test_each_mistake_can_be_planted() -> None:
    """Its replacement fits the code as it is, exactly once; each has its own name."""
    assert misfits(ROOT) == []
    assert len({plant.name for plant in PLANTS}) == len(PLANTS) >= 15


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(str(tmp_path_factory.mktemp("planted")))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"becomes": REPR.was}, "not caught by", id="not-a-mistake"),
        pytest.param(
            {"nodes": ["tests/test_lookup.py::test_holds"]},
            "not caught by",
            id="another-test",
        ),
        pytest.param({"was": "no such line"}, "fits 0 times", id="fits-no-longer"),
        pytest.param({"was": "return"}, "fits", id="fits-twice"),
        pytest.param({"becomes": "!"}, "tests broke", id="does-not-compile"),
        pytest.param(
            {"becomes": "        raise ImportError\n"}, "tests broke", id="no-assertion"
        ),
        pytest.param(
            {"nodes": ["tests/test_settings.py::test_nothing"]},
            "tests broke",
            id="no-such-test",
        ),
    ],
)
def test_mistake_that_is_not_caught_is_told(
    copy: Path, seed: int, changed: dict[str, Any], told: str
) -> None:
    """A test that breaks for another reason has caught nothing."""
    plant: Plant = attrs.evolve(REPR, **changed)
    before = (copy / plant.file).read_text()
    assert [told in text for text in wrong(copy, plant, seed)] == [True]
    assert (copy / plant.file).read_text() == before


def test_tests_that_are_red_anyway_are_told(copy: Path, seed: int) -> None:
    """What is red without a mistake shows nothing with one."""
    missing = attrs.evolve(REPR, nodes=["tests/test_settings.py::test_nothing"])
    assert "not green without" in unplanted(copy, [missing], seed)[0]
