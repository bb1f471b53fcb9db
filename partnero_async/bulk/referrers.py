"""Whom a row means, however the row names them.

Answers name a partner, or who referred a customer, by id. A row may name them by
referral key or e-mail address, so these are asked for, once each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import attrs

from ..client import Partnero
from ..errors import NotFoundError, WrongProgramError
from ..models.referrals import Referral

__all__ = ["Referrers", "has_key", "same_address"]

KEPT: Final = 10_000
"""People whose ids are kept in memory."""


@attrs.define
class Referrers:
    """The ids of partners, and of customers who refer, as they are asked for."""

    client: Partnero
    since: float = 0.0
    """When the import began, in Unix seconds; 0 where that is not known."""
    _asked: dict[tuple[str, str, str], asyncio.Task[str | None]] = attrs.field(
        init=False, factory=dict[tuple[str, str, str], asyncio.Task[str | None]]
    )

    async def id_of(
        self, named: Mapping[str, Any], *, noun: str = "partner"
    ) -> str | None:
        """Return the id of somebody who is named by one member; None for nobody.

        *noun* is ``partner``, or ``customer`` for one of a refer-a-friend program.
        """
        ((name, value),) = named.items()
        return value if name == "id" else await self._kept(noun, name, value)

    async def _kept(self, noun: str, name: str, value: str) -> str | None:
        asked = noun, name, value
        if asked not in self._asked:
            if len(self._asked) >= KEPT:
                self._asked.pop(next(iter(self._asked)))
            # Rows that ask at the same time share one request.
            find = self._partner if noun == "partner" else self._customer
            self._asked[asked] = asyncio.ensure_future(find(name, value))
        try:
            return await self._asked[asked]
        except BaseException:
            # What failed is asked for again by the next row.
            self._asked.pop(asked, None)
            raise

    async def _partner(self, name: str, value: str) -> str | None:
        named: dict[str, Any] = {name: value}
        try:
            return (await self.client.partners.find(**named)).id
        except WrongProgramError:
            raise
        except NotFoundError:
            # That call is known from the vendor's connector only, a search from the
            # documentation; but a search may match parts, so only one is taken.
            found = await self.client.partners.search(**named).collect()
            return found[0].id if len(found) == 1 else None

    async def _customer(self, name: str, value: str) -> str | None:
        named: dict[str, Any] = {name: value}
        async for found in self.client.referrals.search(**named):
            if name == "key" and has_key(found, value):
                return found.id
            if name == "email" and same_address(found.email, value):
                return found.id
        return None


def has_key(customer: Referral, key: str) -> bool:
    """Say whether a customer has the public *key*, which is in the links only."""
    links = [customer.referral_link or "", *(customer.referral_links or [])]
    # Whether a key with signs in it is encoded in a link was never shown.
    ends = f"={key}", f"={quote(key, safe='')}"
    return any(link.endswith(ends) for link in links)


def same_address(found: str | None, wanted: str) -> bool:
    """Compare addresses: their case may change on the way."""
    return found is not None and found.casefold() == wanted.casefold()
