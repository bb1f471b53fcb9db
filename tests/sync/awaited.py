"""The synchronous client, made awaitable: the same tests for both clients."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

from partnero_sync import Pages, Partnero

RESOURCES = ("account", "customers", "partners", "transactions")


class AwaitedPages:
    """A list whose calls wait in another thread."""

    def __init__(self, pages: Pages[Any]) -> None:
        self._pages = pages

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Walk the items, as the caller's thread would."""
        for item in await asyncio.to_thread(list, self._pages):
            yield item

    def __getattr__(self, name: str) -> Any:
        return awaited(getattr(self._pages, name))


class AwaitedResource:
    """A resource whose calls wait in another thread."""

    def __init__(self, resource: object) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._resource, name)
        # With annotations as text, which is how this project writes them.
        if inspect.signature(method).return_annotation.startswith("Pages["):
            return lambda *args, **kwargs: AwaitedPages(method(*args, **kwargs))
        return awaited(method)


class AwaitedClient:
    """A client whose calls wait in another thread."""

    def __init__(self, client: Partnero) -> None:
        self._client = client

    def __repr__(self) -> str:
        return repr(self._client)

    def __reduce__(self) -> Any:
        return self._client.__reduce__()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        return AwaitedResource(value) if name in RESOURCES else value


def awaited(method: Any) -> Any:
    """Turn a method into one that waits in another thread."""

    async def wait(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(method, *args, **kwargs)

    return wait
