"""The synchronous client, made awaitable: the same tests for both clients.

Each call is made in a thread, as the code would that this client is for, and the test
awaits the thread. Nothing else is adapted: an attribute is whatever the synchronous
object has under that name, and is awaited exactly where the asynchronous one's is.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, update_wrapper
from types import GeneratorType
from typing import Any, Self

from partnero_sync import Pages, Partnero
from partnero_sync.pages import Walk
from tests.clock import at_work

THREADS = ThreadPoolExecutor(64, thread_name_prefix="caller")
END = object()


async def in_thread(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call *method* in a thread; the default threads of a loop are too few."""
    call = partial(copy_context().run, method, *args, **kwargs)
    with at_work():
        return await asyncio.get_running_loop().run_in_executor(THREADS, call)


class Awaited:
    """A synchronous object beside the asynchronous one that it is made of."""

    def __init__(self, own: Any, original: Any) -> None:
        self._own = own
        self._original = original

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            return getattr(self._original, name)
        theirs, value = getattr(self._original, name), getattr(self._own, name)
        if inspect.iscoroutinefunction(theirs):
            return update_wrapper(partial(in_thread, value), value)
        if inspect.ismethod(value):
            return update_wrapper(partial(_call, value), value)
        return awaited(value)

    def __dir__(self) -> Iterable[str]:
        return dir(self._own)

    def __repr__(self) -> str:
        return repr(self._own)

    def __reduce__(self) -> Any:
        return self._own.__reduce__()


def _call(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return awaited(method(*args, **kwargs))


class AwaitedClient(Awaited):
    """A client; made with the settings of any other."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._adopt(Partnero(*args, **settings))

    def _adopt(self, client: Partnero) -> None:
        super().__init__(client, client._async)

    async def __aenter__(self) -> Self:
        await in_thread(self._own.__enter__)
        return self

    async def __aexit__(self, *error: object) -> None:
        await in_thread(self._own.__exit__, *error)

    async def aclose(self) -> None:
        """Close it, under the name that this has on the other side."""
        await in_thread(self._own.close)


class AwaitedPages(Awaited):
    """A list."""

    def __aiter__(self) -> AwaitedWalk:
        return AwaitedWalk(iter(self._own), None)


class AwaitedWalk(Awaited):
    """A walk, of items or of pages."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await in_thread(next, self._own, END)
        if item is END:
            raise StopAsyncIteration
        return item

    def checkpoint(self) -> Any:
        """Say where it is."""
        return self._own.checkpoint()

    async def aclose(self) -> None:
        """Close it, under the name that this has on the other side."""
        await in_thread(self._own.close)


def beneath(client: Any) -> Any:
    """Return the asynchronous client that a client of either kind sends through."""
    return client._original if isinstance(client, AwaitedClient) else client


def awaited(value: Any) -> Any:
    """Return *value* so that it can be awaited, where it is one of ours."""
    match value:
        case Partnero():  # a view with other settings
            view = AwaitedClient.__new__(AwaitedClient)
            view._adopt(value)
            return view
        case Pages():
            return AwaitedPages(value, value._wrapped)
        case Walk() | GeneratorType():
            return AwaitedWalk(value, None)
        case _ if type(value).__module__.startswith("partnero_sync.resources."):
            return Awaited(value, value._wrapped)
        case _:
            return value
