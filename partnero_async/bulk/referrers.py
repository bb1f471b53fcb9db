"""Which partner a row means, however the row names it.

Answers name a partner by id. A row may name it by referral key or e-mail address, so
these are asked for, once each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..client import Partnero
from ..errors import NotFoundError, WrongProgramError

__all__ = ["Referrers"]

KEPT: Final = 10_000
"""Partners whose ids are kept in memory."""


@attrs.define
class Referrers:
    """The ids of partners, as they are asked for."""

    client: Partnero
    _asked: dict[tuple[str, str], asyncio.Task[str | None]] = attrs.field(
        init=False, factory=dict[tuple[str, str], asyncio.Task[str | None]]
    )

    async def id_of(self, partner: Mapping[str, Any]) -> str | None:
        """Return the id of a partner that is named by one member; None for nobody."""
        ((name, value),) = partner.items()
        return value if name == "id" else await self._kept(name, value)

    async def _kept(self, name: str, value: str) -> str | None:
        asked = name, value
        if asked not in self._asked:
            if len(self._asked) >= KEPT:
                self._asked.pop(next(iter(self._asked)))
            # Rows that ask at the same time share one request.
            self._asked[asked] = asyncio.ensure_future(self._find(name, value))
        try:
            return await self._asked[asked]
        except BaseException:
            # What failed is asked for again by the next row.
            self._asked.pop(asked, None)
            raise

    async def _find(self, name: str, value: str) -> str | None:
        try:
            return (await self.client.partners.find(**{name: value})).id
        except WrongProgramError:
            raise
        except NotFoundError:
            # That call is known from the vendor's connector only, a search from the
            # documentation; but a search may match parts, so only one is taken.
            named: dict[str, Any] = {name: value}
            found = await self.client.partners.search(**named).collect()
            return found[0].id if len(found) == 1 else None
