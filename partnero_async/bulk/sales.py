"""Sales of the program beside the rows that mean them, and the buyers of both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ..client import Partnero
from ..models import Customer, Transaction
from .records import Arguments, customers_at, customers_keyed
from .referrers import Referrers
from .store import Sale

Find = Callable[[Partnero, str], Awaitable[Sequence[Customer]]]
BUYERS: Final[Mapping[str, Find]] = {
    "key": customers_keyed,
    "id": customers_keyed,
    "email": customers_at,
}


async def has_customer(client: Partnero, name: str) -> bool:
    """Say whether the program knows the buyer *name*, such as ``key:cd-00004``."""
    kind, _, value = name.partition(":")
    return bool(await BUYERS[kind](client, value))


async def sales(referrers: Referrers, arguments: Arguments) -> list[Sale]:
    """Find all sales with a key: the API does not keep it unique."""
    key = arguments["key"]
    listed = referrers.client.transactions.list(key=key, limit=100)
    return [sale_of(sale) async for sale in listed if sale.key == key]


def sale_of(sale: Transaction) -> Sale:
    """Take from a sale what is compared."""
    amount = None if sale.amount is None else str(sale.amount)
    rewards = (reward.amount or Decimal(0) for reward in sale.rewards or ())
    return Sale(
        claim=sale.key or "",
        amount=amount,
        units=sale.amount_units,
        reward=str(sum(rewards, Decimal(0))),
        customer=sale.customer,
        action=sale.action,
    )


COMPARED: Final[Mapping[str, tuple[str, Callable[[Any], object]]]] = {
    "amount": ("amount", Decimal),
    # They go in in either case, and come out in upper case.
    "amount_units": ("units", str.upper),
    "reward": ("reward", Decimal),
    "action": ("action", str),
}
"""Arguments that a sale shows: under which name, and what they are compared as."""


def unequal(
    arguments: Arguments, sale: Sale
) -> Iterator[tuple[str, object, str | None]]:
    """Yield which arguments a sale has otherwise, with both values.

    What a row does not say cannot differ.
    """
    for name, (member, plain) in COMPARED.items():
        given, found = arguments.get(name), getattr(sale, member)
        if given is not None and (found is None or plain(found) != plain(given)):
            yield name, given, found


async def other_sale(
    referrers: Referrers, arguments: Arguments, record: Sale | Transaction
) -> Sequence[str]:
    """Compare all that a row says of money and buyer."""
    sale = record if isinstance(record, Sale) else sale_of(record)
    wrong = [name for name, _, _ in unequal(arguments, sale)]
    buyer = await _same_buyer(referrers.client, arguments["customer"], sale.customer)
    return wrong if buyer else [*wrong, "customer"]


async def _same_buyer(client: Partnero, customer: Arguments, found: str | None) -> bool:
    """Compare by key, for answers name a buyer by it; nobody is another buyer."""
    name = next(name for name in ("key", "email", "id") if name in customer)
    if found is None or name == "key":
        return bool(found == customer[name])
    buyers = await BUYERS[name](client, customer[name])
    return any(buyer.key == found for buyer in buyers)
