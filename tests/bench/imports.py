"""I1: imports that are killed, again and again, lose no sale and double none.

Each import has a program of its own, in this process, whose ledger is the oracle. It is
killed up to three times, at random or at a fail point, started again until it comes to
its end, and what is left in doubt is resolved.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter, deque
from contextlib import suppress
from typing import Any, Final

import attrs

from tests.bench.desk import CONCURRENCY, Desk, desk
from tests.bench.figures import Figure
from tests.bench.points import AGAIN, EACH, ONCE, POINTS, SERVER
from tests.bench.till import Kept, Wrong, kept
from tests.bench.warm import Order, warm


@attrs.frozen
class Size:
    """How much is measured."""

    rows: int
    kills: int
    times: int
    """Kills at each fail point."""


SIZES: Final = {"small": Size(300, 30, 2), "full": Size(2_000, 500, 20)}
SIDE_BY_SIDE: Final = 3
MOST_KILLS: Final = 3
"""Of one import."""
LATENCY: Final = 0.004
"""Seconds, at most, before an effect, and between it and its answer."""
EARLY: Final = 0.2
"""Share of the random kills that come before any request."""
BLOCKING: Final = 0.3
"""Share of the runs that the synchronous client does."""
MISSES: Final = 5
"""Kills that come too late, of each that is wanted, before that is a failure."""


@attrs.frozen
class Kill:
    """When an import is killed: at random, or at a point."""

    point: str | None = None


@attrs.define
class Tally:
    """What came of all kills of a kind."""

    wanted: deque[Kill]
    kills: int = 0
    missed: int = 0
    in_doubt: int = 0
    """Rows that were about to be sent at a kill."""
    stages: Counter[str] = attrs.field(factory=Counter[str])
    """Kills by what had been done of the import."""
    wrong: Wrong = attrs.field(factory=Wrong)
    broken: list[str] = attrs.field(factory=list[str])

    def next(self) -> Kill | None:
        """Take a kill that is still wanted."""
        return self.wanted.popleft() if self.wanted else None

    def miss(self, kill: Kill) -> None:
        """Take note of a kill that came too late, and want it again."""
        self.missed += 1
        if self.missed <= MISSES * (self.kills + 10):
            self.wanted.append(kill)
        else:
            self.broken.append(f"{kill.point or 'a moment'} is not reached")

    def hit(self, journal: list[Kept]) -> None:
        """Take note of a kill, and of what it interrupted."""
        states = Counter(row.state for row in journal)
        self.kills += 1
        self.in_doubt += states["sent"]
        begun = states["done"] or states["sent"]
        self.stages["amid" if begun and states["pending"] else "before"] += 1
        if begun and not states["pending"]:
            self.stages.update(after=1, before=-1)


@attrs.define(kw_only=True)
class Import:
    """Kills one import."""

    desk: Desk
    rng: random.Random
    tally: Tally
    victim: int = 0
    fatal: int = 0
    """The number of sales received at which the server kills who sent them."""

    async def to_the_end(self) -> None:
        """Kill it a few times, finish and resolve it, and look at all of it."""
        self.desk.sandbox.answer_latency = self._answer_latency
        self.desk.sandbox.latency = self._latency
        for _ in range(self.rng.randint(1, MOST_KILLS)):
            kill = self.tally.next()
            if not kill or not await self._killed(kill):
                break
        await self.desk.finish(self._order())
        self.tally.wrong += self.desk.wrong
        self.tally.broken += self.desk.broken

    async def _killed(self, kill: Kill) -> bool:
        journal = kept(self.desk.till.journal)
        if kill.point == AGAIN and not _in(journal, "sent"):
            # It is reached by whoever finds sales that were under way.
            await self._one(Kill("after a whole request"), journal)
            journal = self.desk.look()
        code = await self._one(kill, journal)
        if code != -signal.SIGKILL:
            self.tally.miss(kill)
            return False
        self.tally.hit(self.desk.look())
        return True

    async def _one(self, kill: Kill, journal: list[Kept]) -> int:
        """Start it, and kill it; return how it ended."""
        left = _in(journal, "pending") if journal else len(self.desk.till.good)
        if kill.point is None:
            return await self._at_random(left)
        nth = self._nth(kill.point, left)
        if kill.point != SERVER:
            return await self._run(point=kill.point, nth=nth)
        self.fatal = self.desk.posts + nth
        try:
            return await self._run()
        finally:
            self.fatal = 0

    def _nth(self, point: str, left: int) -> int:
        often = POINTS[point][0]
        most = {EACH: left, ONCE: 1}.get(often, left // CONCURRENCY)
        return self.rng.randint(1, max(most, 1))

    async def _at_random(self, left: int) -> int:
        """Kill it after so many requests, and some milliseconds; or before any."""
        early = self.rng.random() < EARLY
        requests = 0 if early else self.rng.randint(1, left + 5)
        seconds = self.rng.uniform(0, 0.1 if early else 0.02)
        wanted = self.desk.sandbox.requests + requests
        self.victim = await self.desk.parent.start(self._order())
        ended = asyncio.ensure_future(self.desk.parent.ended())
        while self.desk.sandbox.requests < wanted and not ended.done():  # noqa: ASYNC110 - a counter
            await asyncio.sleep(0.001)
        await asyncio.wait([ended], timeout=seconds)
        self._kill()
        return await ended

    async def _run(self, *, point: str | None = None, nth: int = 1) -> int:
        order = self._order(point=point, nth=nth)
        self.victim = await self.desk.parent.start(order)
        return await self.desk.parent.ended()

    def _order(self, **changes: Any) -> Order:
        """Have either client import the file: what a kill leaves is the same."""
        if self.rng.random() < BLOCKING:
            file = str(self.desk.till.file)
            changes |= {"arguments": (file,), "blocking": True}
        return self.desk.order(**changes)

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.victim, signal.SIGKILL)

    def _latency(self) -> float:
        return self.rng.uniform(0, LATENCY)

    def _answer_latency(self) -> float:
        # An effect was had right now, and its answer waits for this to return.
        if self.fatal and self.desk.posts >= self.fatal:
            self._kill()
        return self.rng.uniform(0, LATENCY)


def _in(journal: list[Kept], state: str) -> int:
    return sum(row.state == state for row in journal)


# --- many of them ---------------------------------------------------------------------


async def killed(wanted: list[Kill], *, rows: int, seed: int) -> Tally:
    """Kill imports as often as is wanted, a few of them side by side."""
    tally = Tally(deque(wanted))
    async with asyncio.TaskGroup() as group:
        for lane in range(SIDE_BY_SIDE):
            group.create_task(_lane(tally, rows, random.Random(f"{seed} {lane}")))
    return tally


async def _lane(tally: Tally, rows: int, rng: random.Random) -> None:
    async with warm() as parent:
        while tally.wanted:
            async with desk(parent, rows=rows) as at:
                await Import(desk=at, rng=rng, tally=tally).to_the_end()


def figures(what: str, tally: Tally) -> Figure:
    """Say what came of it."""
    wrong = tally.wrong
    failures = [*tally.broken, *wrong.all]
    if not tally.in_doubt:
        failures.append("no row was ever in doubt: nothing was tested")
    counts = [len(rows) for rows in (wrong.lost, wrong.doubled, wrong.twofold)]
    lost, doubled, twofold = counts
    return Figure(
        "I1",
        f"{what}: lost, doubled, in two states",
        f"{lost}, {doubled}, {twofold} ({tally.in_doubt} in doubt)",
        "0, 0, 0",
        not failures,
        failures,
    )


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure I1."""
    size = SIZES["full" if full else "small"]
    rng = random.Random(seed)
    points = [Kill(point) for point in POINTS for _ in range(size.times)]
    rng.shuffle(points)
    kinds = {
        f"{size.kills} SIGKILLs in {size.rows}-row imports": [Kill()] * size.kills,
        f"{len(POINTS)} fail points x {size.times} in the same": points,
    }
    return [
        figures(what, asyncio.run(killed(kills, rows=size.rows, seed=seed)))
        for what, kills in kinds.items()
    ]
