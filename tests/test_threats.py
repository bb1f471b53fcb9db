"""The table of threats names tests that exist, and no row is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "SECURITY.md").read_text("utf-8")


def rows(text: str) -> list[tuple[str, list[str]]]:
    """Return each threat, with the tests that are named beside it."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [line.strip("|").split("|") for line in lines]
    return [
        (threat.strip(), re.findall(r"`(tests/[^`]+)`", tests))
        for threat, _, tests in cells[1:]
    ]


def names_of(file: Path) -> set[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in tree.body if isinstance(node, functions)}
    return {name for name in names if name.startswith("test_")}


def uncovered(threat: str, tests: list[str]) -> list[str]:
    """Return why a threat cannot be taken for covered."""
    if not tests:
        return [f"{threat}: no test"]
    named = [test.partition("::") for test in tests]
    return [
        f"{threat}: no {file}::{name}"
        for file, _, name in named
        if not (ROOT / file).is_file() or name not in names_of(ROOT / file)
    ]


def test_there_are_threats() -> None:
    """The table is read at all."""
    assert len(rows(TABLE)) >= 20


@pytest.mark.parametrize(
    ("threat", "tests"), [pytest.param(*row, id=row[0]) for row in rows(TABLE)]
)
def test_each_threat_is_covered(threat: str, tests: list[str]) -> None:
    """By tests that are there."""
    assert uncovered(threat, tests) == []


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("we are careful", id="no-test"),
        pytest.param("`tests/test_threats.py`", id="a-file-only"),
        pytest.param("`tests/test_threats.py::test_nothing`", id="no-such-test"),
        pytest.param("`tests/test_threats.py::names_of`", id="no-test-but-a-function"),
        pytest.param("`tests/nowhere.py::test_nothing`", id="no-such-file"),
    ],
)
def test_row_that_shows_nothing_is_caught(cell: str) -> None:
    """One that names no test, or one that is not there."""
    table = f"| threat | what is done | tests |\n|---|---|---|\n| x | y | {cell} |\n"
    ((threat, tests),) = rows(table)
    assert len(uncovered(threat, tests)) == 1
