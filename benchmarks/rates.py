"""How much of an allowed rate is used, and how much is refused: T20 to T22.

::

    python -m benchmarks.rates [--quick] [--seed N]

On virtual time, by the simulation of the tests, with several seeds; and unless quick
on real sockets before the sandbox, whose rule counts what it allowed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import attrs

from partnero_async.pacing import Rate
from partnero_async.sandbox import fixed_window, token_bucket
from tests.bench.pace import imported, on_sockets
from tests.clock import run_virtual
from tests.test_pacing import FixedWindow, Headers, Outcome, Server, TokenBucket

from ._figures import Figure, Points, Result
from ._harness import Setting, main

REQUESTS = 600
TASKS = 50
MANY = 9_000
BUCKET = TokenBucket(10, 20, told=True)
UNTOLD = TokenBucket(10, 20, told=False)
WINDOW = FixedWindow(50, 1, told=False)
RATE = Rate(50, 1)
REAL_ROUNDS = 3
"""Runs on real sockets: of one alone, nobody would know how much is noise."""
FIRST = 0.1
"""Seconds until a first answer can be there: no client uses these."""


@dataclass(frozen=True)
class Limit:
    """A limit, what of it is known, and what has to be reached."""

    id: str
    what: str
    server: FixedWindow | TokenBucket
    requests: int
    ideal: float
    used: float
    refused: float
    rate: Rate | None = None
    more: tuple[float | None, float | None] = (None, None)
    """The stretch of both."""


LIMITS = (
    Limit(
        "T20",
        "headers present",
        BUCKET,
        REQUESTS,
        BUCKET.ideal(REQUESTS) + FIRST,
        0.95,
        0.02,
        more=(0.99, 0.01),
    ),
    Limit(
        "T21",
        "limit told by the user",
        WINDOW,
        MANY,
        (MANY - RATE.limit) / RATE.per_second,
        0.95,
        0.0,
        RATE,
    ),
    Limit(
        "T22",
        "limit unknown, no headers",
        UNTOLD,
        REQUESTS,
        UNTOLD.ideal(REQUESTS),
        0.85,
        0.15,
    ),
)


def figures(limit: Limit, where: str, runs: list[tuple[float, Outcome]]) -> Result:
    """Return both rows of a limit: for each run its ideal time, and what it came to."""
    return Result(
        [
            Figure.of(
                limit.id,
                f"{limit.what}, {where}: share of the allowed rate used",
                [ideal / outcome.wall for ideal, outcome in runs],
                target=limit.used,
                stretch=limit.more[0],
                at_least=True,
            ),
            Figure.of(
                limit.id,
                f"{limit.what}, {where}: share of 429s",
                [outcome.refused_share for _, outcome in runs],
                target=limit.refused,
                stretch=limit.more[1],
            ),
        ]
    )


def simulated(limit: Limit, setting: Setting) -> Result:
    """Run it on virtual time, with as many seeds as rounds."""
    runs = [
        (
            limit.ideal,
            imported(
                attrs.evolve(limit.server),
                limit.requests,
                TASKS,
                setting.seed + number,
                limit.rate,
            ),
        )
        for number in range(setting.rounds)
    ]
    return figures(limit, "virtual time", runs)


# --- real sockets --------------------------------------------------------------------


async def on_real_sockets() -> Result:
    """Run all three at once, since they mostly wait; one round after the other."""
    many = 1_500
    outcomes = [
        await asyncio.gather(
            on_sockets(token_bucket(10, 20), REQUESTS, TASKS),
            on_sockets(fixed_window(50, 1, headers=False), many, TASKS, rate="50/s"),
            on_sockets(token_bucket(10, 20, headers=False), REQUESTS, TASKS),
        )
        for _ in range(REAL_ROUNDS)
    ]
    ideal = BUCKET.ideal(REQUESTS)
    told = (many - RATE.limit) / RATE.per_second
    result = Result()
    for limit, best, found in zip(
        LIMITS, (ideal, told, ideal), zip(*outcomes, strict=True), strict=True
    ):
        runs = [(best, outcome) for outcome in found]
        result.add(figures(limit, "real sockets", runs))
    return result


# --- over time -----------------------------------------------------------------------


@dataclass
class Noting:
    """A server that notes when it allowed something."""

    server: Server
    allowed: list[float] = field(default_factory=list[float])

    def hit(self, now: float) -> tuple[int, Headers]:
        """Pass the request on."""
        status, headers = self.server.hit(now)
        if status == 200:
            self.allowed.append(now)
        return status, headers

    def used(self, rate: float, burst: int) -> Points:
        """Return, by second, what share was used of all that was allowed so far."""
        last = int(max(self.allowed))
        return [
            (second, sum(at < second for at in self.allowed) / (burst + rate * second))
            for second in range(1, last + 1)
        ]


def backing_off(server: Server, requests: int, tasks: int, seed: int) -> Outcome:
    """Send as a client without a gate does: each call for itself backs off on a 429."""

    async def run() -> Outcome:
        loop, rng = asyncio.get_running_loop(), random.Random(seed)
        todo, answers = iter(range(requests)), list[int]()

        async def work() -> None:
            for _ in todo:
                tries = 0
                while True:
                    await asyncio.sleep(rng.uniform(0.06, 0.14))
                    status, _ = server.hit(loop.time())
                    answers.append(status)
                    if status == 200:
                        break
                    tries = min(tries + 1, 5)
                    await asyncio.sleep(rng.uniform(0, 0.5 * 2**tries))

        await asyncio.gather(*(work() for _ in range(tasks)))
        return Outcome(loop.time(), len(answers), answers.count(429))

    return run_virtual(run())


def over_time(seed: int) -> dict[str, Points]:
    """Let each strategy move the same rows before the same token bucket."""
    lines: dict[str, Points] = {}
    sending: dict[str, tuple[TokenBucket, Callable[[Server], Outcome]]] = {
        "headers": (BUCKET, lambda s: imported(s, REQUESTS, TASKS, seed)),
        "told by the user": (
            UNTOLD,
            lambda s: imported(s, REQUESTS, TASKS, seed, Rate(10, 1)),
        ),
        "unknown, no headers": (UNTOLD, lambda s: imported(s, REQUESTS, TASKS, seed)),
        "each call backs off": (
            UNTOLD,
            lambda s: backing_off(s, REQUESTS, TASKS, seed),
        ),
    }
    for name, (bucket, send) in sending.items():
        server = Noting(attrs.evolve(bucket))
        outcome = send(server)
        share = f"{name} ({outcome.refused_share:.0%} refused)"
        lines[share] = server.used(bucket.rate, bucket.burst)
    return lines


def measure(setting: Setting) -> Result:
    """Measure all three, and draw them."""
    result = Result(lines={"rates": over_time(setting.seed)})
    for limit in LIMITS:
        result.add(simulated(limit, setting))
    if not setting.quick:
        real: Coroutine[Any, Any, Result] = on_real_sockets()
        result.add(asyncio.run(real))
    return result


if __name__ == "__main__":
    main(measure)
