"""What the resources of a client send through."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any, TypeVar, get_origin

from ._call import Call, Line
from ._lookup import Lookup
from ._programs import REFUSALS, Bound, OwnProgram, explained, mismatch
from ._settings import Settings
from ._wire import request
from .errors import ClientClosedError, RefusedError, WrongProgramError
from .models.pages import Page
from .pacing import Gate
from .retries import Kind

T = TypeVar("T")


class Transport(Line):
    """What the resources of a client send through."""

    def __init__(
        self,
        settings: Settings,
        *,
        gate: Gate | None = None,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(settings, gate=gate, rng=rng)
        self.program: OwnProgram = OwnProgram()

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
        bound: Bound | None = None,
        seconds: float | None = None,
    ) -> T:
        """Send *operation*, as often as its *kind* allows, and read its *result*.

        *key* names the record that is written, *lookup* finds it where the answer was
        lost. *bound* is the resource, where not every type of program has it. *seconds*
        is for a call that has less time than others. Raises a `PartneroError`, and
        nothing else.
        """
        if self.closed:
            raise ClientClosedError("this client is closed", operation=operation)
        sent = request(operation, parts=parts, query=query, json=json)
        now = asyncio.get_running_loop().time()
        timeout = self.settings.timeout
        deadline = now + (timeout if seconds is None else min(seconds, timeout))
        call = Call(
            self,
            sent,
            kind,
            deadline=deadline,
            key=key,
            lookup=lookup,
            returns_existing=returns_existing,
        )
        if bound is not None and bound.shared and kind is not Kind.READ:
            # The write would be taken, and change what it was not meant for.
            await self._refuse_mismatch(bound, operation, deadline)
        try:
            value = await call.run(result)
            paged = get_origin(result) is Page
            if bound and bound.shared and bound.is_other(value, paged=paged):
                await self._refuse_mismatch(bound, operation, deadline)
        except RefusedError as error:
            if bound is None or error.status not in REFUSALS:
                raise
            own = await self.program.type(self, deadline)
            wrong = explained(error, bound, own)
            if wrong is None:
                raise
            raise wrong from error
        return value

    async def _refuse_mismatch(
        self, bound: Bound, operation: str, deadline: float
    ) -> None:
        reason = mismatch(bound, await self.program.type(self, deadline))
        if reason is not None:
            raise WrongProgramError(reason, operation=operation)

    async def close(self) -> None:
        """Close the connections; calls after this are refused."""
        self.closed = True
        await self.sessions.close()
