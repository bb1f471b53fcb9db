"""A thread cannot be stopped: whoever made it waits for its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from partnero_async._threads import in_thread, to_its_end
from tests.held import Held

WAYS = pytest.mark.parametrize("way", [in_thread, to_its_end])

Way = Callable[[Callable[[], Any]], Awaitable[Any]]


@WAYS
async def test_result_and_context(way: Way) -> None:
    """What it returns comes back; what is set around it is seen in it."""
    name: ContextVar[str] = ContextVar("name", default="none")
    name.set("ours")
    found, thread = await way(lambda: (name.get(), threading.get_ident()))
    assert found == "ours"
    assert thread != threading.get_ident()


@WAYS
@pytest.mark.parametrize("error", [ValueError, StopIteration, SystemExit])
async def test_error(way: Way, error: type[BaseException]) -> None:
    """So does what it raises, and what a future cannot carry."""

    def fail() -> None:
        raise error

    with pytest.raises(RuntimeError if error is StopIteration else error):
        await way(fail)


@pytest.mark.parametrize("raises", [False, True])
async def test_cancelled(raises: bool) -> None:
    """It is told after the end, and not what came of it."""
    held = Held()
    await held.while_cancelled(in_thread(held.before(lambda: 1 // (not raises))))
    assert len(held.raised) == raises


async def test_result_although_cancelled() -> None:
    """It is there, and the cancellation comes at the next await."""
    held, results = Held(), list[str]()

    async def work() -> None:
        results.append(await to_its_end(held.before(lambda: "done")))
        await asyncio.sleep(0)
        results.append("not cancelled")

    await held.while_cancelled(work())
    assert results == ["done"]


def test_end_of_the_loop() -> None:
    """All tasks are cancelled then; the thread is waited for all the same."""
    held, closed = Held(), list[bool]()

    async def work() -> None:
        try:
            await in_thread(held.before(lambda: None))
        finally:
            closed.append(held.go_on.is_set())

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.to_thread(held.begun.wait, 20)
        asyncio.get_running_loop().call_later(0.01, held.go_on.set)
        assert not task.done()

    asyncio.run(main())
    assert closed == [True]
