"""M1 and M3: sales whose answers are lost, however they are, are not paid twice."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import attrs

from partnero_async import Partnero
from tests.awaited import AwaitedClient
from tests.bench.faults import FAULTS
from tests.bench.figures import Figure
from tests.bench.history import Told, check
from tests.bench.operations import Well, subject
from tests.bench.server import Act, Exchange, Seen, Server, written
from tests.test_examples import Calm

AMBIGUOUS: Final = {"small": 600, "full": 5_000}
LATE: Final = {"small": 60, "full": 500}
AT_ONCE: Final = 32

DOUBTFUL: Final[tuple[Act, ...]] = tuple(
    fault.act
    for fault in FAULTS
    if fault.act is not None
    and fault.name not in ("bomb", "32-mb")  # slow, and no other than the rest
    and fault.came in ("lost", "failed", "redirected", "broken", "garbled")
)
"""Faults that leave a write in doubt."""


@attrs.define(kw_only=True)
class Till(Server):
    """Records sales, and loses most of its answers."""

    rng: random.Random
    latest: float | None = None
    """Seconds after its request up to which a sale may be recorded; None: at once."""
    effects_of: Counter[str] = attrs.field(factory=Counter[str])
    sold: dict[str, Any] = attrs.field(factory=dict[str, Any])

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        if seen.method == "POST":
            return await self._sell(json.loads(seen.body), writer)
        asked = parse_qs(urlsplit(seen.target).query)
        (key,) = asked["key"]
        there = [self.sold[key]] * self.effects_of[key]
        body = {"data": there, "links": {"next": None}, "status": 1}
        return await self._reply(Well(200, json.dumps(body).encode()), writer, 0.1)

    async def _sell(self, sale: Any, writer: asyncio.StreamWriter) -> bool:
        key = sale["key"]
        self.sold[key] = {
            **subject("transactions.create").well["data"],
            **sale,
            "customer": sale["customer"]["key"],
            "created_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "rewards": [],
        }
        applies = self.latest is not None or self.rng.random() < 0.6
        if applies and self.latest is None:
            self.effects_of[key] += 1
        elif applies and self.latest:
            when = self.rng.uniform(0, self.latest)
            self._tasks.add(asyncio.create_task(self._sell_late(key, when)))
        body = {"data": self.sold[key], "status": 1}
        well = Well(200, json.dumps(body).encode())
        # What is not recorded is never said to be: that answer is always lost.
        lies = self.latest is not None or not applies
        return await self._reply(well, writer, 1.0 if lies else 0.8, lies=lies)

    async def _sell_late(self, key: str, when: float) -> None:
        await asyncio.sleep(when)
        self.effects_of[key] += 1

    async def _reply(
        self,
        well: Well,
        writer: asyncio.StreamWriter,
        odds: float,
        *,
        lies: bool = False,
    ) -> bool:
        exchange = Exchange(writer, written(well), well.body)
        if self.rng.random() >= odds:
            await exchange.send(exchange.good)
            return True
        return await self.rng.choice(UNSAID if lies else DOUBTFUL)(exchange)


UNSAID: Final[tuple[Act, ...]] = tuple(
    fault.act
    for fault in FAULTS
    if fault.act in DOUBTFUL and fault.came in ("lost", "failed", "redirected")
)
"""Faults that say nothing of a success."""


async def _sold(client: Partnero, key: str) -> Told:
    try:
        sale = await client.transactions.create(
            key=key, amount=10, customer={"key": "c1"}
        )
    except BaseException as error:  # noqa: BLE001 - it is looked at in `history`
        return Told(key, error)
    return Told(key, returned=sale.key)


async def told(count: int, seed: int, *, latest: float | None) -> list[str]:
    """Sell *count* things, with both clients; return what is wrong."""
    rng = random.Random(seed)
    till = Till(subject("transactions.create"), rng=rng, latest=latest)
    slots = asyncio.Semaphore(AT_ONCE)
    async with till.running():
        clients = [kind(uuid4().hex, base_url=till.url, settle=0.02) for kind in KINDS]

        async def sell(number: int) -> Told:
            async with slots:
                return await _sold(clients[number % 4 == 0], f"sale-{number}")

        for client in clients:
            client._transport.line.rng = Calm()
            client._transport.line.budget.cost = 0  # nothing is saved on repeats
        history = await asyncio.gather(*map(sell, range(count)))
        await asyncio.sleep(2 * (latest or 0))
        for client in clients:
            await client.aclose()
    doubted = sum(told.error is not None for told in history)
    blind = [] if 0 < doubted < count else [f"{doubted} of {count} raised: no test"]
    return blind + check(history, till.effects_of)


KINDS: Final[tuple[Any, Any]] = (Partnero, AwaitedClient)


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure M1 and M3."""
    size = "full" if full else "small"
    many, late = AMBIGUOUS[size], LATE[size]
    return [
        _figure("M1", many, "POSTs", asyncio.run(told(many, seed, latest=None))),
        _figure("M3", late, "late arrivals", asyncio.run(told(late, seed, latest=0.2))),
    ]


def _figure(name: str, count: int, what: str, wrong: list[str]) -> Figure:
    return Figure(
        name,
        f"{count} ambiguous {what}: one effect a key, and what is said is so",
        f"{len(wrong)} wrong",
        "0 wrong",
        not wrong,
        wrong,
    )
