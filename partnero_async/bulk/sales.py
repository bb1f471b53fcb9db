"""Sales of the program beside the rows that mean them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from .._lookup import earned
from ..models import Transaction
from .buyers import Customers, Friends, buyer_in
from .records import Arguments
from .referrers import Referrers
from .store import Sale


async def sales(referrers: Referrers, arguments: Arguments) -> list[Sale]:
    """Find all sales with a key: the API does not keep it unique."""
    key = arguments["key"]
    listed = referrers.client.transactions.list(key=key, limit=100)
    return [sale_of(sale) async for sale in listed if sale.key == key]


def sale_of(sale: Transaction) -> Sale:
    """Take from a sale what is compared."""
    amount = None if sale.amount is None else str(sale.amount)
    return Sale(
        claim=sale.key or "",
        amount=amount,
        units=sale.amount_units,
        reward=str(earned(sale)),
        customer=buyer_in(sale),
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
    buyer = await _same_buyer(referrers, arguments["customer"], sale.customer)
    return wrong if buyer else [*wrong, "customer"]


async def _same_buyer(
    referrers: Referrers, customer: Arguments, found: str | None
) -> bool:
    """Compare what the sale names its buyer by, else ask; nobody is another buyer."""
    if found is None:
        return False
    shown = found.partition(":")[0]
    name = next(name for name in (shown, "key", "email", "id") if name in customer)
    wanted = f"{name}:{customer[name]}"
    if name == shown:
        return found == wanted
    buyers = Friends(referrers) if shown == "id" else Customers(referrers.client)
    return any(buyer.shown == found for buyer in await buyers.called(wanted))
