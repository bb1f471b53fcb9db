"""Sales of the program beside the rows that mean them, and the buyers of both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from ..client import Partnero
from ..models import Customer, Transaction
from .records import Arguments, customers_at, customers_keyed, different
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


async def other_sale(
    referrers: Referrers, arguments: Arguments, record: Sale | Transaction
) -> Sequence[str]:
    """Compare all that a row says of money and buyer."""
    sale = record if isinstance(record, Sale) else sale_of(record)
    buyer = await _same_buyer(referrers.client, arguments["customer"], sale.customer)
    return different({**_same_values(arguments, sale), "customer": buyer})


def _same_values(wanted: Arguments, sale: Sale) -> Mapping[str, bool]:
    units, action = wanted.get("amount_units"), wanted.get("action")
    return {
        "amount": _same_number(sale.amount, wanted.get("amount")),
        # They go in in either case, and come out in upper case.
        "amount_units": units is None or (sale.units or "").upper() == units.upper(),
        "reward": _same_number(sale.reward, wanted.get("reward")),
        "action": action is None or sale.action == action,
    }


def _same_number(found: str | None, wanted: Decimal | None) -> bool:
    return wanted is None or (found is not None and Decimal(found) == wanted)


async def _same_buyer(client: Partnero, customer: Arguments, found: str | None) -> bool:
    """Compare by key, for answers name a buyer by it; nobody is another buyer."""
    name = next(name for name in ("key", "email", "id") if name in customer)
    if found is None or name == "key":
        return bool(found == customer[name])
    buyers = await BUYERS[name](client, customer[name])
    return any(buyer.key == found for buyer in buyers)
