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
from tests.bench.matrix import SIDES, Cell, authority, no_such_host, served
from tests.bench.operations import FEW, subject

CASES: Final = {"small": 60, "full": 500}
AT_ONCE: Final = 8
SHORTEST, LONGEST = 0.6, 3.0
"""Seconds: deadlines are drawn from these."""
LATEST: Final = 0.25
"""Seconds that a call may end after its deadline."""
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


async def lateness(cell: Cell, deadline: float, heart: Heart) -> float:
    """Return how many seconds after its deadline a call ended, and at least 0."""
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
    late = ended - began - deadline
    return max(late - heart.lag(began + deadline - BEAT, ended), 0.0)


def drawn(count: int, seed: int) -> list[tuple[Cell, float]]:
    """Draw cases: any fault, on any of a dozen operations, with any deadline."""
    rng = random.Random(seed)
    faults = [f for f in FAULTS if not f.prelude and f.name not in ("bomb", "32-mb")]
    return [
        (
            Cell(
                subject(rng.choice(FEW)),
                rng.choice(faults),
                rng.choice(list(SIDES)),
                rng.random() < 0.3,
                rng.random() < 0.5,
            ),
            rng.uniform(SHORTEST, LONGEST),
        )
        for _ in range(count)
    ]


async def measured(cases: list[tuple[Cell, float]]) -> list[tuple[float, str]]:
    """Run the cases; return how late each was, and which it was."""
    heart, slots = Heart(), asyncio.Semaphore(AT_ONCE)

    async def run_one(cell: Cell, deadline: float) -> tuple[float, str]:
        async with slots:
            late = await lateness(cell, deadline, heart)
        return late, f"{cell} with {deadline:.2f} s: {late:.3f} s late"

    with no_such_host():
        async with heart.beating():
            return await asyncio.gather(*(run_one(*case) for case in cases))


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure R9."""
    cases = drawn(CASES["full" if full else "small"], seed)
    found = asyncio.run(measured(cases))
    latest = max(late for late, _ in found)
    wrong = [text for late, text in found if late > LATEST]
    return [
        Figure(
            "R9",
            f"{len(cases)} deadlines x faults: the latest end of a call",
            f"deadline + {latest:.3f} s",
            f"deadline + {LATEST} s",
            not wrong,
            wrong,
        )
    ]
