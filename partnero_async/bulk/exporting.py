"""Lists out: to a file that appears when it is whole, or to a stream as they come."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar

import attrs

from .._threads import in_thread
from .._walk import PlaceLostError, batches, check_window
from ..errors import NotFoundError
from ..pages import Pages
from ..resources.account import AccountResource
from .draft import Draft, told_of
from .forms import ExportFormat, Form, How, format_of
from .stops import ExportError

__all__ = ["Exported", "Exporting", "export"]

T = TypeVar("T")

CHUNK: Final = 1_000
"""Items that are turned from lines into the format at once."""


@attrs.define(kw_only=True)
class Exported:
    """What an export has come to, or has done so far."""

    operation: str
    """Method and route template of the list."""
    format: ExportFormat
    path: Path | None
    """None where it goes to a stream."""
    rows: int = 0
    """Items in the file, or read so far."""
    pages: int = 0
    """Pages read in this run."""
    resumed: int = 0
    """Items that were there from an earlier run."""
    defused: int = 0
    """CSV cells that begin like a formula, and got a ``'`` before it."""
    left_out: int = 0
    """Items that are archived, deleted or pending, and were not written to what is to
    be imported."""
    incomplete: int = 0
    """Sales that an import of this file makes less of than they are: a commission that
    is shared, rejected or no money, or a product that is no text and no number."""
    elapsed: float = 0.0
    """Seconds."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**attrs.asdict(self), "path": self.path and str(self.path)}


async def export(
    pages: Pages[T],
    target: Path | str | BinaryIO,
    *,
    format: ExportFormat | None = None,  # noqa: A002 - as other libraries name it
    window: int = 1,
    raw: bool = False,
    importable: bool = False,
    resume: bool = True,
    on_progress: Callable[[Exported], None] | None = None,
) -> Exported:
    """Write all items of a list to a file, or to a binary stream.

    *format* is that of the file's name where it is left out. *window* pages are asked
    for at once. *on_progress* is told of each page.

    The file appears when it is whole. Until then ``FILE.part`` has what is there, and
    the same export goes on with it, wherever it was stopped or killed, each item once;
    *resume* off begins anew. What is added to the list or deleted from it meanwhile may
    be in the file or not. A stream is written as the pages come.

    CSV: a cell that begins like a formula gets a ``'`` before it, except for numbers;
    *raw* leaves all cells as they are. *importable* writes the columns that
    `run_import` takes, and leaves out what is archived, deleted or pending; an import
    takes the ``'`` off again. JSON lines have each member of the model, those of
    ``extra`` among them. Parquet has the columns of `Pages.to_arrow`.

    Raises `ExportError` where the file cannot be written, or what is beside it is of
    another export, `UsageError` for a format that does not go, and what reading the
    list raises.
    """
    how = How(format=format or format_of(target), raw=raw, importable=importable)
    run = Exporting(pages, target, how=how, window=window, resume=resume)
    async with aclosing(run.steps()) as steps:
        async for told in steps:
            if on_progress:
                on_progress(told)
    return run.told


class Exporting(Generic[T]):
    """One export, step by step: a step is a page, and the last one the file's end."""

    def __init__(
        self,
        pages: Pages[T],
        target: Path | str | BinaryIO,
        *,
        how: How,
        window: int,
        resume: bool,
    ) -> None:
        how.check(pages.model)
        check_window(window)
        self._pages = pages
        self._target = _whole_path(target) if isinstance(target, str | Path) else target
        self._how = how
        self._window = window
        self._resume = resume
        self._began = time.monotonic()
        path = self._target if isinstance(self._target, Path) else None
        if path and not path.parent.is_dir():
            raise ExportError(f"{path}: there is no folder {path.parent}")
        self.told: Exported = Exported(
            operation=pages.operation, format=how.format, path=path
        )
        """What it has come to."""

    def steps(self) -> AsyncGenerator[Exported]:
        """Return what does it, and says how far it is."""
        target = self._target
        if isinstance(target, Path):
            return self._to_file(target)
        return self._to_stream(target)

    async def _to_stream(self, out: BinaryIO) -> AsyncGenerator[Exported]:
        form = self._how.open(self._pages.model, out)
        async with aclosing(self._walk(1, ())) as walk:
            async for _, items in walk:
                form.write(items)
                out.flush()  # whoever reads it has the pages as they come
                yield self._page(form.rows)
        form.close()
        yield self._end(form)

    async def _to_file(self, path: Path) -> AsyncGenerator[Exported]:
        with closing(Draft[T](path, self._pages.model)) as draft:
            about = await self._about()
            behind = await in_thread(partial(draft.open, about, resume=self._resume))
            self.told.resumed = draft.whole.rows
            try:
                async with aclosing(self._filled(draft, behind)) as filled:
                    async for told in filled:
                        yield told
            except PlaceLostError:
                await in_thread(draft.begin_anew)
                self.told.resumed = 0
                async with aclosing(self._filled(draft, ())) as filled:
                    async for told in filled:
                        yield told
            yield await self._finished(draft)

    async def _filled(
        self, draft: Draft[T], behind: Sequence[T]
    ) -> AsyncGenerator[Exported]:
        """Put what is behind the last items into the draft, page by page."""
        async with aclosing(self._walk(draft.whole.page, behind)) as walk:
            async for number, items in walk:
                await in_thread(partial(draft.add, number, items))
                yield self._page(draft.whole.rows)

    async def _about(self) -> dict[str, Any]:
        """Say what is exported: what is there of anything else is not gone on with."""
        return {
            "list": self._pages.name,
            "program": await self._program(),
            **attrs.asdict(self._how),
        }

    async def _program(self) -> str:
        transport = self._pages.transport
        try:
            account = await AccountResource(transport).test()
        except NotFoundError:
            # The key check is known from one source only. The address has to do.
            return transport.settings.base_url
        program = account.program
        return (program and program.pub_id) or transport.settings.base_url

    def _walk(
        self, start: int, behind: Sequence[T]
    ) -> AsyncGenerator[tuple[int, list[T]]]:
        return batches(
            self._pages, start, behind=behind, window=self._window, prefetch=True
        )

    async def _finished(self, draft: Draft[T]) -> Exported:
        if self._how.format == "jsonl":
            await in_thread(partial(draft.become, draft.part))
            return self._end()
        with told_of(draft.new), draft.new.open("wb") as out:
            form = self._how.open(self._pages.model, out)
            chunks = draft.batches(CHUNK)
            while await in_thread(partial(_written, form, chunks)):
                pass
            await in_thread(form.close)
        await in_thread(partial(draft.become, draft.new))
        return self._end(form)

    def _page(self, rows: int) -> Exported:
        self.told.pages += 1
        self.told.rows = rows
        self.told.elapsed = time.monotonic() - self._began
        return self.told

    def _end(self, form: Form | None = None) -> Exported:
        self.told.elapsed = time.monotonic() - self._began
        if form:
            self.told.rows, self.told.defused = form.rows, form.defused
            self.told.left_out = form.left_out
            self.told.incomplete = form.incomplete
        return self.told


def _written(form: Form, chunks: Iterator[list[Any]]) -> bool:
    """Write some items more; False at their end."""
    items = next(chunks, None)
    if items:
        form.write(items)
    return bool(items)


def _whole_path(target: Path | str) -> Path:
    """Follow links: the file is replaced, and not the link to it."""
    return Path(os.path.realpath(target))
