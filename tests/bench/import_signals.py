"""Imports that are told to end, by Ctrl-C or TERM, once or twice, and those killed.

The program is slow, so that what is under way when the signal comes ends much later:
whoever sends one row more because one has ended is seen by it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from tests.bench.desk import CONCURRENCY, INTERRUPTED, Desk, desk
from tests.bench.figures import Figure
from tests.bench.processes import Lag
from tests.bench.warm import warm

ROWS: Final = 160
COUNTS: Final = {"small": (6, 1), "full": (100, 12)}
"""Signals to programs that answer after a while, and those of each other kind."""
SIDE_BY_SIDE: Final = 6
SLOW: Final = 0.5
"""Seconds before the effect of a sale where all can drain."""
STUCK: Final = 8.0
"""Seconds where nothing can."""
HEARD: Final = 0.15
"""Seconds after which a signal has been heard, less those for which the machine, which
is shared, has let any thread wait."""
DRAIN: Final = 5.0
GRACE: Final = 0.5
"""Seconds for the end of a process that has nothing more to do."""
AT_ONCE: Final = 0.3
ASKED: Final = 4
"""Requests before the first sale, about."""


@attrs.define
class Run:
    """An import that is under way, and whoever sends it signals."""

    at: Desk
    lag: Lag
    pid: int
    ended: asyncio.Future[int]

    async def received(self, requests: int) -> None:
        """Wait until the program has received so many requests in all."""
        sandbox = self.at.sandbox
        while sandbox.requests < requests and not self.ended.done():  # noqa: ASYNC110 - a counter
            await asyncio.sleep(0.002)

    async def tell(self, number: int, *, within: float) -> None:
        """Send a signal, and wait for the end that it has to bring."""
        began = time.monotonic()
        os.kill(self.pid, number)
        code = await self.ended
        took = max(time.monotonic() - began - self.lag.since(began), 0.0)
        self.at.expect(code, INTERRUPTED)
        if took > within:
            self.at.broken.append(f"it went on for {took:.1f} s of {within} s")


async def started(at: Desk, lag: Lag, seconds: float, *, out: str = "out") -> Run:
    """Start an import of a program that takes its time for a sale."""
    at.sandbox.latency = lambda: seconds if at.posts else 0.0
    pid = await at.parent.start(at.order(out=str(at.till.folder / out)))
    return Run(at, lag, pid, asyncio.ensure_future(at.parent.ended()))


def _any(rng: random.Random) -> int:
    return rng.choice((signal.SIGINT, signal.SIGTERM))


async def told_once(at: Desk, rng: random.Random, lag: Lag) -> None:
    """Let it drain: nothing new is sent once the signal has been heard."""
    before = at.sandbox.requests
    run = await started(at, lag, SLOW)
    await run.received(before + rng.randint(1, ASKED + 3 * CONCURRENCY))
    await asyncio.sleep(rng.uniform(0, SLOW))
    telling = asyncio.create_task(run.tell(_any(rng), within=DRAIN + GRACE))
    began = time.monotonic()
    await asyncio.sleep(HEARD)
    await asyncio.sleep(lag.since(began))
    heard = at.posts
    await telling
    if at.posts > heard:
        at.broken.append(f"{at.posts - heard} sales were sent after the signal")
    at.look()
    at.sandbox.latency = 0.0
    await at.finish()


async def stuck(at: Desk, rng: random.Random, lag: Lag) -> None:
    """Tell it to end when nothing can: it is waited for, but not for ever."""
    run = await started(at, lag, STUCK)
    await run.received(at.sandbox.requests + ASKED + CONCURRENCY // 2)
    await run.tell(_any(rng), within=DRAIN + GRACE)
    await _finish_late(at, STUCK)


async def told_twice(at: Desk, rng: random.Random, lag: Lag) -> None:
    """Tell it a second time: then it ends at once."""
    run = await started(at, lag, STUCK)
    await run.received(at.sandbox.requests + ASKED + CONCURRENCY // 2)
    os.kill(run.pid, _any(rng))
    await asyncio.sleep(HEARD + rng.uniform(0, 1))
    if run.ended.done():
        at.broken.append("it did not wait for what was under way")
    else:
        await run.tell(_any(rng), within=AT_ONCE)
    await _finish_late(at, STUCK)


async def _finish_late(at: Desk, late: float) -> None:
    """Go on while what was sent last has not arrived yet."""
    at.look()
    at.sandbox.latency = 0.0
    await at.finish(settle=late + GRACE)


async def two_writers(at: Desk, rng: random.Random, lag: Lag) -> None:
    """Start it a second time: that is refused, until the first one has been killed."""
    async with warm() as parent:
        # Stuck, or it has ended before the second one has begun, on a busy machine.
        run = await started(at, lag, STUCK, out="first")
        await run.received(
            at.sandbox.requests + rng.randint(1, ASKED + CONCURRENCY // 2)
        )
        code = await parent.run(at.order())
    at.expect_stop(code)
    if "another import is using this journal" not in at.complaints()[-1]:
        at.broken.append(f"the second writer was told {at.complaints()[-1]}")
    os.kill(run.pid, signal.SIGKILL)
    at.expect(await run.ended, -signal.SIGKILL)
    await _finish_late(at, STUCK)


KINDS: Final = {
    "told to end": told_once,
    "told to end, and stuck": stuck,
    "told to end twice": told_twice,
    "started twice, then killed": two_writers,
}

Case = Callable[[Desk, random.Random, Lag], Awaitable[None]]


async def failures(case: Case, *, count: int, seed: int) -> list[str]:
    """Run a case so many times, a few of them side by side; return what is wrong."""
    left, wrong = list(range(count)), list[str]()

    async def lane(lag: Lag) -> None:
        async with warm() as parent:
            while left:
                rng = random.Random(f"{seed} {left.pop()}")
                async with desk(parent, rows=ROWS) as at:
                    await case(at, rng, lag)
                    wrong.extend(at.failures)

    with Lag() as lag:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(SIDE_BY_SIDE, count)):
                group.create_task(lane(lag))
    return wrong


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure signals."""
    signals, others = COUNTS["full" if full else "small"]
    figures: list[Figure] = []
    for name, case in KINDS.items():
        count = signals if case is told_once else others
        wrong = asyncio.run(failures(case, count=count, seed=seed))
        figures.append(
            Figure(
                "sign",
                f"{count} imports {name}: sent, lost, doubled, or late",
                f"{len(wrong)}",
                "0",
                not wrong,
                wrong,
            )
        )
    return figures
