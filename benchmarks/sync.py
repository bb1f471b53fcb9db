"""What a synchronous call costs: T5, T6 and T12, beside requests and partnero 0.4.0.

::

    python benchmarks/sync.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import requests
from _harness import Figure, canned, ratio, rounds, show, table
from partnero.authentication import Authentication
from partnero.partner_api import PartnerAPI

import partnero_async
import partnero_sync

CALLS = 1000
PAGES = 400
ITEMS = PAGES * 250
KEY = "benchmark"


def calls(url: str) -> list[Figure]:
    """Get one partner, again and again."""
    loop = asyncio.new_event_loop()
    decode = msgspec.json.decode
    headers = {"Authorization": f"Bearer {KEY}"}
    session = loop.run_until_complete(_session(headers))
    peer = requests.Session()
    peer.headers.update(headers)
    Authentication.configure(api_key=KEY)
    theirs = PartnerAPI(base_url=f"{url}/")
    ours = partnero_sync.Partnero(KEY, base_url=url)
    inner = partnero_async.Partnero(KEY, base_url=url)

    async def bare() -> object:
        async with session.get(f"{url}/partners/p0") as answer:
            return decode(await answer.read())

    costs = rounds(
        {
            "bare aiohttp": lambda: loop.run_until_complete(awaited(bare)),
            "partnero_async": lambda: loop.run_until_complete(
                awaited(lambda: inner.partners.get("p0"))
            ),
            "partnero_sync": lambda: repeat(lambda: ours.partners.get("p0")),
            "requests": lambda: repeat(
                lambda: peer.get(f"{url}/partners/p0", timeout=60).json()
            ),
            "partnero 0.4.0": lambda: repeat(
                lambda: theirs.get_partner(partner_id="p0")
            ),
        }
    )
    loop.run_until_complete(session.close())
    loop.run_until_complete(inner.aclose())
    loop.close()
    ours.close()
    show("one get", costs, calls=CALLS)
    sync = costs["partnero_sync"]
    return [
        Figure(
            "T5",
            "sync get with model, CPU / partnero 0.4.0",
            ratio(sync, costs["partnero 0.4.0"], "cpu"),
            0.60,
        ),
        Figure(
            "T6",
            "sync get, wall / bare aiohttp",
            ratio(sync, costs["bare aiohttp"], "wall"),
            1.8,
        ),
    ]


def repeat(call: Callable[[], object]) -> None:
    """Make the calls of a round."""
    for _ in range(CALLS):
        call()


async def awaited(call: Callable[[], Awaitable[object]]) -> None:
    """Make the calls of a round."""
    for _ in range(CALLS):
        await call()


async def _session(headers: dict[str, str]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar())


def walks(url: str) -> list[Figure]:
    """Walk a long list, item by item."""
    ours = partnero_sync.Partnero(KEY, base_url=url)

    async def walked() -> int:
        async with partnero_async.Partnero(KEY, base_url=url) as client:
            return len([1 async for _ in client.partners.list(limit=250)])

    def through() -> None:
        assert asyncio.run(walked()) == ITEMS  # noqa: S101

    def blocking() -> None:
        assert sum(1 for _ in ours.partners.list(limit=250)) == ITEMS  # noqa: S101

    costs = rounds({"partnero_async": through, "partnero_sync": blocking})
    ours.close()
    show(f"walk of {ITEMS} items, by item", costs, calls=ITEMS)
    sync, other = costs["partnero_sync"], costs["partnero_async"]
    what = f"walk of {ITEMS} items, sync / async"
    return [
        Figure("T12", f"{what}, CPU", ratio(sync, other, "cpu"), 1.15),
        Figure("T12", f"{what}, wall", ratio(sync, other, "wall"), 1.15),
    ]


if __name__ == "__main__":
    with canned(PAGES) as url:
        table([*calls(url), *walks(url)])
