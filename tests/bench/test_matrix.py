"""Every fault on a dozen operations, and proof that the matrix can fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from partnero_async.retries import UNKNOWN, Action, Kind
from tests.bench import matrix
from tests.bench.faults import FAULTS
from tests.bench.figures import assert_met
from tests.bench.matrix import Cell, Right, cells, measured
from tests.bench.operations import FEW, subject, subjects


@pytest.mark.timeout(400)
def test_every_fault_on_a_dozen_operations(seed: int) -> None:
    """The right value, or an error of the package; and no request too many."""
    assert_met(matrix.run(full=False, seed=seed))


def test_faults_and_operations_are_what_the_rules_list() -> None:
    """The rules have 64 faults; all operations are there, and the few stand for all."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 64
    assert len(subjects(full=True)) == 98
    letters = {subject.letter for subject in subjects(full=True)}
    assert {subject(name).letter for name in FEW} == letters == set("ABCDE")


def chosen(operation: str, fault: str) -> list[Cell]:
    """Return the cells of one fault on one operation."""
    return [
        cell
        for cell in cells(full=False)
        if (cell.subject.id, cell.fault.name) == (operation, fault)
    ]


@pytest.mark.parametrize(
    ("operation", "fault", "figure", "told"),
    [
        pytest.param(
            *("transactions.create", "fin-after-request"),
            *("C8", "took effect 2 times"),
            id="sale",
        ),
        pytest.param(
            *("partners.get", "502-html"),
            *("R1", "after 5"),
            id="read-a-fifth-time",
        ),
    ],
)
def test_client_that_does_too_much_is_caught(
    monkeypatch: pytest.MonkeyPatch, operation: str, fault: str, figure: str, told: str
) -> None:
    """A sale that is sent again, and a read that is sent once more."""
    monkeypatch.setitem(UNKNOWN, Kind.MONEY, Action.RETRY)
    monkeypatch.setattr("partnero_async._call.ATTEMPTS", 5)
    wrong = asyncio.run(measured(chosen(operation, fault)))
    assert any(one.figure == figure and told in one.text for one in wrong)


def test_value_that_is_not_right_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a call returns is compared with what it returns in good weather."""

    async def other(_: Any) -> Right:
        return Right("another value", "another value")

    monkeypatch.setattr(matrix, "right_value", other)
    wrong = asyncio.run(measured(chosen("partners.get", "slicer")))
    assert sum("wrong value" in one.text for one in wrong) == 4
    assert sum("the next call did not go well" in one.text for one in wrong) == 2


def test_error_of_another_package_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """No exception but the package's own comes out of a call."""

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("partnero_async._call.explain", broken)
    wrong = asyncio.run(measured(chosen("partners.get", "401")))
    assert sum("foreign ZeroDivisionError" in one.text for one in wrong) == 4
