"""R5, T20, T21 and T22: how much of an allowed rate is used, and how much is refused.

On virtual time with many seeds, by the simulation of `tests.test_pacing`; and once on
real sockets, where a raw server counts requests in windows of one second.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

import attrs

from partnero_async import Partnero
from partnero_async.pacing import Rate
from tests.awaited import AwaitedClient
from tests.bench.figures import Figure
from tests.bench.operations import subject
from tests.bench.server import Seen, Server
from tests.test_pacing import FixedWindow, Outcome, TokenBucket, import_rows

SEEDS: Final = {"small": 3, "full": 50}
REQUESTS: Final = 600
TASKS: Final = 64
LIMIT: Final = 50
WASTE: Final = 0.05
SLOWER: Final = 1.25


@attrs.define
class Limited(Server):
    """Allows 50 requests in a window of a second, which opens at the first of them."""

    told: bool = True
    _end: float = -math.inf
    _used: int = 0
    first: float | None = None
    answers: list[int] = attrs.field(factory=list[int])

    async def _answer(self, _: Seen, writer: asyncio.StreamWriter) -> bool:
        now = time.monotonic()
        self.first = self.first or now
        if now >= self._end:
            self._end, self._used = now + 1, 0
        allowed = self._used < LIMIT
        self._used += allowed
        self.answers.append(200 if allowed else 429)
        left = LIMIT - self._used
        told = f"X-RateLimit-Limit: {LIMIT}\r\nX-RateLimit-Remaining: {left}\r\n"
        if not allowed:
            told += f"Retry-After: {math.ceil(self._end - now)}\r\n"
        body = b'{"data": {}, "status": 1}'
        head = f"HTTP/1.1 {self.answers[-1]} X\r\n{told if self.told else ''}"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(f"{head}{kind}".encode() + body)
        await writer.drain()
        return True


async def on_sockets(*, told: bool) -> Outcome:
    """Send the requests from many tasks of two clients, one of each kind."""
    server, key = Limited(subject("account.test"), told=told), uuid4().hex
    kinds: tuple[Any, Any] = (Partnero, AwaitedClient)
    async with server.running():
        clients = [kind(key, base_url=server.url, timeout=120) for kind in kinds]
        todo = iter(range(REQUESTS))

        async def work(client: Partnero) -> None:
            for _ in todo:
                await client.account.test()

        began = time.monotonic()
        await asyncio.gather(*(work(clients[n % 2]) for n in range(TASKS)))
        wall = time.monotonic() - began
        for client in clients:
            await client.aclose()
    return Outcome(wall, len(server.answers), server.answers.count(429))


def _window(told: bool) -> FixedWindow:
    return FixedWindow(LIMIT, 1, told=told)


def wasteful(
    outcomes: list[Outcome], where: str, *, told: bool, slower: float = SLOWER
) -> Figure:
    """Return R5's row for some runs: the worst of them counts."""
    ideal = _window(told).ideal(REQUESTS)
    waste = max(outcome.wasted for outcome in outcomes)
    slow = max(outcome.wall / ideal for outcome in outcomes)
    return Figure(
        "R5",
        f"600 requests, 64 tasks, 50/s, {'headers' if told else 'no headers'}, {where}",
        f"{waste:.3f} a success; {slow:.2f}",
        f"{WASTE} a success; {slower} x ideal",
        waste <= WASTE and slow <= slower,
    )


def used(
    name: str,
    what: str,
    runs: list[tuple[float, Outcome]],
    *,
    least: float,
    most: float,
) -> Figure:
    """Return a row of T20 to T22: the worst share used, and the worst share refused."""
    share = min(ideal / outcome.wall for ideal, outcome in runs)
    refused = max(outcome.refused_share for _, outcome in runs)
    return Figure(
        name,
        f"{what}: share used, share refused (worst of {len(runs)})",
        f"{share:.3f}; {refused:.1%}",
        f"{least}; {most:.0%}",
        share >= least and refused <= most,
    )


def _simulated(seeds: range) -> list[Figure]:
    bucket = TokenBucket(10, 20, told=True)
    told = partial(import_rows, requests=REQUESTS, tasks=50)
    rate, many = Rate(50, 1), 9_000
    keeping: Callable[[int], Outcome] = lambda seed: import_rows(  # noqa: E731
        _window(told=False), many, 50, seed, rate
    )
    return [
        used(
            "T20",
            "headers, token bucket",
            [
                (bucket.ideal(REQUESTS) + 0.1, told(attrs.evolve(bucket), seed=seed))
                for seed in seeds
            ],
            least=0.95,
            most=0.02,
        ),
        used(
            "T21",
            "told by the user",
            [((many - rate.limit) / 50, keeping(seed)) for seed in seeds],
            least=0.95,
            most=0.0,
        ),
        used(
            "T22",
            "unknown, no headers, token bucket",
            [
                (
                    bucket.ideal(REQUESTS),
                    told(TokenBucket(10, 20, told=False), seed=seed),
                )
                for seed in seeds
            ],
            least=0.85,
            most=0.15,
        ),
    ]


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure R5, on virtual time and on real sockets, and T20 to T22."""
    count = SEEDS["full" if full else "small"]
    seeds = range(seed, seed + count)
    figures = list[Figure]()
    for told in (True, False):
        virtual = [
            import_rows(_window(told), REQUESTS, TASKS, number) for number in seeds
        ]
        figures.append(wasteful(virtual, f"{count} seeds", told=told))
        real = asyncio.run(on_sockets(told=told))
        # The suite times nothing: how long it took counts in the whole bench alone.
        slower = SLOWER if full else math.inf
        figures.append(wasteful([real], "real sockets", told=told, slower=slower))
    return figures + _simulated(range(seed, seed + min(count, 10)))
