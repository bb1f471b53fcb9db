"""The table of threats names tests that exist, and no row is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def rows() -> list[tuple[str, list[str]]]:
    """Return each threat, with the tests that are named beside it."""
    lines = (ROOT / "SECURITY.md").read_text("utf-8").splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return [
        (threat.strip(), re.findall(r"`(tests/[^`]+)`", tests))
        for threat, _, tests in cells[1:]
    ]


def names_of(file: Path) -> set[str]:
    """Return the names of the functions of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def test_there_are_threats() -> None:
    """The table is read at all."""
    assert len(rows()) >= 15


@pytest.mark.parametrize(
    ("threat", "tests"), [pytest.param(*row, id=row[0]) for row in rows()]
)
def test_each_threat_is_covered(threat: str, tests: list[str]) -> None:
    """By tests that are there."""
    assert tests, f"{threat}: no test"
    for test in tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), f"{threat}: no {file}"
        assert not name or name in names_of(ROOT / file), f"{threat}: no {test}"
