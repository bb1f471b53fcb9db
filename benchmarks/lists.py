"""What a walk of a long list takes: T11, T14 and T15 in time, T16 in memory.

::

    python -m benchmarks.lists [--quick] [--seed N]
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from statistics import median

from partnero_async import Partnero

from . import _peers as peers
from ._figures import Figure, Result, Table
from ._harness import Setting, costs_table, fresh, main, peak, ratios, rounds
from ._server import KEY, PAGE, canned

LATENCY = 0.02
WINDOWS = (1, 2, 4, 8, 16)
LONG = 400
"""Pages of a long list: 100,000 items."""


async def walk(url: str) -> int:
    """Walk the list item by item; return how many there are."""
    async with Partnero(KEY, base_url=url) as client:
        return len([1 async for _ in client.partners.list(limit=PAGE)])


# --- CPU -----------------------------------------------------------------------------


def items(url: str, setting: Setting) -> Result:
    """Walk a long list item by item, and with `partnero`."""
    pages = setting.pick(LONG // 4, LONG)
    count = pages * PAGE
    theirs = peers.partnero_api(url)

    def awaited() -> None:
        assert asyncio.run(walk(url)) == count  # noqa: S101

    def untyped() -> None:
        found, number = 0, 1
        while page := theirs.list_partners(limit=PAGE, page=number)["data"]:
            found += sum(1 for _ in page)
            number += 1
        assert found == count  # noqa: S101

    found = rounds(
        {"partnero_async": awaited, "partnero 0.4.0": untyped},
        setting,
        count=setting.pick(3, 7),
    )
    us, other = found.values()
    what = f"walk of {count:,} items"
    return Result(
        [
            Figure.of(
                "T11",
                f"{what} as models, CPU / partnero's untyped dicts",
                ratios(us, other, "cpu"),
                target=1.25,
                stretch=1.0,
            ),
        ],
        [costs_table(f"{what}, an item", found, calls=count, beside="partnero 0.4.0")],
    )


# --- latency -------------------------------------------------------------------------


async def walked(
    url: str, *, window: int = 1, prefetch: bool = False, busy: float = 0.0
) -> int:
    """Walk the list; be *busy* for so many seconds with each page."""
    count = 0
    async with Partnero(KEY, base_url=url) as client:
        listed = client.partners.list(limit=PAGE)
        async for page in listed.pages(window=window, prefetch=prefetch):
            count += len(page.items)
            if busy:
                time.sleep(busy)  # noqa: ASYNC251 - a consumer that computes
    return count


def latency(url: str, pages: int, setting: Setting) -> Result:
    """Let the ways to walk take turns, where each answer takes a while."""

    def way(**options: float) -> Callable[[], None]:
        def through() -> None:
            assert asyncio.run(walked(url, **options)) == pages * PAGE  # type: ignore[arg-type]  # noqa: S101

        return through

    windows: dict[str, Callable[[], object]] = {
        f"{window} at once": way(window=window) for window in WINDOWS
    }
    busy: dict[str, Callable[[], object]] = {
        "busy": way(busy=LATENCY),
        "busy, prefetch": way(busy=LATENCY, prefetch=True),
    }
    found = rounds({**windows, **busy}, setting, count=setting.pick(3, 7))
    one = found["1 at once"]
    result = Result(
        [
            Figure.of(
                "T14",
                "walk at 20 ms latency, eight pages at once / sequential",
                ratios(found["8 at once"], one, "wall"),
                target=0.20,
                stretch=0.13,
            ),
            Figure.of(
                "T15",
                "walk at 20 ms, busy for 20 ms a page, prefetch / sequential",
                ratios(found["busy, prefetch"], found["busy"], "wall"),
                target=0.60,
                stretch=0.52,
            ),
        ],
        [
            costs_table(
                f"Walk of {pages} pages at 20 ms latency, a page",
                found,
                calls=pages,
                beside="1 at once",
            )
        ],
    )
    result.lines["window"] = {
        "seconds for 100 pages": [
            (window, median(c.wall for c in found[name]) / pages * 100)
            for window, name in zip(WINDOWS, windows, strict=True)
        ]
    }
    return result


# --- memory --------------------------------------------------------------------------


async def grown(url: str, window: int) -> float:
    """Walk the list; return how much more memory that took than its first pages."""
    async with Partnero(KEY, base_url=url) as client:
        listed = client.partners.list(limit=PAGE)
        async for page in listed.pages():
            if page.number == 2:
                break
        before, count = peak(), 0
        async for _ in listed.items(window=window):
            count += 1
    assert count == LONG * PAGE  # noqa: S101
    return peak() - before


def child(url: str, window: str) -> float:
    """Walk in this process, which is fresh."""
    return asyncio.run(grown(url, int(window)))


def memory(url: str, setting: Setting) -> Result:
    """Measure what a walk takes of memory, a page at a time and eight at once."""
    count = setting.pick(2, 7)
    what = f"walk of {LONG * PAGE:,} items, growth of the peak in MB"
    taken = {
        window: [fresh("benchmarks.lists", url, window) for _ in range(count)]
        for window in (1, 8)
    }
    return Result(
        [
            Figure.of("T16", f"{what}: sequential", taken[1], target=6.0),
            Figure.of("T16", f"{what}: eight at once", taken[8], target=12.0),
        ],
        [
            Table(
                "Growth of the peak memory of a walk, MB",
                ("pages at once", "least", "median", "most"),
                [(str(w), min(f), median(f), max(f)) for w, f in taken.items()],
            )
        ],
    )


def measure(setting: Setting) -> Result:
    """Measure walks in all these ways."""
    result = Result()
    with canned(setting.pick(LONG // 4, LONG)) as url:
        result.add(items(url, setting))
    pages = setting.pick(32, 80)
    with canned(pages, delay=LATENCY) as url:
        result.add(latency(url, pages, setting))
    with canned(LONG) as url:
        result.add(memory(url, setting))
    return result


if __name__ == "__main__":
    main(measure, child)
