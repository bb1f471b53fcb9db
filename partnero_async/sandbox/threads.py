"""A thread with a loop of its own, for callers who have none."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager

Step = Callable[[], Awaitable[None]]
_Started = tuple[asyncio.AbstractEventLoop, asyncio.Event]


@contextmanager
def running(start: Step, close: Step, *, name: str) -> Generator[None]:
    """Await *start* in a thread of this *name*, and *close* there at the end.

    What *start* raises is raised here.
    """
    ready: Future[_Started] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_run(start, close, ready)), name=name, daemon=True
    )
    thread.start()
    try:
        loop, stop = ready.result()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()


async def _run(start: Step, close: Step, ready: "Future[_Started]") -> None:
    stop = asyncio.Event()
    try:
        await start()
    except Exception as error:  # noqa: BLE001 - raised in the thread that waits
        ready.set_exception(error)
        return
    ready.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()
    await close()
