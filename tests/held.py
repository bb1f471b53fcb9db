"""Work in a thread that is held up in the middle, while its caller is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

SECONDS = 20


class Held:
    """Holds a function up until its caller was cancelled, twice."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.raised: list[Exception] = []
        """What came of doing it after that."""

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return it, held up when it is called."""

        def work(*args: Any, **options: Any) -> Any:
            self.begun.set()
            assert self.go_on.wait(SECONDS)
            try:
                return function(*args, **options)
            except Exception as error:
                self.raised.append(error)
                raise

        return work

    async def while_cancelled(self, work: Awaitable[Any]) -> None:
        """Cancel *work* in the middle: it does not end before the thread has."""
        task = asyncio.ensure_future(work)
        assert await asyncio.to_thread(self.begun.wait, SECONDS)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
        self.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
