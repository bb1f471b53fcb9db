"""An import run from a terminal: progress, signals, its report and exit code."""

from __future__ import annotations

import asyncio
import json as codec
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ..bulk import Forecast, JournalWriteError, Progress, Report
from ..bulk.page import write as write_page
from ..client import Partnero
from ..errors import one_line
from . import INTERRUPTED, drop_output
from ._progress import shown
from ._telling import plan, text

__all__ = ["Work", "foretell", "run", "tell", "to_the_end"]

CALL_SECONDS = 300.0
"""What a call may take: waiting for a slow rate limit is most of it."""

Watch = Callable[[Progress], None]
T = TypeVar("T", Report, Forecast)
Work = Callable[[Partnero, Watch, asyncio.Event], Awaitable[T]]


def to_the_end(
    work: Work[Report], *, limit: str | None, page: Path | None = None, as_json: bool
) -> int:
    """Do *work*, tell what came of it, and return the exit code of that."""
    try:
        report = run(work, limit=limit)
    except JournalWriteError as error:
        if error.report is None:
            raise
        return tell(error.report, problem=str(error), page=page, as_json=as_json)
    return tell(report, page=page, as_json=as_json)


def run(work: Work[T], *, limit: str | None) -> T:
    """Do *work* with a client of its own, as far as it goes."""
    return asyncio.run(_run(work, limit=limit))


def foretell(forecast: Forecast, *, as_json: bool) -> int:
    """Print what would happen, and return the exit code."""
    with forecast:
        if as_json:
            sys.stdout.write(f"{codec.dumps(forecast.as_dict())}\n")
        else:
            plan(forecast)
        return forecast.exit_code


def tell(
    report: Report,
    *,
    problem: str = "",
    page: Path | None = None,
    as_json: bool,
) -> int:
    """Print *report*, write its *page*, tell of a *problem*; return the exit code."""
    if not problem and report.rejects_problem:
        problem = f"the rejected rows were not written: {report.rejects_problem}"
    told = _say(f"{codec.dumps(report.as_dict())}\n" if as_json else text(report))
    written = page is None or _write(report, page)
    if problem:
        _complain(problem)
    return report.exit_code or int(not told or not written)


def _say(what: str) -> bool:
    """Print *what*; that nobody takes it says nothing about the import."""
    try:
        sys.stdout.write(what)
        sys.stdout.flush()
    except BrokenPipeError:  # who had it read stopped reading: `| head`, `| true`
        drop_output()
    except OSError as error:
        _complain(f"the report could not be printed: {error}")
        drop_output()
        return False
    return True


def _write(report: Report, page: Path) -> bool:
    """Write the page; a problem with it must not cost what is printed."""
    try:
        write_page(report, page)
    except OSError as error:
        _complain(f"the page was not written: {error}")
        return False
    return True


def _complain(problem: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"partnero: {one_line(problem)}\n")


async def _run(work: Work[T], *, limit: str | None) -> T:
    stop = asyncio.Event()
    _listen(stop)
    async with Partnero(timeout=CALL_SECONDS, rate_limit=limit) as client:
        with shown() as watch:
            return await work(client, watch, stop)


def _listen(stop: asyncio.Event) -> None:
    """Let the first signal end the run in order, and the second one at once."""

    def told() -> None:
        if stop.is_set():
            # The journal is made for being killed: what is in it is on the disk.
            os._exit(INTERRUPTED)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends it at once there
            loop.add_signal_handler(number, told)
