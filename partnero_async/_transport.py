"""What the resources of a client send through."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from ._call import Call
from ._lookup import Lookup
from ._session import Sessions
from ._settings import Settings
from ._wire import request
from .errors import ClientClosedError
from .pacing import Gate, shared_gate
from .retries import Kind, RetryBudget

T = TypeVar("T")


@attrs.define
class Stats:
    """What a client has sent so far."""

    requests: int = 0
    """Requests that were started, repeats and look-ups included."""
    throttled: int = 0
    """Answers of 429 among them."""


class Transport:
    """What the resources of a client send through."""

    def __init__(
        self,
        settings: Settings,
        *,
        gate: Gate | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.stats = Stats()
        self.sessions = Sessions(settings)
        self.gate = gate or shared_gate(
            settings.api_key.digest, settings.origin, settings.rate
        )
        self.budget = RetryBudget()
        self.rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self.closed = False

    async def call(
        self,
        result: type[T],
        kind: Kind,
        operation: str,
        *,
        parts: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        key: str | None = None,
        lookup: Lookup | None = None,
        returns_existing: bool = False,
    ) -> T:
        """Send *operation*, as often as its *kind* allows, and read its *result*.

        *key* names the record that is written, *lookup* finds it where the answer was
        lost. Raises a `PartneroError`, and nothing else.
        """
        if self.closed:
            raise ClientClosedError("this client is closed", operation=operation)
        sent = request(operation, parts=parts, query=query, json=json)
        now = asyncio.get_running_loop().time()
        call = Call(
            self,
            sent,
            kind,
            deadline=now + self.settings.timeout,
            key=key,
            lookup=lookup,
            returns_existing=returns_existing,
        )
        return await call.run(result)

    async def close(self) -> None:
        """Close the connections; calls after this are refused."""
        self.closed = True
        await self.sessions.close()
