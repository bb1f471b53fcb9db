"""How a list is walked: pages ahead, items once, and where to go on."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from .errors import UsageError
from .models.pages import Page

if TYPE_CHECKING:
    from .pages import Pages

T = TypeVar("T")

REMEMBERED: Final = 5_000
"""Items that a walk remembers: so far may a list shift from one page to the next."""

KEYS: Final = ("id", "key", "uuid_code", "code", "email", "url")
"""What identifies an item; the first that it has."""


def identity_of(item: Any) -> Hashable:
    """Return what tells *item* from the others of its list."""
    values = (getattr(item, name, None) for name in KEYS)
    return next((value for value in values if value is not None), repr(item))


# --- pages, ahead of their use ----------------------------------------------------


async def ahead(
    pages: Pages[T], start: int, *, window: int, prefetch: bool
) -> AsyncGenerator[Page[T]]:
    """Yield the pages from *start* in order, with some of them asked for early."""
    # One page early is asked for when its number is known; a window guesses numbers.
    tasks: deque[asyncio.Task[Page[T]]] = deque()
    number: int | None = start
    try:
        while number is not None:
            if window > 1:
                _fill(tasks, pages, number, window)
            page = await (tasks.popleft() if tasks else pages.page(number))
            number = pages.after(page)
            if number is not None and number != page.number + 1:
                await _drop(tasks)
            if number is not None and prefetch:
                _fill(tasks, pages, number, window)
                await asyncio.sleep(0)  # or a consumer that never awaits gains nothing
            yield page
    finally:
        await _drop(tasks)


def _fill(
    tasks: deque[asyncio.Task[Page[T]]], pages: Pages[T], number: int, window: int
) -> None:
    while len(tasks) < window:
        tasks.append(asyncio.create_task(pages.page(number + len(tasks))))


async def _drop(tasks: deque[asyncio.Task[Any]]) -> None:
    dropped = list(tasks)
    tasks.clear()
    for task in dropped:
        task.cancel()
    await asyncio.gather(*dropped, return_exceptions=True)


# --- items, once ------------------------------------------------------------------


class Walk(Generic[T]):
    """One walk through a list: an asynchronous iterator that knows where it is."""

    def __init__(
        self, pages: Pages[T], *, window: int, prefetch: bool, resume: str | None
    ) -> None:
        self._pages = pages
        self._window = window
        self._prefetch = prefetch
        self._number, self._resumed = _read_checkpoint(pages, resume)
        self._last: T | None = None
        self._items = self._walk(self._number, self._resumed)

    def __aiter__(self) -> AsyncGenerator[T]:
        """Return what is left of it: a walk is walked once."""
        return self._items

    async def __anext__(self) -> T:
        """Return the next item."""
        return await anext(self._items)

    async def aclose(self) -> None:
        """End the walk, and cancel what was asked for ahead."""
        await self._items.aclose()

    def checkpoint(self) -> str:
        """Return where this walk is, as a text to go on from later.

        Pass it as ``resume=`` to `Pages.items` of the same list, in this process or
        another: the walk goes on behind the last item that was yielded.
        """
        last = self._last
        after = self._resumed if last is None else _digest(self._pages, last)
        where = {"list": self._pages.name, "page": self._number, "after": after}
        return json.dumps(where)

    async def _walk(self, start: int, resumed: str | None) -> AsyncGenerator[T]:
        once = (_ByKey if self._pages.unique else _ByOrder)(self._pages)
        pages = self._pages.pages(
            start=start, window=self._window, prefetch=self._prefetch
        )
        async with aclosing(pages) as walked:
            async for page in walked:
                fresh = await once.fresh(page)
                for item in _behind(fresh, resumed, self._pages):
                    self._number, self._last = page.number, item
                    yield item
                resumed = None


class _ByKey(Generic[T]):
    """Tell items that have come by before by their keys, which are unique."""

    def __init__(self, pages: Pages[T]) -> None:
        self._identity = pages.identity
        self._seen: dict[Hashable, None] = {}

    async def fresh(self, page: Page[T]) -> list[T]:
        """Return the items of *page* that have not come by before."""
        names = [self._identity(item) for item in page.items]
        pairs = zip(names, page.items, strict=True)
        fresh = [item for name, item in pairs if name not in self._seen]
        self._seen.update(dict.fromkeys(names))
        for oldest in list(self._seen)[: max(len(self._seen) - REMEMBERED, 0)]:
            del self._seen[oldest]
        return fresh


class _ByOrder(Generic[T]):
    """Tell items that have come by before by their order: they may be equal.

    A list that has shifted goes on with just the items that were the last. So does one
    where two equal items stand at the border of two pages: reading the page before
    again tells the one from the other.
    """

    def __init__(self, pages: Pages[T]) -> None:
        self._pages = pages
        self._before: Page[T] | None = None
        self._tail: list[Hashable] = []

    async def fresh(self, page: Page[T]) -> list[T]:
        """Return the items of *page* behind those by which the list has shifted."""
        names = [self._pages.identity(item) for item in page.items]
        fresh = page.items[await self._shift(page, names) :]
        self._tail = [*self._tail, *names[len(names) - len(fresh) :]][-REMEMBERED:]
        self._before = page
        return fresh

    async def _shift(self, page: Page[T], names: list[Hashable]) -> int:
        before = self._before
        if before is None:
            return 0
        if page.items == before.items:
            return len(names)
        repeated = _overlap(self._tail, names)
        if repeated and (await self._pages.page(before.number)).items == before.items:
            return 0
        return repeated


def _overlap(tail: list[Hashable], head: list[Hashable]) -> int:
    """Return how many items end the one list and begin the other."""
    sizes = range(min(len(tail), len(head)), 0, -1)
    return next((n for n in sizes if tail[-n:] == head[:n]), 0)


# --- where to go on -----------------------------------------------------------------


def _digest(pages: Pages[T], item: T) -> str:
    return blake2b(repr(pages.identity(item)).encode(), digest_size=8).hexdigest()


def _behind(items: list[T], last: str | None, pages: Pages[T]) -> list[T]:
    """Return the items behind the one that was yielded last; all, where it is gone."""
    if last is None:
        return items
    names = [_digest(pages, item) for item in items]
    return items[names.index(last) + 1 :] if last in names else items


def _read_checkpoint(pages: Pages[Any], text: str | None) -> tuple[int, str | None]:
    if text is None:
        return 1, None
    try:
        where = json.loads(text)
        name, number, last = where["list"], int(where["page"]), where["after"]
    except (ValueError, TypeError, KeyError):
        raise UsageError("this is not a checkpoint of a walk") from None
    if name != pages.name:
        raise UsageError(f"this is a checkpoint of another list: {name}")
    return number, last
