"""The way of a call to the loop's thread and back, and what is told at its end.

Calls are put onto the loop directly, because the way through
`BlockingPortal.start_task_soon` makes the two threads wait for each other twice
(measured: 82 us a call, this way 33).
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Generic, TypeVar, cast

from partnero_async._timeline import tell
from partnero_async.errors import (
    AmbiguousWriteError,
    ClientClosedError,
    NoAnswerError,
    PartneroError,
)

E = TypeVar("E")
T = TypeVar("T")


class _Mail(threading.local):
    """What a thread is to be told at the end of its call."""

    def __init__(self) -> None:
        self.letters: deque[Callable[[], None]] = deque()


_mail = _Mail()
_inbox: ContextVar[deque[Callable[[], None]]] = ContextVar("inbox")


def posted(hook: Callable[[E], object]) -> Callable[[E], None]:
    """Have *hook* called in the thread whose call it is told of, and not on the loop.

    There it would break what belongs to a thread, such as Django's connections, and
    could not use the client.
    """

    def post(event: E) -> None:
        _inbox.get().append(partial(tell, hook, event))

    return post


def deliver() -> None:
    """Call the hooks that are due in this thread."""
    letters = _mail.letters
    while letters:
        letters.popleft()()


class Trip(Generic[T]):
    """A call on its way to the loop's thread and back.

    *then* is called on the loop's thread at its end. *end* ends what the call is a step
    of, where it is abandoned before that step or behind it: between two of them. With
    *imports* it makes writes in tasks of its own.

    Who waits for one deletes it in the end: an error that comes back points at their
    frame, and the frame at the error, which only the collector would free.
    """

    __slots__ = (
        "_away",
        "_end",
        "_error",
        "_given_up",
        "_imports",
        "_letters",
        "_loop",
        "_result",
        "_task",
        "_then",
        "_work",
    )

    def __init__(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[], None] | None = None,
        end: Callable[[], Coroutine[Any, Any, None]] | None = None,
        *,
        imports: bool = False,
    ) -> None:
        self._work = work
        self._then = then
        self._end = end
        self._imports = imports
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._given_up = False
        self._letters = _mail.letters
        self._result: T
        self._error: BaseException | None = None
        # Held until the end. A future does the same, and costs a seventh of the trip.
        self._away = threading.Lock()
        self._away.acquire()

    def depart(self, loop: asyncio.AbstractEventLoop) -> None:
        """Put the call onto *loop*, from the caller's thread."""
        self._loop = loop
        # This copies the caller's context variables, and the task begins in the copy.
        loop.call_soon_threadsafe(self._begin)

    def join(self, timeout: float = -1) -> bool:
        """Wait for its end in the caller's thread, for *timeout* seconds at most."""
        ended = self._away.acquire(timeout=timeout)
        if ended:
            self._away.release()
        return ended

    def result(self) -> T:
        """Wait for its end, and return or raise what it returned or raised."""
        self.join()
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None
        return self._result

    def abandon(self, patience: float = 0.0) -> None:
        """Cancel the call wherever it is; wait *patience* seconds for its teardown."""
        if self._loop is None:
            self._work.close()
        elif self._end or not self.join(0):
            self.soon(self._cancel)
            self.join(patience)

    def soon(self, do: Callable[[], None]) -> None:
        """Have something done on the loop that the call was put onto."""
        if self._loop:
            with suppress(RuntimeError):  # the loop has ended, and the call with it
                self._loop.call_soon_threadsafe(do)

    def _begin(self) -> None:
        _inbox.set(self._letters)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        # No callback of the task: that would cost one more turn of the loop.
        try:
            if self._given_up:
                self._work.close()
                if self._end:
                    await self._end()
            else:
                self._result = await self._work
        except asyncio.CancelledError as cancelled:
            self._error = self._cut(cancelled.__cause__)
            for said in getattr(cancelled, "__notes__", ()):
                self._error.add_note(said)
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            self._error = error
        finally:
            self._arrive()
            del self  # the error's traceback keeps this frame

    def _cut(self, cause: BaseException | None) -> PartneroError:
        """Return the error of a call whose client is closed while it is under way."""
        if self._imports:
            closed = "the client was closed during this import"
            return NoAnswerError(closed, maybe_applied=True)
        if isinstance(cause, AmbiguousWriteError):
            return cause
        # All else changes nothing, or has not left.
        return ClientClosedError("the client was closed meanwhile")

    def _arrive(self) -> None:
        self._away.release()
        if self._then:
            self._then()

    def _cancel(self) -> None:
        state = inspect.getcoroutinestate(self._work)
        if state == inspect.CORO_CREATED:
            self._give_up()
        elif state == inspect.CORO_CLOSED and self._end:
            self._task = asyncio.get_running_loop().create_task(self._end())
        else:
            cast("asyncio.Task[None]", self._task).cancel()

    def _give_up(self) -> None:
        # It has not begun, and is not made. Its task is not cancelled either: that
        # would keep the task, its error and this in a circle, and a walk with them.
        self._given_up = True
        if self._task is None:  # Ctrl-C came on the way here: then it never was
            self._work.close()
            self._arrive()
