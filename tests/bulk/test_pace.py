"""How fast a run goes, and what it waits for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from partnero_async import Partnero
from partnero_async.bulk import Moment, Progress
from partnero_async.bulk.pace import MOMENTS, Pacemaker
from partnero_async.pacing import GateState
from partnero_async.sandbox import Sandbox
from tests.bulk.both import run_import
from tests.bulk.shop import sale, write_csv

OPEN = GateState(rate=None, in_flight=0, waiting=0, held_for=0.0)
LINE = GateState(rate=2.0, in_flight=1, waiting=3, held_for=0.0)
HELD = GateState(rate=2.0, in_flight=0, waiting=0, held_for=1.5)


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        """Say what time it is."""
        return self.now


def test_rate_and_waiting() -> None:
    """The rate is that of the last ten seconds; who stands in line waits."""
    clock, progress = Clock(), Progress()
    pace = Pacemaker(clock)
    for second, requests, gate in (
        (0, 0, OPEN),
        (1, 10, LINE),
        (2, 20, HELD),
        (3, 30, OPEN),
        (20, 30, LINE),
        (25, 40, OPEN),
    ):
        clock.now, progress.requests = 100.0 + second, requests
        pace.note(progress, gate)
        if second == 3:
            assert (progress.rate, progress.waited) == (10.0, 2.0)
    assert (progress.rate, progress.waited) == (2.0, 19.0)
    assert (progress.elapsed, progress.allowed) == (25.0, None)


@pytest.mark.parametrize("seconds", [1, 299, 300, 301, 5_000, 100_000])
def test_moments_are_few_and_lose_nothing(seconds: int) -> None:
    """A long run has no more moments than a short one; the last one is the end."""
    clock, progress = Clock(), Progress(done=7)
    pace = Pacemaker(clock)
    pace.begin(7)
    for second in range(seconds + 1):
        clock.now = 100.0 + second
        progress.sent, progress.done = second, second + 7
        pace.note(progress, OPEN)
    moments = pace.end(progress)
    assert min(seconds, MOMENTS // 2) <= len(moments) <= MOMENTS
    assert moments[-1] == Moment(at=seconds, sent=seconds, done=seconds)
    assert [m.at for m in moments] == sorted({m.at for m in moments})
    gaps = [b.at - a.at for a, b in pairwise(moments)]
    assert max(gaps[:-1], default=0) <= max(2, 5 * seconds / MOMENTS)


def test_a_run_that_was_over_at_once() -> None:
    """One moment, its end."""
    assert len(Pacemaker(Clock()).end(Progress())) == 1


@pytest.mark.usefixtures("shop")
async def test_an_import_tells_its_pace(
    partnero: type[Partnero], shop: Sandbox, tmp_path: Path
) -> None:
    """With a limit that is known, progress and report say how much of it was used."""
    seen: list[tuple[float | None, float]] = []
    file = write_csv(tmp_path / "s.csv", map(sale, range(30)))
    limit = "40/s"
    async with partnero(shop.api_key, base_url=shop.url, rate_limit=limit) as client:
        report = await run_import(
            client,
            "transactions",
            file,
            on_progress=lambda progress: seen.append(
                (progress.allowed, progress.waited)
            ),
        )
        assert client.pace.rate == 40
    assert {allowed for allowed, _ in seen} == {40}
    assert report.timeline[-1].done == report.done == 30
    assert report.timeline[-1].at == report.elapsed
