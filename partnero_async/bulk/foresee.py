"""A plan before an import: rows are checked, and compared with what the program has."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing, contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import attrs

from ..client import Partnero
from .course import Run, Watch
from .fields import ResourceName
from .forecast import UPDATE, Forecast, forecast_of
from .given import gathered
from .halt import Halt, check_options, each, rows_in
from .importing import buyers_in, check_for_sales
from .journal import Journal
from .kinds import Kind, kind_of
from .lookup import ALREADY_THERE, Finding, look_up
from .newcomers import read_newcomers
from .plan import Plan
from .report import Progress
from .scan import open_plan, scan
from .source import Given, Source
from .store import Row, Store
from .table import Rows
from .there import Survey

__all__ = ["checked", "dry_run", "plan_import"]

WINDOW: Final = 8
"""Pages that are asked for at once."""


async def dry_run(
    resource: ResourceName, source: Source | Path | str | Given
) -> Forecast:
    """Check all rows of *source* as an import does, without a key or a request.

    Raises `ImportStopError` for a file or columns that cannot be used.
    """
    stopped = threading.Event()

    def watch(_: int) -> None:
        if stopped.is_set():
            raise InterruptedError

    whole = await gathered(Source.of(source))
    try:
        return await asyncio.to_thread(checked, resource, whole, watch=watch)
    except asyncio.CancelledError:
        stopped.set()
        raise


def checked(
    resource: ResourceName,
    source: Source | Path | str | Given,
    *,
    watch: Callable[[int], None] = lambda _: None,
) -> Forecast:
    """Return what `dry_run` does, in the thread that asks."""
    plan, rows = open_plan(resource, Source.of(source))
    with _folder() as folder, closing(Store(folder / "rows", make=True)) as store:
        store.keep(resource=resource)
        scan(store, rows, plan, watch=watch)
        return forecast_of(store, looked=False, read_as=dict(rows.about))


async def plan_import(
    client: Partnero,
    resource: ResourceName,
    source: Source | Path | str | Given,
    *,
    update: bool = False,
    customers: Source | Path | str | Given | None = None,
    concurrency: int = 8,
    on_progress: Watch | None = None,
    stop: asyncio.Event | None = None,
) -> Forecast:
    """Say what an import would create, change, leave alone and refuse; send nothing.

    All rows are checked, and compared with what the program has: its lists are walked,
    eight pages at once, where that is cheaper than asking for each row. With *update*
    rows that differ from what is there are planned as changes, as `run_import` makes
    them. Rows that refer to rows of the same file are taken to find them, and sales
    their buyer among *customers*. Set *stop* to end early.

    Raises `ImportStopError` for a file or columns that cannot be used, and
    `PartneroError` for a key that is refused or an API that does not answer.
    """
    check_options(concurrency)
    check_for_sales(resource, customers=customers)
    whole = await gathered(Source.of(source))
    plan, rows = await asyncio.to_thread(open_plan, resource, whole)
    buyers = None if customers is None else await buyers_in(client, customers)
    halt = Halt(stop or asyncio.Event())

    def told(store: Store, progress: Progress) -> Forecast:
        return forecast_of(
            store,
            looked=True,
            read_as=dict(rows.about),
            requests=progress.requests,
            throttled=progress.throttled,
            elapsed=round(progress.elapsed, 3),
            interrupted=halt.stop.is_set(),
        )

    with _folder() as folder:
        async with Journal(folder / "rows") as book:
            await book.do(lambda store: store.keep(resource=resource))
            run = Run(
                client=client,
                journal=book,
                plan=plan,
                concurrency=concurrency,
                settle=0.0,
                watch=on_progress,
                halt=halt,
            )
            foresight = _Foresight(run=run, update=update)
            progress = await run.looked(foresight.take(rows, buyers))
            return await book.do(lambda store: told(store, progress))


@contextmanager
def _folder() -> Generator[Path]:
    """Make a folder for a journal that nothing is sent under; it stays for a forecast.

    The rows of the file are in it: it is for its owner only.
    """
    folder = Path(tempfile.mkdtemp(prefix="partnero-plan-"))
    try:
        yield folder
    except BaseException:
        rmtree(folder, ignore_errors=True)
        raise


@attrs.define(kw_only=True)
class _Foresight:
    run: Run
    update: bool

    @property
    def _kind(self) -> Kind:
        return kind_of(self.run.plan.resource)

    async def take(self, rows: Rows, buyers: tuple[Plan, Rows] | None) -> None:
        """Read the rows in, and see what is there of them."""
        await self.run.read(rows)
        if buyers:
            await self.run.journal.do(lambda store: read_newcomers(store, *buyers))
        await self.run.recount("looking up")
        await self._kind.probe(self.run.client)
        if self._kind.once:
            await self._meet_all()
        else:
            await Survey(
                client=self.run.client,
                journal=self.run.journal,
                sender=self.run.sender,
                concurrency=self.run.concurrency,
                window=WINDOW,
            ).take()
        if not self._kind.refers_to_itself:
            await self._each(self._check_references)

    async def _each(self, do: Any) -> None:
        await each(
            rows_in(self.run.journal, "pending"),
            do,
            concurrency=self.run.concurrency,
            halt=self.run.halt,
        )

    # --- what is there -------------------------------------------------------------

    async def _meet_all(self) -> None:
        if not await self._walk():
            await self._each(self._look)

    async def _walk(self) -> bool:
        """Compare what is listed; False where that is not all, or nothing is listed."""
        pages = self._kind.listed(self.run.client)
        most = await self.run.journal.do(Store.count_pending)
        if pages is None:
            return False
        async with aclosing(pages.pages(window=WINDOW)) as walk:
            async for page in walk:
                if page.number > most or self.run.halt:
                    return False
                await self._meet(page.items)
        return True

    async def _meet(self, records: Sequence[Any]) -> None:
        known = {
            name: record
            for record in records
            if not getattr(record, "deleted", None)
            for name in self._kind.names_in(record)
        }
        rows = await self.run.journal.do(lambda store: store.claimed(known))
        await asyncio.gather(*(self._compare(row, known[claim]) for claim, row in rows))

    async def _compare(self, row: Row, record: Any) -> None:
        sender = self.run.sender
        entry = sender.plan.read(row.cells)
        if await self._kind.differing(sender.referrers, entry.arguments, record):
            # A list may leave out fields that the record itself shows.
            await self._look(row)
        else:
            sender.settle(row, "done", code=ALREADY_THERE)

    async def _look(self, row: Row) -> None:
        if row.code == UPDATE:
            return
        sender = self.run.sender
        entry = sender.plan.read(row.cells)
        finding = await look_up(sender.referrers, sender.plan.resource, entry)
        if finding.kind == "equal":
            sender.settle(row, "done", code=ALREADY_THERE)
        elif finding.kind != "absent":
            self._differs(row, entry.arguments, finding)

    def _differs(
        self, row: Row, arguments: Mapping[str, Any], finding: Finding
    ) -> None:
        changes = self._kind.changes_for(arguments, finding.record, finding.wrong)
        if self.update and changes:
            self.run.sender.settle(
                row,
                "pending",
                code=UPDATE,
                reason=f"changes {' and '.join(changes)}",
                field=json.dumps(list(changes)),
            )
        else:
            self.run.sender.reject_conflict(row, finding)

    # --- whom rows name ------------------------------------------------------------

    async def _check_references(self, row: Row) -> None:
        """Refuse a new row that names somebody or something that is not there."""
        arguments = self.run.plan.read(row.cells).arguments
        named = [name for name in self._kind.refers if name in arguments]
        for name in named if row.code != UPDATE else ():
            if not await self._is_there(name, arguments[name]):
                self.run.sender.settle(
                    row,
                    "rejected",
                    code=f"unknown_{name}",
                    reason=f"the program has no such {name}",
                    field=name,
                )
                return

    async def _is_there(self, name: str, value: Any) -> bool:
        referrers = self.run.sender.referrers
        if name == "coupon_uuid":
            coupon = {"uuid_code": value}
            return bool(await kind_of("coupons").find(referrers, coupon))
        return await referrers.id_of(value, noun=name) is not None
