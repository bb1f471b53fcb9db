"""What a walk of a long list takes: T14 and T15 in time, T16 in memory.

::

    python benchmarks/lists.py
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from _harness import Figure, canned, ratio, ratios, rounds, show, spread, table

from partnero_async import Partnero

KEY = "benchmark"
PAGE = 250
LATENCY = 0.02
PAGES = 80
LONG = 400
"""Pages of a walk that is measured for its memory: 100,000 items."""
CHILDREN = 5


# --- time --------------------------------------------------------------------------


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


def timed(url: str) -> list[Figure]:
    """Let the ways to walk take turns."""

    def way(**options: float) -> Callable[[], None]:
        def through() -> None:
            assert asyncio.run(walked(url, **options)) == PAGES * PAGE  # type: ignore[arg-type]  # noqa: S101

        return through

    costs = rounds(
        {
            "a page at a time": way(),
            "eight pages at once": way(window=8),
            "the same, busy": way(busy=LATENCY),
            "prefetch, busy": way(busy=LATENCY, prefetch=True),
        }
    )
    show(f"walk of {PAGES} pages, by page", costs, calls=PAGES)
    one, eight, busy, ahead = costs.values()
    print("T14", spread(ratios(eight, one, "wall")))
    print("T15", spread(ratios(ahead, busy, "wall")))
    return [
        Figure(
            "T14",
            "walk at 20 ms latency, eight pages at once / sequential",
            ratio(eight, one, "wall"),
            0.20,
        ),
        Figure(
            "T15",
            "walk at 20 ms, busy for 20 ms a page, prefetch / sequential",
            ratio(ahead, busy, "wall"),
            0.60,
        ),
    ]


# --- memory ------------------------------------------------------------------------


def peak() -> float:
    """Return the peak of this process's memory so far, in MB."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s*(\d+)", status)
    assert found  # noqa: S101
    return int(found[1]) / 1024


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


def memory(url: str, window: int) -> float:
    """Walk in processes of their own; return the median of their growth."""
    command = [sys.executable, __file__, "grown", url, str(window)]
    found = [
        float(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
        for _ in range(CHILDREN)
    ]
    print(f"T16 {window} at once: {min(found):.1f} to {max(found):.1f} MB")
    return median(found)


def measured(url: str) -> list[Figure]:
    """Measure what a walk takes of memory, a page at a time and eight at once."""
    what = f"walk of {LONG * PAGE} items, growth of the peak in MB"
    return [
        Figure("T16", f"{what}: sequential", memory(url, 1), 6.0),
        Figure("T16", f"{what}: eight at once", memory(url, 8), 12.0),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["grown"]:
        print(asyncio.run(grown(sys.argv[2], int(sys.argv[3]))))
    else:
        with canned(PAGES, delay=LATENCY) as slow:
            times = timed(slow)
        with canned(LONG) as long:
            table([*times, *measured(long)])
