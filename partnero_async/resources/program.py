"""The program that the API key belongs to."""

from __future__ import annotations

import asyncio
from types import NoneType
from typing import Final

from .._lookup import Lookup
from .._programs import Bound
from ..errors import UnexpectedBodyError, UsageError
from ..models.program import (
    DeletionCode,
    PortalSettings,
    Program,
    ProgramOverview,
    ProgramSettings,
)
from ..retries import Kind
from ._resource import Resource

OVERVIEW: Final = Bound("program.overview", frozenset({"affiliate", "refer_a_friend"}))
DELETE: Final = "DELETE /program"

CODE_LIVES: Final = 20.0
"""Seconds after which the API refuses a confirmation code."""
CODE_COMES: Final = 10.0
"""Seconds within which the code must come: as many at least are left to use it."""


class ProgramResource(Resource):
    """The program that the API key belongs to: one key, one program."""

    async def get(self) -> Program:
        """Read the program, with its statistics.

        What is answered depends on the program's type: see `Program`.
        """
        return await self._call(Program, Kind.READ, "GET /program")

    async def overview(self) -> ProgramOverview:
        """Read the statistics in the form of the old documentation.

        Deprecated by the vendor: `get` has them too. Not in newsletter programs.
        """
        return await self._call(
            ProgramOverview, Kind.READ, "GET /program/overview", bound=OVERVIEW
        )

    async def update(
        self,
        *,
        name: str | None = None,
        website: str | None = None,
        program_settings: ProgramSettings | None = None,
        portal_settings: PortalSettings | None = None,
    ) -> None:
        """Change the program: what is left out stays as it is.

        *name* has 255 characters at most, *website* is a complete web address of 250 at
        most. Which settings there are depends on the program's type: see
        `ProgramSettings` and `PortalSettings`. Whether newsletter programs can be
        changed is not documented.

        Raises `ValidationError` for a value that is not accepted.
        """
        body = {
            "name": name,
            "website": website,
            "program_settings": program_settings,
            "portal_settings": portal_settings,
        }
        await self._call(NoneType, Kind.STATE, "PUT /program", json=body)

    async def delete(self, *, confirm: str) -> None:
        """Delete the whole program, for good, with everything in it.

        *confirm* is the public id of the program that is meant, as `get` answers it in
        ``program.public_id`` (newsletter programs: in ``id``). The key decides which
        program is deleted, so when this is another one, `UsageError` is raised and
        nothing is deleted.

        The API deletes in two steps: it gives a code that lives 20 seconds, and deletes
        when it gets it back. Both are done here, the second within those 20 seconds and
        never twice: when its answer is lost this raises `AmbiguousWriteError`, unless
        the program is found to be gone. `ValidationError` means that the code was not
        accepted. Before the second step nothing is deleted, whatever is raised.
        """
        program = await self.get()
        public_id = program.program.public_id if program.program else program.id
        if not public_id or confirm != public_id:
            raise UsageError(
                f"confirm={confirm!r}: this key's program is {public_id!r}",
                operation=DELETE,
            )
        # The code's time runs from a moment on the other side that is not known: no
        # earlier than this one.
        asked = asyncio.get_running_loop().time()
        code = await self._call(DeletionCode, Kind.STATE, DELETE, seconds=CODE_COMES)
        if not code.confirmation_code:
            raise UnexpectedBodyError("no confirmation code came", operation=DELETE)
        left = CODE_LIVES - (asyncio.get_running_loop().time() - asked)
        await self._call(
            NoneType,
            Kind.RELATIVE,
            DELETE,
            json={"confirmation_code": code.confirmation_code},
            key=public_id,
            lookup=Lookup(Program, "GET /program", gone=True),
            seconds=left,
        )
