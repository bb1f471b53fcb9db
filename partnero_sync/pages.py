"""Lists of the API, a page at a time, without `await`."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from partnero_async._walk import Walk as AsyncWalk
from partnero_async.errors import UsageError
from partnero_async.models.pages import Page
from partnero_async.pages import Pages as AsyncPages

from ._portal import Portal
from ._trip import Trip

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

S = TypeVar("S")
T = TypeVar("T")


class Pages(Generic[T]):
    """A list of the API: ``for item in client.partners.list(): ...``.

    Nothing is sent before the first item is asked for; from then on the next page is
    fetched while the caller works on this one. Each walk starts anew. A list that
    changes meanwhile shifts under the walk: an item that comes by again is yielded
    once, while one that is deleted or added may be seen or not, and a deletion in front
    of the walk can hide as many items as were deleted.
    """

    def __init__(self, wrapped: AsyncPages[T], portal: Portal) -> None:
        self._wrapped = wrapped
        self._portal = portal

    def __repr__(self) -> str:
        """Show the route and the size of a page."""
        return repr(self._wrapped)

    def __iter__(self) -> Walk[T]:
        """Walk the items of all pages; leaving early cancels the fetch ahead."""
        return self.items()

    def items(self, *, window: int = 1, resume: str | None = None) -> Walk[T]:
        """Walk the items of all pages, in order.

        *window* asks for as many pages at once, which is quicker and costs up to
        ``window - 1`` requests past the end; an addition can hide items too then.
        *resume* is what `Walk.checkpoint` returned: the walk goes on behind the item
        that was yielded last. Where that has moved to another page, what stands before
        it comes again.

        Raises `UsageError` for a checkpoint of another list.
        """
        return Walk(self._wrapped.items(window=window, resume=resume), self._portal)

    def pages(self, *, window: int = 1, start: int = 1) -> Generator[Page[T]]:
        """Walk the pages from *start*, as they come, to one that names no next page.

        *window* asks for as many pages at once. Leaving early cancels what was asked
        for ahead.

        Raises `UnexpectedBodyError` when a next link leads back, or to another place.
        """
        walk = self._wrapped.pages(window=window, start=start)
        return steps(self._portal, walk)

    def page(self, number: int) -> Page[T]:
        """Read the page of this *number*, counted from 1."""
        return self._portal.run(self._wrapped.page(number))

    def first(self) -> T | None:
        """Read the first item; None where there is none."""
        return self._portal.run(self._wrapped.first())

    def collect(self, *, window: int = 1) -> list[T]:
        """Read all items into a list, *window* pages at once. Mind its memory."""
        return self._portal.run(self._wrapped.collect(window=window))

    def to_arrow(self, *, window: int = 1) -> pa.Table:
        """Read all items into a pyarrow table, *window* pages at once.

        The columns are the members of the model, whatever the list holds: money as
        ``decimal128(38, 18)``, times as ``timestamp[us, UTC]``, nested models as
        structs; what has no shape of its own, and ``extra``, as JSON texts. Needs
        ``partnero-async[arrow]``.

        Raises `UsageError` where that is missing, and for an amount that does not fit:
        nothing is rounded.
        """
        return self._portal.run(self._wrapped.to_arrow(window=window))

    def to_pandas(self, *, window: int = 1) -> pd.DataFrame:
        """Read all items into a pandas frame, *window* pages at once.

        Its columns are those of `to_arrow`, with Arrow's types behind them: whole
        numbers that are missing stay whole numbers, and money stays exact. Needs
        pandas beside ``partnero-async[arrow]``.
        """
        return self._portal.run(self._wrapped.to_pandas(window=window))

    def to_polars(self, *, window: int = 1) -> pl.DataFrame:
        """Read all items into a polars frame, *window* pages at once.

        Its columns are those of `to_arrow`. Needs polars beside
        ``partnero-async[arrow]``.
        """
        return self._portal.run(self._wrapped.to_polars(window=window))


class Walk(Generic[T]):
    """One walk through a list: an iterator that knows where it is."""

    def __init__(self, wrapped: AsyncWalk[T], portal: Portal) -> None:
        self._wrapped = wrapped
        self._items = _items(wrapped, portal)

    def __iter__(self) -> Generator[T]:
        """Return what is left of it: a walk is walked once."""
        return self._items

    def __next__(self) -> T:
        """Return the next item."""
        return next(self._items)

    def __enter__(self) -> Self:
        """Return itself; the fetch ahead is cancelled at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel what was asked for ahead."""
        self.close()

    def close(self) -> None:
        """End the walk, and cancel what was asked for ahead."""
        self._items.close()

    def checkpoint(self) -> str:
        """Return where this walk is, as a text to go on from later.

        Pass it as ``resume=`` to `Pages.items` of the same list, in this process or
        another, here or on the asynchronous side.
        """
        return self._wrapped.checkpoint()


def _items(walk: AsyncWalk[T], portal: Portal) -> Generator[T]:
    # One trip to the loop a page, and none an item.
    with closing(steps(portal, walk.batches())) as batches:
        for number, items in batches:
            for item in items:
                walk.place.reached(number, item)
                yield item


def steps(
    portal: Portal,
    walk: AsyncGenerator[S],
    *,
    patience: float = 0.0,
    imports: bool = False,
) -> Generator[S]:
    """Yield what *walk* yields, with its next step under way.

    Leaving early cancels that step, and ends the walk: a window asks for more. That is
    waited for *patience* seconds at most. *imports* is as for a `Trip`.
    """
    process = os.getpid()
    ahead = _step(walk, imports=imports)
    try:
        portal.send(ahead)
        while (came := portal.wait(ahead)) is not None:
            ahead = _step(walk, imports=imports)
            portal.send(ahead)
            yield came
            _refuse_child_of(process)
    finally:
        if os.getpid() == process:  # else it is the parent's step
            ahead.abandon(patience)
        del ahead


def _refuse_child_of(process: int) -> None:
    """Raise `UsageError` in a child of *process*, whose next step never comes here."""
    if os.getpid() != process:
        raise UsageError(
            "this was begun before the process forked, and goes on in the parent:"
            " begin anew here; a list goes on with checkpoint() of its walk as resume="
        )


def _step(walk: AsyncGenerator[S], *, imports: bool) -> Trip[S | None]:
    return Trip(_next(walk), end=partial(_end, walk), imports=imports)


async def _next(walk: AsyncGenerator[S]) -> S | None:
    return await anext(walk, None)


async def _end(walk: AsyncGenerator[S]) -> None:
    await walk.aclose()
