"""Customers that are created with their first sale, from a file of their own.

The API creates the customer of a sale in the same call, so customers that are given
beside the sales cost no requests. Those without a sale are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..client import Partnero
from .buyers import Customers
from .journal import Journal
from .plan import Plan, RowError
from .records import named
from .scan import entry_of
from .stops import JournalError
from .store import Store
from .table import Record, Rows

__all__ = [
    "Newcomers",
    "check_newcomers",
    "introduced",
    "names_of",
    "read_newcomers",
]

NAMES: Final = ("key", "email")

SALES: Final = frozenset({"referral_url"})
"""What a sale has beside its customer, and not in it."""


def introduced(
    arguments: Mapping[str, Any], newcomer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the arguments of a sale, with its customer where that is a newcomer."""
    if newcomer is None:
        return dict(arguments)
    customer = {n: value for n, value in newcomer.items() if n not in SALES}
    return {
        **{name: newcomer[name] for name in SALES & newcomer.keys()},
        **arguments,
        "customer": {**customer, **arguments["customer"]},
        "create_customer": True,
    }


@attrs.define(kw_only=True)
class Newcomers:
    """Knows which customers are still to be created, and how."""

    client: Partnero
    journal: Journal
    again: bool = True
    """Whether a run before this one may have created some of them."""

    async def of(
        self, buyer: str | None, *, look: bool = False
    ) -> Mapping[str, Any] | None:
        """Return what creates *buyer*; None for one who is there.

        *look*: the customer may have been created a moment ago.
        """
        if buyer is None:
            return None
        found = await self.journal.do(lambda store: store.newcomer(buyer))
        if found is None:
            return None
        look = look or self.again
        if look and await Customers(self.client).called(buyer):
            await self.met(buyer)
            return None
        arguments: dict[str, Any] = json.loads(found)
        return arguments

    async def met(self, *names: str) -> None:
        """Take note that who has these *names* is there."""
        await self.journal.do(lambda store: store.know_customers(names))


def names_of(newcomer: Mapping[str, Any]) -> list[str]:
    """Return all names that sales may have for a customer."""
    return [named(name, newcomer[name]) for name in NAMES if newcomer.get(name)]


# --- their file ----------------------------------------------------------------------


def read_newcomers(store: Store, plan: Plan, rows: Rows) -> None:
    """Read the customers into the journal, or see that they are the same.

    A row that cannot be sent is kept as the reason why its sales are rejected.
    """
    seen = store.meta("newcomers")
    if seen is None:
        with store.transaction():
            store.forget_newcomers()
            for record in rows.records():
                _add(store, record, plan)
            store.keep(newcomers=rows.fingerprint)
    elif seen != rows.fingerprint:
        raise JournalError(
            f"the customers are not those that {store.path} was started with:"
            " bring that file back, or give a new journal"
        )


def _add(store: Store, record: Record, plan: Plan) -> None:
    row, cells = record.row, record.cells
    try:
        arguments = entry_of(record, plan).arguments
    except RowError as error:
        # Whoever it is about, that one has no sale then.
        problem: str | None = f"row {row} of the customers: {error.reason}"
        arguments = _named_in(cells, plan)
    else:
        problem = None
    text = None if problem else json.dumps(arguments)
    names = names_of(arguments)
    store.add_newcomer(names, row=row, arguments=text, problem=problem)


def check_newcomers(store: Store) -> None:
    """Raise `JournalError` where customers were given that were not read to the end."""
    if store.meta("customers") and store.meta("newcomers") is None:
        raise JournalError(
            f"{store.path}: the customers were not read to the end: start the import"
            " itself, with --customers"
        )


def _named_in(cells: list[str], plan: Plan) -> dict[str, str]:
    return {
        field.name: cells[position]
        for position, field in plan.takes
        if field.name in NAMES and position < len(cells) and cells[position]
    }
