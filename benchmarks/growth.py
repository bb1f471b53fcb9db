"""How the cost grows: with calls at once, with the items of a list, with rows.

::

    python -m benchmarks.growth [--quick] [--seed N]

Each size is measured in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from partnero_async import Partnero

from . import _peers as peers
from ._figures import Result, Table
from ._harness import Setting, fresh, main, peak
from ._server import KEY, PAGE, QUICK, canned, raise_limit, served
from .bulk import imported, write_sales

AT_ONCE = (1, 3, 10, 30, 100, 300, 1000)
ITEMS = (1_000, 10_000, 100_000, 1_000_000)
ROWS = (1_000, 10_000, 100_000, 1_000_000)
LONGEST = 900.0
"""Seconds that the next size may be expected to take; a longer one is left out."""


# --- in a process of its own ---------------------------------------------------------


async def calling(url: str, at_once: int, calls: int) -> None:
    """Make calls with our client, so many at once."""
    async with Partnero(KEY, base_url=url, max_connections=at_once) as client:
        todo = iter(range(calls))

        async def work() -> None:
            for _ in todo:
                await client.partners.get("p0")

        await asyncio.gather(*(work() for _ in range(at_once)))


async def calling_bare(url: str, at_once: int, calls: int) -> None:
    """Make calls with aiohttp alone, so many at once."""
    async with await peers.bare_session() as session:
        todo, get = iter(range(calls)), peers.bare(session, url)

        async def work() -> None:
            for _ in todo:
                await get()

        await asyncio.gather(*(work() for _ in range(at_once)))


async def walking(url: str, items: int) -> None:
    """Walk a list."""
    async with Partnero(KEY, base_url=url) as client:
        walk = client.partners.list(limit=PAGE)
        count = sum([1 async for _ in walk.pages()])
    assert count == -(-items // PAGE), count  # noqa: S101


async def importing(url: str, file: str, rows: int) -> None:
    """Import a file."""
    report = await imported(url, Path(file))
    assert report.done == rows, report  # noqa: S101


def child(what: str, *arguments: str) -> dict[str, float]:
    """Do one thing in this process; return what it took."""
    raise_limit()
    work: dict[str, Any] = {
        "calls": lambda url, at_once, calls: calling(url, int(at_once), int(calls)),
        "bare": lambda url, at_once, calls: calling_bare(url, int(at_once), int(calls)),
        "walk": lambda url, items: walking(url, int(items)),
        "import": lambda url, file, rows: importing(url, file, int(rows)),
    }
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    asyncio.run(work[what](*arguments))
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "before": before,
        "peak": peak(),
    }


# --- by size -------------------------------------------------------------------------

HEAD = ("a second", "CPU us each", "seconds", "peak MB")


def row(size: int, count: int, took: dict[str, float]) -> tuple[str | float, ...]:
    """Return what so many took, at a size."""
    each = took["cpu"] / count * 1e6
    return f"{size:,}", count / took["wall"], each, took["wall"], took["peak"]


def by_concurrency(setting: Setting) -> Result:
    """Make calls, more and more at once; aiohttp alone beside it."""
    calls = setting.pick(1000, 10_000)
    ours: list[tuple[str | float, ...]] = []
    with canned() as url:
        for at_once in AT_ONCE[:: setting.pick(3, 1)]:
            mine = fresh("benchmarks.growth", "calls", url, at_once, calls)
            bare = fresh("benchmarks.growth", "bare", url, at_once, calls)
            beside = calls / bare["wall"], mine["cpu"] / bare["cpu"], bare["peak"]
            ours.append((*row(at_once, calls, mine), *beside))
    head = ("at once", *HEAD, "bare aiohttp", "CPU / bare", "its peak MB")
    title = f"Calls a second by concurrency, {calls:,} calls"
    return Result(tables=[Table(title, head, ours)])


def by_items(setting: Setting) -> Result:
    """Walk longer and longer lists."""
    rows: list[tuple[str | float, ...]] = []
    memory: list[tuple[float, float]] = []
    for items in ITEMS[: setting.pick(2, 4)]:
        with canned(-(-items // PAGE)) as url:
            took = fresh("benchmarks.growth", "walk", url, items)
        rows.append(row(items, items, took))
        memory.append((items, took["peak"]))
    head = ("items", *HEAD)
    return Result(
        tables=[Table("Walks of a list by its length", head, rows)],
        lines={"memory": {"walk of a list": memory}},
    )


def by_rows(setting: Setting) -> Result:
    """Import longer and longer files, as long as it takes no hours."""
    rows: list[tuple[str | float, ...]] = []
    memory: list[tuple[float, float]] = []
    last = 0.0
    for count in ROWS[: setting.pick(1, 4)]:
        if last * 10 > LONGEST:
            rows.append((f"{count:,}", "left out: it would take too long", "", "", ""))
            break
        with TemporaryDirectory() as folder, served(*QUICK) as url:
            file = Path(folder) / "sales.csv"
            write_sales(file, count)
            took = fresh("benchmarks.growth", "import", url, file, count)
        last = took["wall"]
        rows.append(row(count, count, took))
        memory.append((count, took["peak"]))
    head = ("rows", *HEAD)
    return Result(
        tables=[Table("Imports by rows, journal on", head, rows)],
        lines={"memory": {"import of a file": memory}},
    )


def measure(setting: Setting) -> Result:
    """Measure all three."""
    result = by_concurrency(setting)
    items, rows = by_items(setting), by_rows(setting)
    result.add(items)
    result.tables += rows.tables
    result.lines["memory"] |= rows.lines["memory"]
    return result


if __name__ == "__main__":
    main(measure, child)
