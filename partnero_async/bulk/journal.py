"""The journal as tasks use it: one thread owns the file, and commits for all of them.

Intent comes before effect: ``await journal.sent(row)`` returns once it is on the disk
that the row is about to be sent. Whoever waits at the same time shares one commit.
What came of a row rides on the next commit: if the process dies before that, the row is
still *sent*, and is looked up on the next start.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import attrs

from .._threads import in_thread
from .store import Mark, State, Store

__all__ = ["Journal"]

T = TypeVar("T")


@attrs.define
class _Job:
    """Something for the thread to do; without *do* just a commit of what waits."""

    done: asyncio.Future[Any]
    do: Callable[[Store], Any] | None = None
    marks: Sequence[Mark] = ()


class Journal:
    """``async with Journal(path) as journal:`` opens it, and closes it in order.

    Raises `JournalInUseError` while another process has it open, and `JournalError`
    for a file that is no journal, or one of a newer version.
    """

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self.path = path
        self._make = make
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._riding: queue.SimpleQueue[Mark] = queue.SimpleQueue()
        self._unwritten: list[Mark] = []
        self._thread = threading.Thread(
            target=self._work, name="partnero-journal", daemon=True
        )

    async def __aenter__(self) -> Self:
        """Open the file in its thread."""
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._thread.start()
        try:
            await self._opened
        except BaseException:
            self._jobs.put(None)  # nobody comes for it any more
            await in_thread(self._thread.join)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write down what waits, and close the file."""
        self._jobs.put(None)
        # Short: a commit and a close. The loop has nothing else to do any more.
        self._thread.join()

    # --- for tasks ---------------------------------------------------------------

    def sent(self, *rows: int, code: str | None = None) -> asyncio.Future[None]:
        """Write down that *rows* are about to be sent; await it before sending."""
        now = time.time()
        marks = [Mark(row, "sent", code, sent_at=now) for row in rows]
        return self._put(_Job(self._loop.create_future(), marks=marks))

    def settled(
        self,
        row: int,
        state: State,
        *,
        code: str | None = None,
        reason: str | None = None,
        field: str | None = None,
    ) -> None:
        """Write down what came of *row*, with the next commit."""
        self._riding.put(Mark(row, state, code, reason, field=field))

    async def flush(self) -> None:
        """Return once everything so far is on the disk."""
        await self._put(_Job(self._loop.create_future()))

    async def do(self, do: Callable[[Store], T]) -> T:
        """Run *do* in the thread that owns the file, after everything so far."""
        result: T = await self._put(_Job(self._loop.create_future(), do=do))
        return result

    def _put(self, job: _Job) -> asyncio.Future[Any]:
        self._jobs.put(job)
        return job.done

    # --- the thread ----------------------------------------------------------------

    def _work(self) -> None:
        try:
            store = Store(self.path, make=self._make)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            self._answer([(self._opened, error, None)])
            return
        self._answer([(self._opened, None, None)])
        jobs = self._wait()
        while jobs is not None:
            self._serve(store, jobs)
            jobs = self._wait()
        self._commit(store, [])
        store.close()

    def _wait(self) -> list[_Job] | None:
        """Return all jobs that are there, one at least; None at the end."""
        job = self._jobs.get()
        if job is None:
            return None
        jobs = [job]
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _serve(self, store: Store, jobs: list[_Job]) -> None:
        failed = self._commit(store, [mark for job in jobs for mark in job.marks])
        self._answer([(job.done, failed, None) for job in jobs if not job.do])
        for job in jobs:
            if job.do:
                self._answer([_result(job.done, job.do, store)])

    def _commit(self, store: Store, marks: list[Mark]) -> BaseException | None:
        riding = [
            *self._unwritten,
            *(self._riding.get() for _ in range(self._riding.qsize())),
        ]
        if not riding and not marks:
            return None
        try:
            # A row that was given back and is sent again: the later mark counts.
            store.mark([*riding, *marks])
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            # An outcome is tried again, for the disk may be free then. An intent is
            # not: who waited for it has been told that nothing may be sent.
            self._unwritten = riding
            return error
        self._unwritten = []
        return None

    def _answer(
        self, answers: list[tuple[asyncio.Future[Any], BaseException | None, Any]]
    ) -> None:
        self._loop.call_soon_threadsafe(_resolve, answers)


def _result(
    done: asyncio.Future[Any], do: Callable[[Store], Any], store: Store
) -> tuple[asyncio.Future[Any], BaseException | None, Any]:
    try:
        with store.explained():
            return done, None, do(store)
    except BaseException as error:  # noqa: BLE001 - raised where it is awaited
        return done, error, None


def _resolve(
    answers: list[tuple[asyncio.Future[Any], BaseException | None, Any]],
) -> None:
    for done, error, value in answers:
        if done.done():
            continue  # whoever waited was cancelled
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(value)
