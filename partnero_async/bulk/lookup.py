"""What the program has under the key of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from ..client import Partnero
from ..errors import NotFoundError, WrongProgramError
from ..models import Transaction
from .fields import ResourceName
from .plan import Entry
from .referrers import Referrers
from .store import Sale

__all__ = [
    "ALREADY_THERE",
    "Finding",
    "compare",
    "different",
    "has_customer",
    "look_up",
    "other_partner",
    "sale_of",
]

ALREADY_THERE: Final = "already_there"
"""The code of rows that are done and stood in the program before."""


@attrs.frozen
class Finding:
    """What was found under a key, against what the row holds."""

    kind: Literal["absent", "equal", "different", "several"]
    reason: str
    field: str | None = None
    """The first that differs."""


EQUAL = Finding("equal", "it is there")


async def look_up(
    referrers: Referrers, resource: ResourceName, entry: Entry
) -> Finding:
    """Read by key, and compare."""
    client = referrers.client
    match resource:
        case "transactions":
            return await compare(client, entry, await _sales(client, entry.key))
        case "customers":
            records = await _customers(client, entry.key)
        case _:
            records = await _partners(client, entry.key)
    return await _compare_record(referrers, resource, entry, records)


async def _sales(client: Partnero, key: str) -> list[Sale]:
    listed = client.transactions.list(key=key, limit=100)
    return [sale_of(sale) async for sale in listed if sale.key == key]


async def _customers(client: Partnero, key: str) -> list[Any]:
    try:
        return [await client.customers.get(key)]
    except WrongProgramError:
        raise
    except NotFoundError:
        return []


async def _customers_at(client: Partnero, email: str) -> list[Any]:
    # A search may match parts: only the very address counts.
    found = client.customers.search(email=email)
    return [
        customer async for customer in found if _same_address(customer.email, email)
    ]


async def _partners(client: Partnero, email: str) -> list[Any]:
    found = client.partners.search(email=email)
    return [partner async for partner in found if _same_address(partner.email, email)]


async def has_customer(client: Partnero, name: str) -> bool:
    """Say whether the program knows the buyer *name*, such as ``key:cd-00004``."""
    kind, _, value = name.partition(":")
    return bool(await _BUYERS[kind](client, value))


_BUYERS = {"key": _customers, "id": _customers, "email": _customers_at}


# --- sales -------------------------------------------------------------------------


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


async def compare(client: Partnero, entry: Entry, sales: Sequence[Sale]) -> Finding:
    """Say what *sales*, all of the key of *entry*, mean for its row."""
    if not sales:
        return Finding("absent", f"no sale with key {entry.key} is found")
    if len(sales) > 1:
        return Finding(
            "several",
            f"{len(sales)} sales have the key {entry.key}, and each pays a commission:"
            " delete the surplus, then resolve again",
        )
    same = {
        **_same_values(entry, sales[0]),
        "customer": await _same_buyer(
            client, entry.arguments["customer"], sales[0].customer
        ),
    }
    wrong = [name for name, equal in same.items() if not equal]
    return different(entry, wrong) if wrong else EQUAL


def _same_values(entry: Entry, sale: Sale) -> Mapping[str, bool]:
    wanted = entry.arguments
    units, action = wanted.get("amount_units"), wanted.get("action")
    return {
        "amount": _same_number(sale.amount, entry.amount),
        # They go in in either case, and come out in upper case.
        "amount_units": units is None or (sale.units or "").upper() == units.upper(),
        "reward": _same_number(sale.reward, wanted.get("reward")),
        "action": action is None or sale.action == action,
    }


def _same_number(found: str | None, wanted: Decimal | None) -> bool:
    return wanted is None or (found is not None and Decimal(found) == wanted)


async def _same_buyer(
    client: Partnero, customer: Mapping[str, Any], found: str | None
) -> bool:
    """Compare by key, for answers name a buyer by it; nobody is another buyer."""
    name = next(name for name in ("key", "email", "id") if name in customer)
    if found is None or name == "key":
        return bool(found == customer[name])
    buyers = await _BUYERS[name](client, customer[name])
    return any(buyer.key == found for buyer in buyers)


# --- customers and partners --------------------------------------------------------


async def other_partner(
    referrers: Referrers, resource: ResourceName, entry: Entry, record: Any
) -> Sequence[str]:
    """Name what *record* has otherwise: the partner above it, or its referral key."""
    if resource == "customers":
        wanted = await referrers.id_of(entry.arguments["partner"])
        return () if wanted is not None and record.partner == wanted else ("partner",)
    key = entry.arguments.get("key")
    # Creation answers the links. What has none was found, and its key is not shown.
    if key is None or record.referral_link is not None:
        return ()
    wanted = await referrers.id_of({"key": key})
    return () if wanted is not None and record.id == wanted else ("key",)


COMPARED: Final[Mapping[ResourceName, Sequence[str]]] = {
    "customers": ("email", "name", "surname"),
    "partners": ("email", "name", "surname", "id"),
}


async def _compare_record(
    referrers: Referrers,
    resource: ResourceName,
    entry: Entry,
    records: Sequence[Any],
) -> Finding:
    if not records:
        return Finding("absent", f"nothing is found under {entry.key}")
    wrong = [
        name
        for name in COMPARED[resource]
        if entry.arguments.get(name) is not None
        and not _same(name, getattr(records[0], name), entry.arguments[name])
    ]
    wrong += await other_partner(referrers, resource, entry, records[0])
    return different(entry, wrong) if wrong else EQUAL


def different(entry: Entry, wrong: Sequence[str]) -> Finding:
    """Say that what is there under the key of *entry* has other values."""
    return Finding(
        "different",
        f"{entry.key} is there with another {' and '.join(wrong)}",
        field=wrong[0],
    )


def _same(name: str, found: str | None, wanted: str) -> bool:
    return _same_address(found, wanted) if name == "email" else found == wanted


def _same_address(found: str | None, wanted: str) -> bool:
    # The case of an address may change on the way; that of a key means something.
    return found is not None and found.casefold() == wanted.casefold()
