"""How a list is walked: pages ahead, items once, and where to go on."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import aclosing
from hashlib import blake2b
from typing import Any, Final, Generic, Protocol, TypeVar, cast
from weakref import ReferenceType, ref

from .errors import UsageError
from .models.pages import Page

T = TypeVar("T")

REMEMBERED: Final = 5_000
"""Items that a walk remembers: so far may a list shift from one page to the next."""


class Listing(Protocol[T]):
    """A list that can be walked."""

    unique: bool
    identity: Callable[[T], Hashable]

    @property
    def name(self) -> str:
        """What list it is."""
        ...

    async def page(self, number: int) -> Page[T]:
        """Read one page."""
        ...

    def pages(
        self, *, window: int, prefetch: bool, start: int
    ) -> AsyncGenerator[Page[T]]:
        """Walk the pages."""
        ...

    def after(self, page: Page[T]) -> int | None:
        """Say which page is next."""
        ...


def check_window(window: int) -> None:
    """Raise `UsageError` where no page may be asked for at once."""
    if not isinstance(cast("Any", window), int) or window < 1:
        raise UsageError(f"window={window!r}: give 1 or more pages at once")


KEYS: Final = ("id", "key", "uuid_code", "code", "email", "url")
"""What identifies an item; the first that it has."""


def identity_of(item: Any) -> Hashable:
    """Return what tells *item* from the others of its list."""
    for name in KEYS:
        value: Hashable = getattr(item, name, None)
        if value is not None:
            return value
    return repr(item)


# --- pages, ahead of their use ----------------------------------------------------


async def ahead(
    pages: Listing[T], start: int, *, window: int, prefetch: bool
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
    tasks: deque[asyncio.Task[Page[T]]], pages: Listing[T], number: int, window: int
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
        self, pages: Listing[T], *, window: int, prefetch: bool, resume: str | None
    ) -> None:
        number, after = _read_checkpoint(pages, resume)
        self.place: Place[T] = Place[T](number, after)
        """Where it is."""
        self._pages = pages
        self._batches = batches(
            pages, number, after=after, window=window, prefetch=prefetch
        )
        # The generators know the place and not the walk: else only the collector would
        # end a walk that is left early, and cancel what it has asked for.
        self._items = _items(self._batches, self.place)

    def __aiter__(self) -> AsyncGenerator[T]:
        """Return what is left of it: a walk is walked once.

        Raises `UsageError` in another event loop than it was begun in.
        """
        self._refuse_elsewhere()
        return self._items

    async def __anext__(self) -> T:
        """Return the next item; raise `UsageError` in another event loop."""
        self._refuse_elsewhere()
        return await anext(self._items)

    def _refuse_elsewhere(self) -> None:
        # A loop closes its generators at its end: in the next one this walk would seem
        # to be over, and what is left of the list not to be there.
        begun = self.place.loop
        if begun is not None and begun() is not asyncio.get_running_loop():
            raise UsageError(
                "this walk was begun in another event loop, which ended it:"
                " pass its checkpoint() as resume= to go on"
            )

    async def aclose(self) -> None:
        """End the walk, and cancel what was asked for ahead."""
        await self._items.aclose()

    def batches(self) -> AsyncGenerator[tuple[int, list[T]]]:
        """Return what it walks in place of items: page numbers, each with its items.

        Who takes these notes in `place` how far they have come.
        """
        return self._batches

    def checkpoint(self) -> str:
        """Return where this walk is, as a text to go on from later.

        Pass it as ``resume=`` to `Pages.items` of the same list, in this process or
        another: the walk goes on behind the last item that was yielded.
        """
        place = self.place
        last = place.item
        after = place.after if last is None else _digest(self._pages, last)
        return json.dumps(
            {"list": self._pages.name, "page": place.number, "after": after}
        )


class Place(Generic[T]):
    """How far a walk has come."""

    __slots__ = ("after", "item", "loop", "number")

    def __init__(self, number: int, after: str | None) -> None:
        self.number: int = number
        """Page of the last item."""
        self.after: str | None = after
        """What it was resumed behind, until there is an item."""
        self.item: T | None = None
        """The item that was yielded last."""
        self.loop: ReferenceType[asyncio.AbstractEventLoop] | None = None
        """The loop that it was begun in."""

    def reached(self, number: int, item: T) -> None:
        """Note that *item* of page *number* is yielded."""
        self.number, self.item = number, item


class PlaceLostError(Exception):
    """The list has changed so much that an earlier walk cannot be gone on with."""


async def batches(
    pages: Listing[T],
    start: int,
    *,
    after: str | None = None,
    behind: Sequence[T] = (),
    window: int,
    prefetch: bool,
) -> AsyncGenerator[tuple[int, list[T]]]:
    """Yield each page's number, and its items that have not come by before.

    *behind* are the last items of an earlier walk, which page *start* ended: what has
    been added since has moved them to later pages. Raises `PlaceLostError` where they
    are not found there.
    """
    once = (_ByKey if pages.unique else _ByOrder)(pages, behind)
    lost = bool(behind)
    walked = pages.pages(start=start, window=window, prefetch=prefetch)
    async with aclosing(walked):
        async for page in walked:
            fresh = await once.fresh(page)
            lost = False
            yield page.number, _behind(fresh, after, pages)
            after = None
    if lost:  # it is so short now that there is no such page
        raise PlaceLostError


async def _items(
    batches: AsyncGenerator[tuple[int, list[T]]], place: Place[T]
) -> AsyncGenerator[T]:
    place.loop = ref(asyncio.get_running_loop())
    async with aclosing(batches):
        async for number, items in batches:
            for item in items:
                place.reached(number, item)
                yield item


class _ByKey(Generic[T]):
    """Tell items that have come by before by their keys, which are unique."""

    def __init__(self, pages: Listing[T], behind: Sequence[T]) -> None:
        self._identity = pages.identity
        self._seen: dict[Hashable, None] = dict.fromkeys(map(self._identity, behind))
        self._lost = bool(behind)

    async def fresh(self, page: Page[T]) -> list[T]:
        """Return the items of *page* that have not come by before."""
        names = [self._identity(item) for item in page.items]
        pairs = zip(names, page.items, strict=True)
        fresh = [item for name, item in pairs if name not in self._seen]
        if self._lost and len(fresh) == len(names):
            raise PlaceLostError
        self._lost = False
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

    def __init__(self, pages: Listing[T], behind: Sequence[T]) -> None:
        self._pages = pages
        self._before: Page[T] | None = None
        self._tail: list[Hashable] = [*map(pages.identity, behind)]
        self._lost = bool(behind)  # until the walk is where the earlier one ended

    async def fresh(self, page: Page[T]) -> list[T]:
        """Return the items of *page* behind those by which the list has shifted."""
        names = [self._pages.identity(item) for item in page.items]
        shift = self._known(names) if self._lost else await self._shift(page, names)
        fresh = page.items[shift:]
        self._tail = [*self._tail, *names[shift:]][-REMEMBERED:]
        self._before = page
        return fresh

    def _known(self, names: list[Hashable]) -> int:
        """Return how many items the earlier walk has had, and note where it ended."""
        size = len(names)
        last = len(self._tail) - size
        starts = range(last, -1, -1)
        at = next((n for n in starts if self._tail[n : n + size] == names), None)
        known = _overlap(self._tail, names) if at is None else size
        if not known:
            raise PlaceLostError
        self._lost = at is not None and at < last
        return known

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


def _digest(pages: Listing[T], item: T) -> str:
    return blake2b(repr(pages.identity(item)).encode(), digest_size=8).hexdigest()


def _behind(items: list[T], last: str | None, pages: Listing[T]) -> list[T]:
    """Return the items behind the one that was yielded last; all, where it is gone."""
    if last is None:
        return items
    names = [_digest(pages, item) for item in items]
    return items[names.index(last) + 1 :] if last in names else items


def _read_checkpoint(pages: Listing[Any], text: str | None) -> tuple[int, str | None]:
    if text is None:
        return 1, None
    try:
        where = json.loads(text)
        name, number, last = where["list"], int(where["page"]), where["after"]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise UsageError("this is not a checkpoint of a walk") from None
    if name != pages.name:
        raise UsageError(f"this is a checkpoint of another list: {name}")
    return number, last
