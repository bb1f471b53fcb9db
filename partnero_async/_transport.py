"""What the resources of a client send through."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_origin

from ._call import Call
from ._line import Line
from ._lookup import Lookup
from ._programs import REFUSALS, Bound, OwnProgram, explained, mismatch
from ._settings import Settings
from ._wire import path_part, request
from .errors import RefusedError, WrongProgramError
from .models.pages import Page
from .pacing import Gate
from .retries import Kind

if TYPE_CHECKING:
    from .telemetry import Telemetry

T = TypeVar("T")


class Transport:
    """What the resources of a client send through: a line, and how to use it."""

    def __init__(
        self,
        settings: Settings,
        *,
        gate: Gate | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.line: Line = Line(settings, gate=gate, rng=rng)
        self.program: OwnProgram = OwnProgram()

    def view(self, settings: Settings) -> Self:
        """Return another way to use the same line."""
        view = copy.copy(self)
        view.settings = settings
        return view

    def call(
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
    ) -> Coroutine[Any, Any, T]:
        """Return what sends *operation*, and reads its *result*: await it at once.

        It is sent as often as its *kind* allows.

        *key* names the record that is written, *lookup* finds it where the answer was
        lost. *bound* is the resource, where not every type of program has it. *seconds*
        is for a call that has less time than others. Raises a `PartneroError`, and
        nothing else.
        """
        self.line.check(operation)
        sent = request(operation, parts=parts, query=query, json=json)
        if lookup is not None and lookup.parts:
            for name, value in lookup.parts.items():
                path_part(name, value)  # now, and not once it is in doubt
        now = asyncio.get_running_loop().time()
        timeout = self.settings.timeout
        call = Call(
            self.line,
            self.settings,
            sent,
            kind,
            deadline=now + (timeout if seconds is None else min(seconds, timeout)),
            key=key,
            lookup=lookup,
            returns_existing=returns_existing,
        )
        # One coroutine, and not one that waits for another.
        telemetry = self.settings.telemetry
        if telemetry is None:
            return self._run(call, result, bound)
        return self._told(telemetry, call, result, bound)

    async def _told(
        self,
        telemetry: Telemetry,
        call: Call,
        result: type[T],
        bound: Bound | None,
    ) -> T:
        with telemetry.operation(call.operation):
            return await self._run(call, result, bound)

    async def _run(self, call: Call, result: type[T], bound: Bound | None) -> T:
        shared = bound is not None and bound.shared
        try:
            if bound is not None and shared and call.kind is not Kind.READ:
                # The write would be taken, and change what it was not meant for.
                await self._refuse_mismatch(bound, call)
            value = await call.run(result)
            if bound is not None and shared:
                paged = get_origin(result) is Page
                if bound.is_other(value, paged=paged):
                    await self._refuse_mismatch(bound, call)
        except RefusedError as error:
            if bound is None or error.status not in REFUSALS:
                raise
            own = await self.program.type(self.line, self.settings, call.deadline)
            wrong = explained(error, bound, own)
            if wrong is None:
                raise
            raise wrong from error
        except asyncio.CancelledError as cancelled:
            # It stays one, for whoever has cancelled; what it was about is its cause.
            raise cancelled from call.cancelled()
        return value

    async def _refuse_mismatch(self, bound: Bound, call: Call) -> None:
        own = await self.program.type(self.line, self.settings, call.deadline)
        reason = mismatch(bound, own)
        if reason is not None:
            raise WrongProgramError(reason, operation=call.operation)

    async def close(self) -> None:
        """Close the connections; calls after this are refused."""
        await self.line.close()
