"""R5, T20, T21 and T22: how much of an allowed rate is used, and how much is refused.

On virtual time with many seeds, by the simulation of `tests.test_pacing`; and once on
real sockets, before the sandbox, whose rule is the oracle: it counts what it allowed.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import Any, Final

import attrs

from partnero_async import Partnero
from partnero_async.pacing import Rate
from partnero_async.sandbox import Sandbox, fixed_window, token_bucket
from partnero_async.sandbox.limits import RateLimit, Verdict
from tests.awaited import AwaitedClient
from tests.bench.figures import Figure
from tests.test_pacing import FixedWindow, Outcome, Server, TokenBucket, import_rows

SEEDS: Final = {"small": 3, "full": 50}
REQUESTS: Final = 600
TASKS: Final = 64
LIMIT: Final = 50
WASTE: Final = 0.05
SLOWER: Final = 1.25


@attrs.define
class Counting:
    """A rule of the sandbox, and what it said."""

    rule: RateLimit
    said: list[bool] = attrs.field(factory=list[bool])

    def check(self, now: float) -> Verdict:
        """Count a request, and what is said to it."""
        verdict = self.rule.check(now)
        self.said.append(verdict.allowed)
        return verdict


async def on_sockets(
    rule: RateLimit, requests: int, tasks: int, *, rate: str | None = None
) -> Outcome:
    """Send requests from many tasks of two clients, one of each kind."""
    counting = Counting(rule)
    kinds: tuple[Any, Any] = (Partnero, AwaitedClient)
    async with Sandbox(rate_limit=counting) as sandbox:
        key, url = sandbox.api_key, sandbox.url
        clients = [
            kind(key, base_url=url, timeout=120, rate_limit=rate) for kind in kinds
        ]
        todo = iter(range(requests))

        async def work(client: Partnero) -> None:
            for _ in todo:
                await client.account.test()

        began = time.monotonic()
        await asyncio.gather(*(work(clients[n % 2]) for n in range(tasks)))
        wall = time.monotonic() - began
        for client in clients:
            await client.aclose()
    return Outcome(wall, len(counting.said), counting.said.count(False))


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


def imported(
    server: Server,
    requests: int,
    tasks: int,
    seed: int,
    rate: Rate | None = None,
) -> Outcome:
    """Simulate an import, which prints its seed, without a word."""
    with redirect_stdout(StringIO()):
        return import_rows(server, requests, tasks, seed, rate)


def _simulated(seeds: range) -> list[Figure]:
    bucket = TokenBucket(10, 20, told=True)
    told = partial(imported, requests=REQUESTS, tasks=50)
    rate, many = Rate(50, 1), 9_000
    keeping: Callable[[int], Outcome] = lambda seed: imported(  # noqa: E731
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


def _real() -> list[Figure]:
    bucket = TokenBucket(10, 20, told=True).ideal(REQUESTS)
    many = 1_500
    t20 = on_sockets(token_bucket(10, 20), REQUESTS, 50)
    window = fixed_window(LIMIT, 1, headers=False)
    t21 = on_sockets(window, many, 50, rate=f"{LIMIT}/s")
    t22 = on_sockets(token_bucket(10, 20, headers=False), REQUESTS, 50)
    return [
        used(
            name,
            f"{what}, real sockets",
            [(ideal, asyncio.run(measuring))],
            least=least,
            most=most,
        )
        for name, what, ideal, measuring, least, most in (
            ("T20", "headers", bucket, t20, 0.95, 0.02),
            ("T21", "told by the user", (many - LIMIT) / LIMIT, t21, 0.95, 0.0),
            ("T22", "unknown", bucket, t22, 0.85, 0.15),
        )
    ]


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure R5, on virtual time and on real sockets, and T20 to T22."""
    count = SEEDS["full" if full else "small"]
    seeds = range(seed, seed + count)
    figures = list[Figure]()
    for told in (True, False):
        virtual = [imported(_window(told), REQUESTS, TASKS, number) for number in seeds]
        figures.append(wasteful(virtual, f"{count} seeds", told=told))
        rule = fixed_window(LIMIT, 1, headers=told)
        real = asyncio.run(on_sockets(rule, REQUESTS, TASKS))
        # The suite times nothing: how long it took counts in the whole bench alone.
        slower = SLOWER if full else math.inf
        figures.append(wasteful([real], "real sockets", told=told, slower=slower))
    simulated = _simulated(range(seed, seed + min(count, 10)))
    # These take minutes of real time, so they are for the whole bench alone.
    return figures + simulated + (_real() if full else [])
