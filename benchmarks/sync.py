"""What it takes not to await: T5, T6 and T12, beside requests and `partnero` 0.4.0.

::

    python -m benchmarks.sync [--quick] [--seed N]
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, Literal

import requests

import partnero_sync

from . import _peers as peers
from ._figures import Figure, Result
from ._harness import Costs, Setting, costs_table, main, ratios, rounds
from ._peers import Get, repeat, repeated
from ._server import KEY, PAGE, canned
from .lists import LONG, walk

BARE = "bare aiohttp"
OURS = "partnero_sync"
THEIRS = "partnero 0.4.0"
CLOCKS: Final[dict[Literal["cpu", "wall"], str]] = {"cpu": "CPU", "wall": "wall"}


def gets(url: str, setting: Setting) -> Result:
    """Get one partner, again and again."""
    calls = setting.pick(500, 1000)
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(peers.bare_session())
    bare = peers.bare(session, url)
    with partnero_sync.Partnero(KEY, base_url=url) as ours, requests.Session() as web:
        clients: dict[str, Get] = {
            OURS: lambda: ours.partners.get("p0"),
            "requests": peers.requests_sync(web, url),
            THEIRS: peers.partnero_sync(peers.partnero_api(url)),
        }
        costs = rounds(
            {
                BARE: lambda: loop.run_until_complete(repeated(bare, calls)),
                **{name: partial(repeat, get, calls) for name, get in clients.items()},
            },
            setting,
        )
    loop.run_until_complete(session.close())
    loop.close()
    return Result(
        [
            Figure.of(
                "T5",
                "sync get with model, CPU / partnero 0.4.0",
                ratios(costs[OURS], costs[THEIRS], "cpu"),
                target=0.60,
                stretch=0.50,
            ),
            Figure.of(
                "T6",
                "sync get, wall / bare aiohttp",
                ratios(costs[OURS], costs[BARE], "wall"),
                target=1.8,
                stretch=1.65,
            ),
        ],
        [costs_table("One get after another, a call", costs, calls=calls, beside=BARE)],
    )


def walks(url: str, setting: Setting) -> Result:
    """Walk a long list item by item: awaited, and not awaited."""
    count = setting.pick(LONG // 4, LONG) * PAGE
    ours = partnero_sync.Partnero(KEY, base_url=url)

    def awaited() -> None:
        assert asyncio.run(walk(url)) == count  # noqa: S101

    def blocking() -> None:
        assert sum(1 for _ in ours.partners.list(limit=PAGE)) == count  # noqa: S101

    found: Costs = rounds(
        {"partnero_async": awaited, OURS: blocking}, setting, count=setting.pick(3, 7)
    )
    ours.close()
    other, sync = found.values()
    what = f"walk of {count:,} items"
    return Result(
        [
            Figure.of(
                "T12",
                f"{what}, sync / async, {kind}",
                ratios(sync, other, clock),
                target=1.15,
                stretch=1.08,
            )
            for clock, kind in CLOCKS.items()
        ],
        [costs_table(f"{what}, an item", found, calls=count, beside="partnero_async")],
    )


def measure(setting: Setting) -> Result:
    """Measure calls and walks."""
    result = Result()
    with canned(setting.pick(LONG // 4, LONG)) as url:
        result.add(gets(url, setting))
        result.add(walks(url, setting))
    return result


if __name__ == "__main__":
    main(measure)
