"""Calls in a thread, which cannot be stopped: whoever made one waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, cast

__all__ = ["in_thread", "to_its_end"]

T = TypeVar("T")


async def in_thread(function: Callable[[], T], *, at_once: bool = False) -> T:
    """Call a function in a thread, and wait for its end even when cancelled.

    Else what it works with would be closed under its hands: in the best case that is
    an error, and where it is SQLite's the end of the process.
    """
    try:
        return await to_its_end(function, at_once=at_once)
    finally:
        await asyncio.sleep(0)  # where a cancellation that came meanwhile is raised


async def to_its_end(function: Callable[[], T], *, at_once: bool = False) -> T:
    """Call a function in a thread, and return its result even when cancelled.

    A cancellation meanwhile comes at the next await, when it is known what was done.
    The threads of the loop are few, and all may be busy: what cannot wait for one is
    called *at_once*, in a thread of its own.
    """
    context = copy_context()
    own = ThreadPoolExecutor(1) if at_once else None
    # Not a task, which `asyncio.run` would cancel with all others at its end.
    thread = asyncio.get_running_loop().run_in_executor(
        own, lambda: context.run(_outcome, function)
    )
    if own:
        own.shutdown(wait=False)  # the thread ends with the call
    cancelled = False
    while not thread.done():
        try:
            await asyncio.wait([thread])
        except asyncio.CancelledError:
            cancelled = True
    task = asyncio.current_task()
    if cancelled and task:
        task.uncancel()
        task.cancel()
    result, error = thread.result()
    if error:
        raise error
    return cast("T", result)


def _outcome(function: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """Return what comes of a call: a future cannot carry `StopIteration`, and hangs."""
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
        return None, error
