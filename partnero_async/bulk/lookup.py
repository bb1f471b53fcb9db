"""What the program has under the key of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import attrs

from ..client import Partnero
from ..errors import NotFoundError
from ..models import Transaction
from .fields import ResourceName
from .plan import Entry
from .store import Sale

__all__ = ["Finding", "compare", "has_customer", "look_up", "sale_of"]


@attrs.frozen
class Finding:
    """What was found under a key, against what the row holds."""

    kind: Literal["absent", "equal", "different", "several"]
    reason: str


EQUAL = Finding("equal", "it is there")


async def look_up(client: Partnero, resource: ResourceName, entry: Entry) -> Finding:
    """Read by key, and compare."""
    match resource:
        case "transactions":
            return compare(entry, await _sales(client, entry.key))
        case "customers":
            return _compare_record(entry, await _customers(client, entry.key))
        case _:
            return _compare_record(entry, await _partners(client, entry.key))


async def _sales(client: Partnero, key: str) -> list[Sale]:
    listed = client.transactions.list(key=key, limit=100)
    return [sale_of(sale) async for sale in listed if sale.key == key]


async def _customers(client: Partnero, key: str) -> list[Any]:
    try:
        return [await client.customers.get(key)]
    except NotFoundError:
        return []


async def _partners(client: Partnero, email: str) -> list[Any]:
    # A search may match parts: only the very address counts.
    found = client.partners.search(email=email)
    return [partner async for partner in found if _same_address(partner.email, email)]


async def has_customer(client: Partnero, name: str) -> bool:
    """Say whether the program knows the buyer *name*, such as ``key:cd-00004``."""
    kind, _, value = name.partition(":")
    if kind == "key":
        return bool(await _customers(client, value))
    found = client.customers.search(email=value)
    return any([_same_address(customer.email, value) async for customer in found])


def sale_of(sale: Transaction) -> Sale:
    """Take from a sale what is compared."""
    amount = None if sale.amount is None else str(sale.amount)
    return Sale(sale.key or "", amount, sale.customer, sale.action)


def compare(entry: Entry, sales: Sequence[Sale]) -> Finding:
    """Say what *sales*, all of the key of *entry*, mean for its row."""
    if not sales:
        return Finding("absent", f"no sale with key {entry.key} is found")
    if len(sales) > 1:
        return Finding(
            "several",
            f"{len(sales)} sales have the key {entry.key}, and each pays a commission:"
            " delete the surplus, then resolve again",
        )
    wrong = [name for name, same in _same_sale(entry, sales[0]).items() if not same]
    return _different(entry, wrong) if wrong else EQUAL


def _same_sale(entry: Entry, sale: Sale) -> Mapping[str, bool]:
    action = entry.arguments.get("action")
    return {
        "amount": entry.amount is None
        or (sale.amount is not None and Decimal(sale.amount) == entry.amount),
        "customer": _same_buyer(entry.arguments["customer"], sale.customer),
        "action": action is None or sale.action == action,
    }


def _same_buyer(customer: Mapping[str, Any], found: str | None) -> bool:
    """Compare where it can be: answers name the buyer by key, and only if known."""
    key = customer.get("key")
    return key is None or found == key


def _compare_record(entry: Entry, records: Sequence[Any]) -> Finding:
    if not records:
        return Finding("absent", f"nothing is found under {entry.key}")
    wrong = [
        name
        for name in ("email", "name", "surname")
        if entry.arguments.get(name) is not None
        and not _same(name, getattr(records[0], name), entry.arguments[name])
    ]
    return _different(entry, wrong) if wrong else EQUAL


def _different(entry: Entry, wrong: Sequence[str]) -> Finding:
    return Finding(
        "different", f"{entry.key} is there with another {' and '.join(wrong)}"
    )


def _same(name: str, found: str | None, wanted: str) -> bool:
    return _same_address(found, wanted) if name == "email" else found == wanted


def _same_address(found: str | None, wanted: str) -> bool:
    # The case of an address may change on the way; that of a key means something.
    return found is not None and found.casefold() == wanted.casefold()
