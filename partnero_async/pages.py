"""Lists of the API, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ._convert import UNKNOWN
from ._wire import next_page, request
from .errors import UnexpectedBodyError, UsageError
from .models.pages import Page
from .retries import Kind

if TYPE_CHECKING:
    from ._transport import Transport

T = TypeVar("T")

LARGEST_PAGE: Final = 250
"""Items a page that the API allows (facts.md, "pagination")."""


class Pages(Generic[T]):
    """A list of the API: ``async for item in client.partners.list(): ...``.

    Nothing is sent before the first item is asked for. Each walk starts anew. A list
    that changes meanwhile shifts under the walk: what is added or deleted while it
    goes on may be seen twice or not at all.
    """

    def __init__(
        self,
        transport: Transport,
        page: type[Page[T]],
        operation: str,
        *,
        limit: int,
        parts: Mapping[str, str] | None = None,
        **query: Any,
    ) -> None:
        if not 1 <= limit <= LARGEST_PAGE:
            raise UsageError(f"limit={limit}: give 1 to {LARGEST_PAGE} items a page")
        self._transport = transport
        self._page = page
        self._operation = operation
        self._limit = limit
        self._parts = parts
        self._query = query

    def __repr__(self) -> str:
        """Show the route and the size of a page."""
        return f"<Pages of {self._operation}, {self._limit} a page>"

    async def __aiter__(self) -> AsyncIterator[T]:
        """Walk the items of all pages."""
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncGenerator[Page[T]]:
        """Walk the pages, until one that names no next page.

        Where the API answers without links, a page that is not full is the last, and so
        is one that repeats the page before it.

        Raises `UnexpectedBodyError` when a next link leads back, or to another place.
        """
        number: int | None = 1
        before: list[T] = []
        while number is not None:
            page = await self.page(number)
            if not page.items or page.items == before:
                return
            yield page
            before = page.items
            number = self._after(page)

    async def page(self, number: int) -> Page[T]:
        """Read the page of this *number*, counted from 1."""
        if number < 1:
            raise UsageError(f"page {number}: pages are counted from 1")
        page = await self._transport.call(
            self._page,
            Kind.READ,
            self._operation,
            parts=self._parts,
            query={"limit": self._limit, "page": number, **self._query},
        )
        page.number = number
        return page

    async def first(self) -> T | None:
        """Read the first item; None where there is none."""
        page = await self.page(1)
        return page.items[0] if page.items else None

    async def collect(self) -> list[T]:
        """Read all items into a list. Mind the memory of a long one."""
        return [item async for item in self]

    def _after(self, page: Page[T]) -> int | None:
        if page.link is None:
            return None
        if page.link == UNKNOWN:
            return page.number + 1 if len(page.items) >= self._limit else None
        base = self._transport.settings.base_url
        path = request(self._operation, parts=self._parts).target
        number = next_page(page.link, base, path)
        if number <= page.number:
            raise UnexpectedBodyError(
                f"links.next of page {page.number} leads back to page {number}",
                operation=self._operation,
            )
        return number
