"""Lists of the API, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args

import attrs

from ._convert import UNKNOWN
from ._walk import Walk, ahead, check_window, identity_of
from ._wire import next_page, request
from .errors import UsageError
from .models.pages import Page
from .retries import Kind

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from ._programs import Bound
    from ._transport import Transport

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Bounds:
    """How many items a page may have (facts.md, "pagination")."""

    smallest: int = 1
    largest: int = 250


ANY_SIZE = Bounds()


class Pages(Generic[T]):
    """A list of the API: ``async for item in client.partners.list(): ...``.

    Nothing is sent before the first item is asked for, and each walk starts anew. A
    list that changes meanwhile shifts under the walk: an item that comes by again is
    yielded once, while one that is deleted or added may be seen or not, and a deletion
    in front of the walk can hide as many items as were deleted.
    """

    def __init__(
        self,
        transport: Transport,
        page: type[Page[T]],
        operation: str,
        *,
        limit: int,
        parts: Mapping[str, str] | None = None,
        bounds: Bounds = ANY_SIZE,
        identity: Callable[[T], Hashable] | None = None,
        bound: Bound | None = None,
        **query: Any,
    ) -> None:
        whole = isinstance(cast("Any", limit), int)
        if not whole or not bounds.smallest <= limit <= bounds.largest:
            raise UsageError(
                f"limit={limit}: give {bounds.smallest} to {bounds.largest} a page"
            )
        self._page = page
        self._limit = limit
        self._parts = parts
        self._bound = bound
        self._query = query
        self.transport: Transport = transport
        """What it is read through."""
        self.operation = operation
        """Method and route template."""
        self.unique: bool = identity is None
        """Whether an item has a key that no other item of the list has."""
        self.identity: Callable[[T], Hashable] = identity or identity_of
        """What tells an item from others."""

    def __repr__(self) -> str:
        """Show the route and the size of a page."""
        return f"<Pages of {self.operation}, {self._limit} a page>"

    def __aiter__(self) -> Walk[T]:
        """Walk the items of all pages."""
        return self.items()

    def items(
        self, *, window: int = 1, prefetch: bool = False, resume: str | None = None
    ) -> Walk[T]:
        """Walk the items of all pages, in order.

        *prefetch* asks for the next page while this one is worked on. *window* asks for
        as many pages at once, which is quicker and costs up to ``window - 1`` requests
        past the end; an addition can hide items too then. *resume* is what
        `Walk.checkpoint` returned: the walk goes on behind the item that was yielded
        last. Where that has moved to another page, what stands before it comes again.

        Raises `UsageError` for a checkpoint of another list.
        """
        check_window(window)
        return Walk(self, window=window, prefetch=prefetch, resume=resume)

    async def pages(
        self, *, window: int = 1, prefetch: bool = False, start: int = 1
    ) -> AsyncGenerator[Page[T]]:
        """Walk the pages from *start*, as they come, to one that names no next page.

        Where the API answers without links, a page that is not full is the last, and so
        is one that repeats the page before it. *window* and *prefetch* are as in
        `items`.

        Raises `UnexpectedBodyError` when a next link leads back, or to another place.
        """
        check_window(window)
        before: list[T] | None = None
        repeats = 0
        fetched = ahead(self, start, window=window, prefetch=prefetch)
        async with aclosing(fetched) as walked:
            async for page in walked:
                repeats = repeats + 1 if page.items == before else 0
                # A list that grew by just one page shows the same page again, once.
                allowed = 0 if page.link == UNKNOWN else 1
                if not page.items or repeats > allowed:
                    return
                yield page
                before = page.items

    async def page(self, number: int) -> Page[T]:
        """Read the page of this *number*, counted from 1."""
        if number < 1:
            raise UsageError(f"page {number}: pages are counted from 1")
        page = await self.transport.call(
            self._page,
            Kind.READ,
            self.operation,
            parts=self._parts,
            query={"limit": self._limit, "page": number, **self._query},
            bound=self._bound,
        )
        page.number = number
        return page

    async def first(self) -> T | None:
        """Read the first item; None where there is none."""
        page = await self.page(1)
        return page.items[0] if page.items else None

    async def collect(self, *, window: int = 1) -> list[T]:
        """Read all items into a list, *window* pages at once. Mind its memory."""
        return [item async for item in self.items(window=window)]

    async def to_arrow(self, *, window: int = 1) -> pa.Table:
        """Read all items into a pyarrow table, *window* pages at once.

        The columns are the members of the model, whatever the list holds: money as
        ``decimal128(38, 18)``, times as ``timestamp[us, UTC]``, nested models as
        structs; what has no shape of its own, and ``extra``, as JSON texts. Needs
        ``partnero-async[arrow]``.

        Raises `UsageError` where that is missing, and for an amount that does not fit:
        nothing is rounded.
        """
        from ._frames import batch_of, schema_of, table_of  # noqa: PLC0415 - on use

        schema_of(self.model)  # what is missing is missed before anything is sent
        walk = self.items(window=window).batches()
        async with aclosing(walk) as walked:
            rows = [batch_of(self.model, items) async for _, items in walked]
        return table_of(self.model, rows)

    async def to_pandas(self, *, window: int = 1) -> pd.DataFrame:
        """Read all items into a pandas frame, *window* pages at once.

        Its columns are those of `to_arrow`, with Arrow's types behind them: whole
        numbers that are missing stay whole numbers, and money stays exact. Needs
        pandas beside ``partnero-async[arrow]``.
        """
        from ._frames import needed, pandas_of  # noqa: PLC0415 - on use

        needed("pandas")
        return pandas_of(await self.to_arrow(window=window))

    async def to_polars(self, *, window: int = 1) -> pl.DataFrame:
        """Read all items into a polars frame, *window* pages at once.

        Its columns are those of `to_arrow`. Needs polars beside
        ``partnero-async[arrow]``.
        """
        from ._frames import needed, polars_of  # noqa: PLC0415 - on use

        needed("polars")
        return polars_of(await self.to_arrow(window=window))

    def after(self, page: Page[T]) -> int | None:
        """Return the number of the page behind *page*; None where it is the last."""
        if page.link is None:
            return None
        if page.link == UNKNOWN:
            return page.number + 1 if len(page.items) >= self._limit else None
        base = self.transport.settings.base_url
        asked = request(self.operation, parts=self._parts)
        return next_page(page.link, base, asked, page.number)

    @property
    def model(self) -> Any:
        """The class of its items."""
        (kind,) = get_args(self._page)
        return kind

    @property
    def name(self) -> str:
        """What list this is, filters included; its checkpoints carry it."""
        given = {k: v for k, v in self._query.items() if v is not None}
        return f"{self.operation} {self._parts or {}} {given} {self._limit}"
