"""Who buys: the customers of either type of program, as rows and sales name them.

In an affiliate program sales name a customer by its key. In a refer-a-friend program
they name it by its private id, and its key is in no sale: there rows that have the key,
or the address, are compared by asking whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import attrs

from ..client import Partnero
from ..errors import WrongProgramError
from ..models import Customer, Referral, Transaction
from ..pages import Pages
from ..resources.referrals import AWAY
from .records import (
    customers_at,
    customers_keyed,
    named,
    referral_names,
    referrals,
)
from .referrers import Referrers

__all__ = [
    "Buyer",
    "Buyers",
    "Customers",
    "Friends",
    "buyer_in",
    "refers_friends",
    "walked",
]

PAGE: Final = 250


class Buyer(NamedTuple):
    """A customer, as far as sales are concerned."""

    shown: str
    """How sales name it, such as ``key:c1``; nothing where they cannot."""
    names: Sequence[str]
    """All names that rows may have for it."""
    partner: str | None = None
    """Id of the partner who brought it."""
    away: bool = False
    """Whether it is deleted, or may be."""


class Buyers(Protocol):
    """The customers of a program."""

    def listed(self) -> Pages[Any]:
        """Return all of them."""
        ...

    def buyer(self, customer: Any) -> Buyer:
        """Take from one of them what sales are concerned with."""
        ...

    async def called(self, name: str) -> list[Buyer]:
        """Ask for those whom rows call *name*, such as ``email:c1@example.com``."""
        ...


@attrs.frozen
class Customers:
    """Those of an affiliate program."""

    client: Partnero

    def listed(self) -> Pages[Customer]:
        """Return all of them."""
        return self.client.customers.list(limit=PAGE)

    def buyer(self, customer: Customer) -> Buyer:
        """Take what sales are concerned with.

        Raises `WrongProgramError` for one that is plainly of the other type: where it
        cannot be asked which type a program is, its customers are the ones to tell.
        """
        if customer.key is None and "id" in customer.extra:
            raise WrongProgramError("these customers are of a refer-a-friend program")
        names = {"key": customer.key, "email": customer.email}
        return Buyer(
            named("key", customer.key) if customer.key else "",
            [named(name, value) for name, value in names.items() if value],
            customer.partner,
            away=bool(customer.deleted),
        )

    async def called(self, name: str) -> list[Buyer]:
        """Ask by address; or by key, in whose place the connector puts the id too."""
        kind, _, value = name.partition(":")
        find = customers_at if kind == "email" else customers_keyed
        return [self.buyer(customer) for customer in await find(self.client, value)]


@attrs.frozen
class Friends:
    """Those of a refer-a-friend program."""

    referrers: Referrers

    def listed(self) -> Pages[Referral]:
        """Return all of them."""
        return self.referrers.client.referrals.list(limit=PAGE)

    def buyer(self, customer: Referral) -> Buyer:
        """Take what sales are concerned with."""
        return Buyer(
            named("id", customer.id) if customer.id else "",
            [
                named(name, value)
                for name, values in referral_names(customer).items()
                for value in values
            ],
            away=customer.status in AWAY,
        )

    async def called(self, name: str) -> list[Buyer]:
        """Ask by id; or by key or address, once for all rows with the same one."""
        kind, _, value = name.partition(":")
        if kind == "id":
            found = await referrals(self.referrers, {"id": value})
            return [self.buyer(customer) for customer in found]
        known = await self.referrers.id_of({kind: value}, noun="customer")
        return [Buyer(named("id", known), [name])] if known else []


async def walked(
    referrers: Referrers, walk: Callable[[Buyers], Awaitable[bool]]
) -> tuple[Buyers, bool]:
    """Walk the list of those who buy; return who that is, and what *walk* returned.

    The first page tells the type of the program: to ask for it beforehand would be one
    more request for each import.
    """
    customers = Customers(referrers.client)
    try:
        return customers, await walk(customers)
    except WrongProgramError:
        friends = Friends(referrers)
        return friends, await walk(friends)


async def refers_friends(client: Partnero) -> bool:
    """Say whether this is a refer-a-friend program, as far as the key may know."""
    transport = client.transactions.list().transport
    now = asyncio.get_running_loop().time()
    deadline = now + transport.settings.timeout
    own = await transport.program.type(transport.line, transport.settings, deadline)
    return own == "refer_a_friend"


def buyer_in(sale: Transaction) -> str | None:
    """Name the buyer as a sale does, such as ``key:c1``; None for nobody.

    A sale that says who was referred is one of a refer-a-friend program, and its
    customer is who referred.
    """
    if sale.referred_customer:
        return named("id", sale.referred_customer)
    return named("key", sale.customer) if sale.customer else None
