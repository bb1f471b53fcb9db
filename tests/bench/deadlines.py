"""R9: a call ends by its deadline, whatever holds it up.

How late it is counts from what the loop could do: a heartbeat in the same loop measures
how long a timer waits on this machine, which is shared, and that is taken off.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import attrs

from partnero_async import Partnero, PartneroError
from tests.bench.faults import FAULTS
from tests.bench.figures import Figure
from tests.bench.matrix import SIDES, Cell, Way, authority, no_such_host, served
from tests.bench.operations import FEW, subject

CASES: Final = {"small": 60, "full": 500}
AT_ONCE: Final = 8
SHORTEST, LONGEST = 0.6, 3.0
"""Seconds: deadlines are drawn from these."""
LATEST: Final = 0.25
"""Seconds that a call may end after its deadline."""
LEAST_HELD: Final = 5
"""One case of so many has to reach its deadline, or nothing was measured."""
BEAT: Final = 0.01


@attrs.define
class Heart:
    """Beats on the loop, and keeps how late each beat was."""

    late: list[tuple[float, float]] = attrs.field(factory=list[tuple[float, float]])
    """When each beat came, and how much later than it was due."""

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat, for as long as the block."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            now = time.monotonic()
            self.late.append((now, now - due))

    def lag(self, since: float, until: float) -> float:
        """Return the longest wait of a timer between two moments."""
        lags = [late for when, late in self.late if since <= when <= until + BEAT]
        return max(lags, default=0.0)


@attrs.frozen
class End:
    """When a call ended."""

    late: float
    """Seconds after its deadline, without what the loop was late by; at least 0."""
    held: bool
    """Whether it was still under way when its deadline came."""
    what: str


async def end_of(cell: Cell, deadline: float, heart: Heart) -> End:
    """Make a call, and return when it ended."""
    async with served(cell) as server:
        client: Partnero = SIDES[cell.side](
            f"key-{id(server)}",
            base_url=server.url,
            timeout=deadline,
            settle=0.3,
            tls=authority()[1] if server.url.startswith("https") else None,
        )
        client._transport.program.know(None)
        began = time.monotonic()
        with suppress(PartneroError):
            await cell.subject.call(client)
        ended = time.monotonic()
        await client.aclose()
    after = ended - began - deadline
    late = max(after - heart.lag(began + deadline - BEAT, ended), 0.0)
    return End(late, after >= 0, f"{cell} with {deadline:.2f} s: {late:.3f} s late")


def drawn(count: int, seed: int) -> list[tuple[Cell, float]]:
    """Draw cases: any fault, on any of a dozen operations, with any deadline.

    Half of the faults are such that hold a call up, or most calls would end before.
    """
    rng = random.Random(seed)
    faults = [f for f in FAULTS if f.before is None and f.name not in ("bomb", "32-mb")]
    holding = [f for f in faults if "timeout" in f.came or f.came == "throttled"]
    return [
        (
            Cell(
                subject(rng.choice(FEW)),
                rng.choice(holding if number % 2 else faults),
                rng.choice(list(SIDES)),
                Way(once=rng.random() < 0.3, applied=rng.random() < 0.5),
            ),
            rng.uniform(SHORTEST, LONGEST),
        )
        for number in range(count)
    ]


async def measured(cases: list[tuple[Cell, float]]) -> list[End]:
    """Run the cases; return when each ended."""
    heart, slots = Heart(), asyncio.Semaphore(AT_ONCE)

    async def run_one(cell: Cell, deadline: float) -> End:
        async with slots:
            return await end_of(cell, deadline, heart)

    with no_such_host():
        async with heart.beating():
            return await asyncio.gather(*(run_one(*case) for case in cases))


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure R9."""
    cases = drawn(CASES["full" if full else "small"], seed)
    ends = asyncio.run(measured(cases))
    held = sum(end.held for end in ends)
    wrong = [end.what for end in ends if end.late > LATEST]
    blind = [] if held >= len(ends) / LEAST_HELD else [f"only {held} were held up"]
    return [
        Figure(
            "R9",
            f"{len(ends)} deadlines x faults, {held} held up: the latest end of a call",
            f"deadline + {max(end.late for end in ends):.3f} s",
            f"deadline + {LATEST} s",
            not wrong + blind,
            wrong + blind,
        )
    ]
