"""An import as a stream: what came of each row, one by one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any, get_args

from ..client import Partnero
from ..errors import UsageError
from ..resources._resource import Resource
from .batch import Batch
from .importing import imported
from .kinds import ResourceName, kind_of
from .outcomes import Outcomes, RowOutcome
from .source import Given, Source

__all__ = ["run", "stream"]

Create = Callable[..., Awaitable[Any]]


async def run(
    create: Create,
    rows: Source | Path | str | Given,
    *,
    journal: Path | str | None = None,
    update: bool = False,
    concurrency: int = 32,
    settle: float = 5.0,
    batch: Batch = "no",
    customers: Source | Path | str | Given | None = None,
) -> AsyncGenerator[RowOutcome]:
    """Import rows, and yield what came of each as soon as it is known.

    ::

        async for outcome in bulk.run(client.transactions.create, rows, journal="j"):
            if outcome.state != "done":
                print(outcome.row, outcome.key, outcome.reason)

    *create* is the create method of a resource that can be imported; rows and options
    are those of `run_import`. Each row is yielded once, in no certain order: at the
    end, those that are in doubt or still to be sent. With a *journal* a run that was
    cut short goes on, and what it had decided is yielded first. Without one, nobody can
    look up what is in doubt once the process has died.

    Who takes slowly makes the import slow, and who leaves the loop ends it in order:
    close the generator then (`contextlib.aclosing`), and what is under way gets five
    seconds.

    Raises what `run_import` raises.
    """
    walk = stream(
        create,
        rows,
        journal=journal,
        update=update,
        concurrency=concurrency,
        settle=settle,
        batch=batch,
        customers=customers,
    )
    async with aclosing(walk):
        async for some in walk:
            for outcome in some:
                yield outcome


async def stream(
    create: Create,
    rows: Source | Path | str | Given,
    *,
    journal: Path | str | None,
    **options: Any,
) -> AsyncGenerator[Iterable[RowOutcome]]:
    """Yield what `run` does, as many at a time as are there."""
    client, resource = _of(create)
    outcomes, stop = Outcomes(), asyncio.Event()
    with _kept(journal) as path:
        work = imported(
            client,
            resource,
            rows,
            journal=path,
            outcomes=outcomes,
            stop=stop,
            **options,
        )
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: outcomes.end())
        try:
            while some := await outcomes.some():
                yield some
            await task
        finally:
            if not task.done():
                stop.set()
                outcomes.end()
                await asyncio.wait({task})


def _of(create: Create) -> tuple[Partnero, ResourceName]:
    """Return the client of a create method, and which resource it creates."""
    owner = getattr(create, "__self__", None)
    function = getattr(create, "__func__", None)
    if isinstance(owner, Resource):
        for resource in get_args(ResourceName):
            if kind_of(resource).create is function:
                return Partnero._over(owner._transport), resource  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    raise UsageError(f"{create!r} creates nothing that can be imported")


@contextmanager
def _kept(journal: Path | str | None) -> Generator[Path]:
    if journal is not None:
        yield Path(journal)
        return
    with tempfile.TemporaryDirectory(prefix="partnero-run-") as folder:
        yield Path(folder) / "journal"
