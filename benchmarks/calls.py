"""What a call costs: T1 to T4, beside other clients.

httpx is measured as it comes, which is what T4 is about, and with as many connections
kept as calls are under way. T1 and T2 are small differences: there the two take turns
by themselves, in many short rounds, so that what disturbs the one disturbs the other.

::

    python -m benchmarks.calls [--quick] [--seed N]
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import requests
import urllib3

import partnero_async
import partnero_sync

from . import _peers as peers
from ._figures import Figure, Result
from ._harness import Costs, Setting, costs_table, main, ratios, rounds
from ._peers import AT_ONCE, AsyncGet, Get, repeat, repeated
from ._server import KEY, canned

BARE = "bare aiohttp"
OURS = "partnero_async"


async def at_once(get: AsyncGet, calls: int) -> None:
    """Make calls, many at once."""
    await asyncio.gather(*(repeated(get, calls // AT_ONCE) for _ in range(AT_ONCE)))


def in_threads(get: Get, calls: int) -> None:
    """Make calls from many threads."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [
            pool.submit(repeat, get, calls // AT_ONCE) for _ in range(AT_ONCE)
        ]:
            done.result()


def _wait(
    loop: asyncio.AbstractEventLoop,
    many: Callable[[AsyncGet, int], Coroutine[object, object, None]],
    get: AsyncGet,
    calls: int,
) -> None:
    loop.run_until_complete(many(get, calls))


def measure(setting: Setting) -> Result:
    """Get one partner, again and again, with each client."""
    with canned() as url:
        (one, near_one), (many, near_many) = taken(url, setting)
    calls = setting.pick(500, 1000)
    result = Result(
        tables=[
            costs_table("One get after another, a call", one, calls=calls, beside=BARE),
            costs_table(
                f"{AT_ONCE} gets at once, a call", many, calls=calls, beside=BARE
            ),
        ]
    )
    rate = ratios(many["httpx, async"], many[OURS], "wall")
    threads = ratios(many["partnero 0.4.0"], many[OURS], "wall")
    result.figures += [
        Figure.of(
            "T1",
            "async get with model, CPU / bare aiohttp, sequential",
            ratios(near_one[OURS], near_one[BARE], "cpu"),
            target=1.35,
            stretch=1.20,
        ),
        Figure.of(
            "T2",
            "the same, 50 at once",
            ratios(near_many[OURS], near_many[BARE], "cpu"),
            target=1.35,
            stretch=1.20,
        ),
        Figure.of(
            "T3",
            "async get, CPU / httpx async, sequential",
            ratios(one[OURS], one["httpx, async"], "cpu"),
            target=0.40,
            stretch=0.30,
        ),
        Figure.of(
            "T4",
            "50 at once, calls a second / httpx async as it comes",
            rate,
            target=10.0,
            at_least=True,
        ),
        Figure.of(
            "T4",
            "50 at once, calls a second / partnero 0.4.0 in 50 threads",
            threads,
            target=4.0,
            stretch=5.0,
            at_least=True,
        ),
    ]
    result.lines["calls"] = {
        name: [
            (0, min(c.cpu for c in one[name]) / calls * 1e6),
            (1, min(c.cpu for c in many[name]) / calls * 1e6),
        ]
        for name in one
        if name in many
    }
    return result


def taken(url: str, setting: Setting) -> list[tuple[Costs, Costs]]:
    """Let all clients take turns, sequentially and at once, and then just two."""
    calls = setting.pick(500, 1000)
    loop = asyncio.new_event_loop()
    wait = loop.run_until_complete
    floor = peers.Floor(url)
    session = wait(peers.bare_session())
    ours = partnero_async.Partnero(KEY, base_url=url)
    plain = httpx.AsyncClient(headers=peers.HEADERS)
    tuned = httpx.AsyncClient(headers=peers.HEADERS, limits=peers.pools())
    asynchronous: dict[str, AsyncGet] = {
        "socket floor": floor.get,
        BARE: peers.bare(session, url),
        OURS: lambda: ours.partners.get("p0"),
        "httpx, async": peers.httpx_async(plain, url),
        "httpx, async, tuned": peers.httpx_async(tuned, url),
    }
    with (
        partnero_sync.Partnero(KEY, base_url=url) as mine,
        httpx.Client(headers=peers.HEADERS, limits=peers.pools()) as client,
        requests.Session() as web,
        urllib3.PoolManager(maxsize=AT_ONCE, headers=peers.HEADERS) as pool,
    ):
        synchronous: dict[str, Get] = {
            "partnero_sync": lambda: mine.partners.get("p0"),
            "urllib3": peers.urllib3_sync(pool, url),
            "httpx": peers.httpx_sync(client, url),
            "requests": peers.requests_sync(web, url),
            "partnero 0.4.0": peers.partnero_sync(peers.partnero_api(url)),
        }
        found: list[tuple[Costs, Costs]] = []
        for awaited, blocking in ((repeated, repeat), (at_once, in_threads)):
            all_of_them = rounds(
                {
                    **{
                        name: partial(_wait, loop, awaited, get, calls)
                        for name, get in asynchronous.items()
                    },
                    **{
                        name: partial(blocking, get, calls)
                        for name, get in synchronous.items()
                    },
                },
                setting,
            )
            two = rounds(
                {
                    name: partial(_wait, loop, awaited, asynchronous[name], 500)
                    for name in (BARE, OURS)
                },
                setting,
                count=setting.pick(15, 75),
            )
            found.append((all_of_them, two))
    wait(plain.aclose())
    wait(tuned.aclose())
    wait(ours.aclose())
    wait(session.close())
    floor.close()
    loop.close()
    return found


if __name__ == "__main__":
    main(measure)
