"""Progress: lines now and then, or a bar on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from partnero_async.bulk import Progress
from partnero_async.cli._progress import Lines, facts, shown


def test_a_line_now_and_then() -> None:
    """A line every five seconds, and one whenever something else begins."""
    now = [0.0]
    out = io.StringIO()
    lines = Lines(out, clock=lambda: now[0])
    for at, progress in (
        (0.0, Progress(doing="reading", rows=10)),
        (1.0, Progress(doing="reading", rows=20)),
        (5.5, Progress(doing="reading", rows=30)),
        (6.0, Progress(doing="sending", rows=40)),
    ):
        now[0] = at
        lines(progress)
    assert out.getvalue().splitlines() == [
        "reading: 10 rows",
        "reading: 30 rows",
        "sending: 0 of 40 rows",
    ]


def test_what_is_told() -> None:
    """Rows, rate, time left, and what went wrong."""
    progress = Progress(
        doing="sending",
        rows=100,
        done=48,
        rejected=1,
        parked=1,
        sent=50,
        throttled=3,
        elapsed=10.0,
    )
    assert facts(progress) == (
        "50 of 100 rows, 5 rows/s, 10 s left, 1 rejected, 1 parked, 3 times 429"
    )


def test_the_pace_is_told() -> None:
    """How much of the allowed rate is used, and how long it was waited for."""
    progress = Progress(
        doing="sending",
        rows=3,
        done=3,
        sent=3,
        elapsed=1.0,
        rate=15.84,
        allowed=1000 / 60,
        waited=12.4,
    )
    assert facts(progress) == (
        "3 of 3 rows, 3 rows/s, 95% of the allowed 16.7 requests/s, waited 12 s for it"
    )


def test_burst_is_no_more_than_all_that_is_allowed() -> None:
    """A short run may be one burst."""
    progress = Progress(doing="sending", rows=3, rate=30.0, allowed=2.0)
    assert facts(progress) == "0 of 3 rows, 100% of the allowed 2 requests/s"


def test_nothing_is_left_of_what_is_final() -> None:
    """Where all rows are final no time is left to be told."""
    progress = Progress(doing="sending", rows=3, done=3, sent=3, elapsed=1.0)
    assert facts(progress) == "3 of 3 rows, 3 rows/s"


def test_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Logs get lines, on standard error."""
    with shown() as watch:
        watch(Progress(doing="sending", rows=3))
    assert capsys.readouterr().err == "sending: 0 of 3 rows\n"


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a bar."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with shown() as watch:
        watch(Progress(doing="reading", rows=3))
        watch(Progress(doing="sending", rows=3, done=2, sent=2, elapsed=1.0))
    assert "2 of 3 rows, 2 rows/s" in terminal.getvalue()
