"""The table of the bench: each part in a process of its own, and what is not met."""

from __future__ import annotations

import os
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

from tests.bench import schema, table
from tests.bench.figures import Figure


def told(part: str, seed: int, full: bool) -> list[Figure]:
    """Stand in for a part, where only the table is looked at."""
    if part == "broken":
        raise ZeroDivisionError
    if part == "dead":
        os._exit(3)
    met = part != "unmet"
    return [Figure(part, "what", f"{seed} {full}", "it", met, [] if met else ["why"])]


def test_every_part_has_a_place_in_the_table() -> None:
    """A module that measures something and is in no table would measure for nobody."""
    modules = {
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if "\ndef run(*, full: bool, seed: int) -> list[Figure]:" in path.read_text()
    }
    assert modules == set(table.PARTS)
    for part in table.PARTS:
        run = import_module(f"tests.bench.{part}").run
        assert set(signature(run).parameters) == {"full", "seed"}


def test_rows_that_are_met(capsys: pytest.CaptureFixture[str]) -> None:
    """They are shown as they are, with the seed that repeats them."""
    assert table.table(["one", "two"], 7, measure=told)
    shown = capsys.readouterr().out
    assert shown.startswith("seed 7 ")
    assert "7 True" in shown
    assert shown.endswith("2 of 2 met, seed 7\n")


@pytest.mark.parametrize(
    ("part", "why"),
    [
        pytest.param("unmet", "why", id="unmet"),
        pytest.param("broken", "ZeroDivisionError", id="broken"),
        pytest.param("dead", "BrokenProcessPool", id="dead"),
    ],
)
def test_row_that_is_not_met(
    capsys: pytest.CaptureFixture[str], part: str, why: str
) -> None:
    """It is said with the reason, and the other parts are measured all the same."""
    assert not table.table([part, "one"], 7, measure=told)
    shown = capsys.readouterr().out
    assert "NOT MET" in shown
    assert f"     - {why}" in shown
    assert "1 of 2 met" in shown


def test_nothing_measured_is_not_met() -> None:
    """An empty table shows nothing."""
    assert not table.table([], 7, measure=told)


@pytest.mark.parametrize(
    ("arguments", "parts", "full", "seed"),
    [
        pytest.param([], table.PARTS, True, None, id="all"),
        pytest.param(["money", "--seed", "5"], ["money"], True, 5, id="one"),
        pytest.param(["--small"], table.PARTS, False, None, id="small"),
    ],
)
def test_the_command(
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    parts: list[str],
    full: bool,
    seed: int | None,
) -> None:
    """All parts in full, unless told otherwise; the exit code says what was met."""

    def shown(asked: list[str], drawn: int, *, full: bool) -> bool:
        seen.append((asked, full, drawn))
        return len(seen) == 1

    seen: list[tuple[list[str], bool, int]] = []
    monkeypatch.setattr(table, "table", shown)
    assert [table.main(arguments), table.main(arguments)] == [0, 1]
    for asked, how, drawn in seen:
        assert (asked, how) == (parts, full)
        assert seed in (None, drawn)


def test_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """By its name."""
    with pytest.raises(SystemExit, match="2"):
        table.main(["nothing"])
    assert "no such part: nothing" in capsys.readouterr().err


# --- what the property tests print ---------------------------------------------------

GOOD = "120 generated, 120 passed\n.300 generated, 300 passed\n2 passed in 3.00s\n"


@pytest.mark.parametrize(
    ("code", "output", "wrong"),
    [
        pytest.param(0, GOOD, 0, id="good"),
        pytest.param(1, GOOD + "FAILED tests/x.py::test_y\n", 1, id="failed"),
        pytest.param(1, GOOD, 1, id="without-a-reason"),
        pytest.param(0, "2 passed in 3.00s", 1, id="nothing-judged"),
        pytest.param(0, GOOD.replace("120 passed", "119 passed"), 1, id="one-bad"),
    ],
)
def test_what_the_property_tests_say(code: int, output: str, wrong: int) -> None:
    """Their count is what was judged; without one nothing is shown."""
    judged, found = schema.judged(code, output)
    assert len(found) == wrong
    assert judged in (0, 420)
