"""Many at once: who takes the next item, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from partnero_async.bulk.halt import Halt, each

ITEMS, CHUNK, AT_ONCE = 1_000, 250, 10


async def test_whoever_is_done_goes_on_in_the_same_turn() -> None:
    """Also after all of them had to wait for the source once."""
    loop = asyncio.get_running_loop()
    turns, waiting, done = 0, False, list[int]()

    def turn() -> None:
        nonlocal turns
        turns += not waiting
        if len(done) < ITEMS:
            loop.call_soon(turn)

    async def source() -> AsyncIterator[Sequence[int]]:
        nonlocal waiting
        for first in range(0, ITEMS, CHUNK):
            waiting = True
            await asyncio.sleep(0.001)
            waiting = False
            yield range(first, first + CHUNK)

    async def do(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    turn()
    await each(source(), do, concurrency=AT_ONCE, halt=Halt(asyncio.Event()))
    assert sorted(done) == list(range(ITEMS))
    assert turns < 2 * ITEMS / AT_ONCE


async def test_nothing_more_of_a_chunk_once_it_is_to_end() -> None:
    """What is under way is done; the rest of what was read is left alone."""
    stop, done = asyncio.Event(), list[int]()

    async def source() -> AsyncIterator[Sequence[int]]:
        yield range(CHUNK)

    async def do(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)
        if number == AT_ONCE:
            stop.set()

    await each(source(), do, concurrency=AT_ONCE, halt=Halt(stop))
    assert len(done) <= 2 * AT_ONCE
    assert sorted(done) == list(range(len(done)))
