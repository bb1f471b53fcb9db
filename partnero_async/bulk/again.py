"""What can be done with a journal alone, without the file that it was made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any

from ..client import Partnero
from .claim import plan_in, program_of
from .course import Run, Watch
from .halt import Halt, check_options
from .journal import Journal
from .newcomers import check_newcomers
from .plan import Plan
from .rejects import rejects_of, reopen_rejects
from .report import Report
from .stops import ImportStopError, JournalError
from .store import Store
from .tally import report_of

__all__ = ["read_status", "resolve", "resume", "retry_rejects", "status"]

Prepare = Callable[[Store, Plan], None]
Work = Callable[[Run], Coroutine[Any, Any, None]]


async def status(journal: Path | str) -> Report:
    """Say what is done, rejected, pending and in doubt; nothing is sent or changed.

    Raises `JournalInUseError` while an import is using *journal*, and `JournalError`
    for a file that is no journal, or one without rows.
    """
    return await asyncio.to_thread(read_status, journal)


def read_status(journal: Path | str) -> Report:
    """Return what `status` does, in the thread that asks."""
    store = Store(Path(journal), make=False, reading=True)
    try:
        with store.explained():
            _check_read(store)
            rejects = rejects_of(store)
            return report_of(store, rejects=rejects if rejects.exists() else None)
    finally:
        store.close()


async def resume(
    client: Partnero,
    journal: Path | str,
    *,
    concurrency: int = 32,
    settle: float = 5.0,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Go on with an import whose file was read to its end: its rows are in *journal*.

    Options are as in `run_import`, and so is what is raised.
    """
    return await _go_on(
        client,
        journal,
        Run.rest,
        concurrency=concurrency,
        settle=settle,
        watch=on_progress,
        stop=stop,
    )


async def retry_rejects(
    client: Partnero,
    journal: Path | str,
    *,
    codes: Collection[str] = (),
    update: bool | None = None,
    concurrency: int = 32,
    settle: float = 5.0,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Try the rejected rows of *journal* again, and go on with what is pending.

    A rejected row was refused, so it is not in the program. It is checked anew like any
    other row, and sent if there is nothing wrong with it any more, such as once its
    customer exists. *codes* takes only the rows that were rejected for these reasons.
    *update* is as in `run_import`, and as it was there when it is left out.

    Other options are as in `run_import`, and so is what is raised.
    """
    if isinstance(codes, str):  # a collection too, of letters
        raise ImportStopError(f"codes={codes!r}: give a list of codes")
    return await _go_on(
        client,
        journal,
        Run.rest,
        prepare=lambda store, plan: reopen_rejects(store, plan, codes=codes),
        update=update,
        concurrency=concurrency,
        settle=settle,
        watch=on_progress,
        stop=stop,
    )


async def resolve(
    client: Partnero,
    journal: Path | str,
    *,
    send_absent: bool = False,
    settle: float = 30.0,
    concurrency: int = 8,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Look up the rows of *journal* that are in doubt.

    What is found is done. What is not stays parked; with *send_absent* it is sent, once
    *settle* seconds have passed since it was sent the last time and two more look-ups
    find nothing. What is found more than once, or with other values, stays parked.

    Raises what `run_import` raises.
    """
    return await _go_on(
        client,
        journal,
        lambda run: run.resolving(send_absent=send_absent),
        concurrency=concurrency,
        settle=settle,
        watch=on_progress,
        stop=stop,
    )


async def _go_on(
    client: Partnero,
    journal: Path | str,
    work: Work,
    *,
    prepare: Prepare | None = None,
    update: bool | None = None,
    concurrency: int,
    settle: float,
    watch: Watch | None,
    stop: asyncio.Event | None,
) -> Report:
    check_options(concurrency, settle=settle)
    program = await program_of(client)

    def opened(store: Store) -> tuple[Plan, Path, dict[str, Any]]:
        _check_read(store)
        plan = plan_in(store, program)
        if prepare:
            prepare(store, plan)
        if update is not None:
            store.keep(update="yes" if update else "")
        as_before = {
            "since": float(store.meta("began") or 0),
            "update": bool(store.meta("update")),
            "batch": store.meta("batch") or "no",
        }
        return plan, rejects_of(store), as_before

    async with Journal(Path(journal), make=False) as book:
        plan, rejects, as_before = await book.do(opened)
        run = Run(
            client=client,
            journal=book,
            plan=plan,
            concurrency=concurrency,
            settle=settle,
            watch=watch,
            halt=Halt(stop or asyncio.Event()),
            **as_before,
        )
        return await run.to_the_end(work(run), rejects)


def _check_read(store: Store) -> None:
    if store.meta("sha256") is None:
        raise JournalError(
            f"{store.path}: nothing was sent under this journal, for its file was not"
            " read to the end: start the import itself"
        )
    check_newcomers(store)
