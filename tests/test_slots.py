"""Slots: taken in order, and lost to nobody."""

from __future__ import annotations

import asyncio
import random

import pytest

from partnero_async._slots import Slots
from tests.clock import run_virtual


def test_first_come_first_served() -> None:
    """Whoever waits longest has the next one, also before somebody who comes then."""

    async def main() -> list[int]:
        slots, served = Slots(1), list[int]()

        async def work(number: int) -> None:
            await asyncio.sleep(number / 10)
            if not slots.take():
                await slots.wait()
            served.append(number)
            await asyncio.sleep(1)
            slots.give()

        await asyncio.gather(*map(work, (2, 0, 3, 1)))
        assert slots.free == 1
        return served

    assert run_virtual(main()) == [0, 1, 2, 3]


@pytest.mark.parametrize("others", [0, 1])
def test_cancelled_when_its_turn_has_come(others: int) -> None:
    """The slot goes to the next in line, or is free again."""

    async def main() -> None:
        slots = Slots(1)
        assert slots.take()
        first, *rest = [asyncio.create_task(slots.wait()) for _ in range(1 + others)]
        await asyncio.sleep(0)
        slots.give()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await asyncio.gather(*rest)
        assert slots.free == 1 - others

    run_virtual(main())


@pytest.mark.parametrize("seed", range(20))
def test_cancelled_in_line_or_on_its_turn(seed: int) -> None:
    """No slot is lost or made, and at no time more are taken than there are."""
    rng = random.Random(seed)

    async def main() -> None:
        slots, taken = Slots(3), 0

        async def work() -> None:
            nonlocal taken
            await asyncio.sleep(rng.randrange(4))
            if not slots.take():
                await slots.wait()
            taken += 1
            assert taken <= 3
            try:
                await asyncio.sleep(rng.randrange(3))
            finally:
                taken -= 1
                slots.give()

        tasks = [asyncio.create_task(work()) for _ in range(40)]
        for task in tasks:
            # On whole seconds, in which others give theirs back.
            asyncio.get_running_loop().call_at(rng.randrange(20), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not any(
            isinstance(task.exception(), AssertionError)
            for task in tasks
            if not task.cancelled()
        )
        assert (slots.free, taken) == (3, 0)
        assert slots.take()

    run_virtual(main())
