"""Killed imports, and proof that a lost or doubled sale would be seen."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bench import imports
from tests.bench.figures import assert_met
from tests.bench.imports import Kill, Tally, figures, killed
from tests.bench.points import SERVER
from tests.bench.till import Kept, Sold, Till, amid, at_the_end, cells, kept
from tests.bulk.shop import write_csv


@pytest.mark.timeout(240)
def test_kills(seed: int) -> None:
    """Killed anywhere, finished and resolved, each sale is there once."""
    assert_met(imports.run(full=False, seed=seed))


def test_kills_around_a_sale(seed: int) -> None:
    """Where most mistakes of an importer show: the planted ones are run on it."""
    points = [SERVER, "after a whole request", "after the answer, before its outcome"]
    wanted = [Kill(point) for point in points for _ in range(3)]
    found = figures("a few", asyncio.run(killed(wanted, rows=120, seed=seed)))
    assert found.met, str(found)


ROWS = 60  # the rows 13, 29, 41 and 57 of them are bad


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path, ROWS)


def journal_of(till: Till, **states: str) -> list[Kept]:
    """Return a journal in which all is done, except for rows like *s7*."""
    good = {key for key, _ in till.good}
    found: list[Kept] = []
    for number in range(ROWS):
        key = f"s{number}"
        state = states.get(key, "done" if key in good else "rejected")
        found.append(Kept(number + 1, state, key if key in good else None))
    return found


def changed(till: Till, *, without: str = "", twice: str = "") -> list[Sold]:
    """Return a ledger of all that was to be sold, but for this."""
    sales = [sale for sale in till.good if sale[0] != without]
    return sales + [sale for sale in till.good if sale[0] == twice]


def test_import_that_is_well(till: Till) -> None:
    """All is done, and the bad rows stand in a file of their own."""
    write_csv(till.rejects, [("1", "x", "y", *row) for row in till.bad], header=["h"])
    assert at_the_end(till, journal_of(till), list(till.good)).all == []


@pytest.mark.parametrize(
    ("states", "without"),
    [
        pytest.param({"s7": "sent"}, "s7", id="sent, and lost on the way"),
        pytest.param({"s7": "sent"}, "", id="sent, and there"),
        pytest.param({"s7": "pending"}, "s7", id="not sent yet"),
        pytest.param({"s7": "parked"}, "s7", id="in doubt"),
    ],
)
def test_kill_that_is_well(till: Till, states: dict[str, str], without: str) -> None:
    """What is in doubt may be there or not."""
    journal = journal_of(till, **states)
    assert amid(till, journal, changed(till, without=without)).all == []


@pytest.mark.parametrize(
    ("states", "ledger", "told"),
    [
        pytest.param({"s7": "pending"}, {}, "row 8 is pending", id="sent unannounced"),
        pytest.param({}, {"without": "s7"}, "row 8 is done", id="done and not there"),
        pytest.param({"s7": "rejected"}, {}, "row 8 is rejected", id="rejected, there"),
        pytest.param(
            {"s7": "sent"}, {"twice": "s7"}, "s7 was sold 2 times", id="twice"
        ),
    ],
)
def test_kill_that_is_not_well(
    till: Till, states: dict[str, str], ledger: dict[str, str], told: str
) -> None:
    """Each of these is seen, by its row."""
    wrong = amid(till, journal_of(till, **states), changed(till, **ledger))
    assert any(told in text for text in wrong.all)


@pytest.mark.parametrize(
    ("journal", "ledger", "told"),
    [
        pytest.param([], [("s7", Decimal("7.25"))], "before all was read", id="unread"),
        pytest.param([Kept(1, "pending", "s0")], [], "1 rows of 60", id="row missing"),
        pytest.param([], [("s7", Decimal(9))], "no row of the file", id="other amount"),
    ],
)
def test_journal_that_is_not_the_file(
    till: Till, journal: list[Kept], ledger: list[Sold], told: str
) -> None:
    """The file, its journal and the ledger have the same sales."""
    assert any(told in text for text in amid(till, journal, ledger).all)


def test_end_that_is_not_well(till: Till) -> None:
    """A lost row, one in a wrong state, and a rejects file that is not whole."""
    till.rejects.with_name(till.rejects.name + ".part").touch()
    journal = journal_of(till, s7="parked")
    wrong = at_the_end(till, journal, changed(till, without="s7"))
    assert wrong.lost == ["s7 is lost"]
    assert [text[:20] for text in wrong.twofold] == [
        "the journal ends wit",
        "half a rejects file ",
        "0 rows in the reject",
    ]


def test_journal_that_was_not_begun(tmp_path: Path) -> None:
    """It has no rows, and neither has an empty file."""
    assert kept(tmp_path / "journal") == []
    (tmp_path / "journal").touch()
    assert kept(tmp_path / "journal") == []


def test_rows_of_each_kind() -> None:
    """A file has rows by key, by address, and those that are rejected."""
    rows: Sequence[tuple[str, ...]] = [cells(number) for number in (1, 3, 13, 29, 41)]
    assert [row[:3] for row in rows] == [
        ("s1", "c1", ""),
        ("s3", "", "c3@example.com"),
        ("s13", "c13", ""),
        ("s24", "c9", ""),
        ("s41", "nobody", ""),
    ]


def test_kills_that_reach_nothing() -> None:
    """A point that is never reached, and kills of nothing in doubt, are told."""
    tally = Tally(deque())
    for _ in range(imports.MISSES * 10 + 1):
        tally.miss(Kill("nowhere"))
    found = figures("none", tally)
    assert [text.partition(":")[0] for text in found.failures] == [
        "nowhere is not reached",
        "no row was ever in doubt",
    ]
