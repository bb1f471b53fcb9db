"""Ctrl-C at a certain moment, without a key or a process of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest


class InterruptedError_(BaseException):  # noqa: N801 - the builtin has the name
    """Raised by a signal handler, as KeyboardInterrupt is."""


@contextmanager
def interrupted_when(ready: Callable[[], object]) -> Iterator[None]:
    """Interrupt the main thread as Ctrl-C does, as soon as *ready* returns."""
    came = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not came.is_set():
            came.set()
            raise InterruptedError_

    def watch() -> None:
        ready()
        # A signal right before a thread begins to wait does not wake it: send another.
        while not came.is_set():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            came.wait(0.05)

    before = signal.signal(signal.SIGUSR1, interrupt)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with pytest.raises(InterruptedError_):
            yield
    finally:
        watcher.join()
        signal.signal(signal.SIGUSR1, before)
