"""The virtual clock itself."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from tests import clock
from tests.clock import DeadlockError, VirtualLoop, at_work, run_virtual


def test_a_long_sleep_takes_no_real_time() -> None:
    """Time jumps to the next timer."""

    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_virtual(main()) == pytest.approx(3600)
    assert time.monotonic() - began < 1


def test_timers_fire_in_order_and_on_time() -> None:
    """Each sleeper wakes at its own time, whatever order they began in."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        woken: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(round(loop.time(), 6))

        await asyncio.gather(*map(sleeper, (3.0, 1.0, 2.5, 1.0)))
        return woken

    assert run_virtual(main()) == [1.0, 1.0, 2.5, 3.0]


def test_ready_work_does_not_move_the_time() -> None:
    """Only waiting moves the time."""

    async def main() -> float:
        for _ in range(100):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 0.0


def test_a_timeout_ends_what_never_ends() -> None:
    """A timeout is a timer like any other."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(60)


def test_a_deadlock_raises() -> None:
    """Nothing ready, no timer, nobody to wake the loop: an error, not a hang."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="every task waits"):
        run_virtual(main())


async def _wait_for(event: asyncio.Event) -> str:
    await event.wait()
    return "woken"


def test_another_thread_may_wake_the_loop() -> None:
    """A loop with nothing to do gives other threads a moment of real time."""

    async def main() -> str:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        timer = threading.Timer(0.05, loop.call_soon_threadsafe, (event.set,))
        timer.start()
        try:
            return await _wait_for(event)
        finally:
            timer.join()

    assert run_virtual(main()) == "woken"


def test_ready_sockets_are_served_before_time_moves() -> None:
    """What is ready to read is read at the present time."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon_threadsafe, lambda: None)
        await asyncio.sleep(1)
        return loop.time()

    assert run_virtual(main()) == pytest.approx(1)


def test_every_loop_begins_at_zero() -> None:
    """Virtual times do not depend on the machine."""
    loop = VirtualLoop()
    try:
        assert loop.time() == 0.0
    finally:
        loop.close()


# --- the loops and callers of other threads ----------------------------------------


async def in_thread(do: Callable[[], object], *, counted: bool) -> float:
    """Call *do* in a thread, beside a task of a minute; say when it has ended."""
    loop = asyncio.get_running_loop()
    minute = asyncio.create_task(asyncio.sleep(60))
    with ThreadPoolExecutor(1) as threads:
        call = loop.run_in_executor(threads, do)
        if counted:
            with at_work():
                await call
        else:
            await call
    minute.cancel()
    return loop.time()


@pytest.mark.parametrize(("counted", "at"), [(True, 0), (False, 60)])
def test_time_stands_while_a_caller_is_at_work(counted: bool, at: float) -> None:
    """What takes a thread real time takes no virtual time."""
    do = threading.Event()
    threading.Timer(0.1, do.set).start()
    assert run_virtual(in_thread(do.wait, counted=counted)) == at


def test_a_caller_waits_while_its_call_is_under_way() -> None:
    """Then time moves, and it is one for the loops of all threads."""
    ready = threading.Event()
    woken: list[float] = []

    async def wake(*times: float) -> None:
        loop = asyncio.get_running_loop()
        for seconds in times:
            await asyncio.sleep(seconds)
            woken.append(loop.time())

    async def serve(loops: list[asyncio.AbstractEventLoop], end: asyncio.Event) -> None:
        loops.append(asyncio.get_running_loop())
        beside = asyncio.create_task(wake(5, 20, 100))
        ready.set()
        await end.wait()
        beside.cancel()

    def call() -> None:
        loops: list[asyncio.AbstractEventLoop] = []
        end = asyncio.Event()
        server = threading.Thread(target=lambda: asyncio.run(serve(loops, end)))
        server.start()
        ready.wait()
        waking = asyncio.run_coroutine_threadsafe(wake(30), loops[0])
        time.sleep(0.1)  # no time passes
        with cast("VirtualLoop", loops[0]).clock.joined():
            waking.result()
        time.sleep(0.1)
        loops[0].call_soon_threadsafe(end.set)
        server.join()

    assert run_virtual(in_thread(call, counted=True)) == 30
    assert woken == [5, 25, 30]


def test_a_caller_that_is_stuck_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that neither calls nor returns is an error, not a hang."""
    monkeypatch.setattr(clock, "PATIENCE", 0.5)
    stuck = threading.Event()
    threading.Timer(1, stuck.set).start()
    with pytest.raises(DeadlockError, match="neither calls nor returns"):
        run_virtual(in_thread(stuck.wait, counted=True))
