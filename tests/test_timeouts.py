"""Many ends, one timer: as `asyncio.timeout` does it, one by one."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import pytest

from partnero_async._timeouts import Timeouts
from tests.clock import run_virtual


def here() -> Timeouts:
    """Make the timeouts of the running loop."""
    return Timeouts(asyncio.get_running_loop())


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()


def timers() -> int:
    """Count the timers of the running loop that are not cancelled."""
    loop = cast("Any", asyncio.get_running_loop())
    return sum(not timer.cancelled() for timer in loop._scheduled)


def test_what_takes_too_long_is_cut_off() -> None:
    """At its time, and not at the next one's."""

    async def main() -> tuple[float, float]:
        timeouts, ended = here(), []

        async def attempt(until: float) -> None:
            with pytest.raises(TimeoutError), timeouts.until(until):
                await asyncio.sleep(60)
            ended.append(now())

        await asyncio.gather(attempt(5), attempt(3))
        return ended[0], ended[1]

    assert run_virtual(main()) == (3, 5)


def test_one_timer_for_all() -> None:
    """However many begin and end, one is set; the first that is due finds the next."""

    async def main() -> None:
        timeouts = here()
        for second in range(100):
            with timeouts.until(now() + 15):
                await asyncio.sleep(0.1)
                assert timers() == 1, second
        with timeouts.until(now() + 15):
            await asyncio.sleep(14.9)

    run_virtual(main())


@pytest.mark.parametrize("seed", range(20))
def test_each_ends_at_its_own_time(seed: int) -> None:
    """In whatever order they begin and end: as with a timer each."""
    rng = random.Random(seed)
    plans = [(rng.uniform(0, 9), rng.uniform(0, 9), rng.random()) for _ in range(40)]

    async def attempt(
        timeouts: Timeouts | None, plan: tuple[float, float, float]
    ) -> Any:
        start, longest, share = plan
        await asyncio.sleep(start)
        try:
            if timeouts is None:
                async with asyncio.timeout_at(now() + longest):
                    await asyncio.sleep(10 * share)
            else:
                with timeouts.until(now() + longest):
                    await asyncio.sleep(10 * share)
        except TimeoutError:
            return "timed out", pytest.approx(now())
        return "done", pytest.approx(now())

    async def main(shared: bool) -> list[Any]:
        timeouts = here() if shared else None
        return await asyncio.gather(*(attempt(timeouts, plan) for plan in plans))

    assert run_virtual(main(True)) == run_virtual(main(False))


def test_a_time_that_is_over_is_over_at_the_next_await() -> None:
    """As with a deadline that a wait has used up."""

    async def main() -> None:
        with pytest.raises(TimeoutError), here().until(now() - 1):
            await asyncio.sleep(0.5)
        assert now() == 0

    run_virtual(main())


@pytest.mark.parametrize("before", [True, False])
def test_a_cancellation_stays_one(before: bool) -> None:
    """Also where the time is over in the same turn of the loop."""

    async def main() -> None:
        timeouts = here()

        async def attempt() -> None:
            with timeouts.until(1):
                await asyncio.sleep(5)

        task = asyncio.create_task(attempt())
        asyncio.get_running_loop().call_at(0.5 if before else 1, task.cancel)
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
        assert now() == pytest.approx(0.5 if before else 1)

    run_virtual(main())


def test_an_error_inside_is_raised_as_it_is() -> None:
    """The cleaning up of what was cancelled may fail in its own way."""

    async def main() -> None:
        with pytest.raises(KeyError), here().until(1):  # noqa: PT012 - as above
            try:
                await asyncio.sleep(5)
            finally:
                raise KeyError
        task = asyncio.current_task()
        assert task
        assert task.cancelling() == 0

    run_virtual(main())


def test_closed_it_leaves_no_timer() -> None:
    """One of what is over is not waited for, and one of what goes on stays."""

    async def main() -> tuple[int, float]:
        timeouts = here()
        with timeouts.until(5):
            pass
        assert timers() == 1
        timeouts.close()
        left = timers()
        with pytest.raises(TimeoutError), timeouts.until(3):  # noqa: PT012 - as above
            timeouts.close()
            await asyncio.sleep(60)
        here().close()
        return left, now()

    assert run_virtual(main()) == (0, 3)
