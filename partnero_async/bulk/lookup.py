"""What the program has under the key of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from .. import retries
from ..models.transactions import Transaction
from .carried import PRODUCT
from .kinds import ResourceName, kind_of
from .plan import Entry
from .referrers import Referrers

__all__ = [
    "ALREADY_THERE",
    "CONFLICT",
    "CREATED",
    "EQUAL",
    "UPDATED",
    "Finding",
    "compare",
    "different",
    "look_closely",
    "look_up",
]

ALREADY_THERE: Final = "already_there"
"""The code of rows that are done and stood in the program before."""

CONFLICT: Final = "conflict"
"""The code of rows that are rejected, since what is there has other values."""


@attrs.frozen
class Finding:
    """What was found under a key, against what the row holds."""

    kind: Literal[
        "created", "updated", "absent", "equal", "different", "several", "unlike"
    ]
    reason: str
    wrong: Sequence[str] = ()
    """The fields that differ."""
    record: Any = attrs.field(default=None, repr=False)
    """What is there, where it differs."""

    @property
    def field(self) -> str | None:
        """The first field that differs."""
        return next(iter(self.wrong), None)


EQUAL: Final = Finding("equal", "it is there")
UPDATED: Final = "updated"
"""The code of rows that are done and changed what stood in the program before."""

CREATED: Final = Finding("created", "it was not there before")


async def look_up(
    referrers: Referrers, resource: ResourceName, entry: Entry
) -> Finding:
    """Read by key, and compare."""
    found = await kind_of(resource).find(referrers, entry.arguments)
    return await compare(referrers, resource, entry, found)


async def look_closely(referrers: Referrers, entry: Entry) -> Finding:
    """Read a sale by key, and compare all that went in a batch."""
    key = entry.key
    listed = referrers.client.transactions.list(key=key, limit=100)
    found = [sale async for sale in listed if sale.key == key]
    finding = await compare(referrers, "transactions", entry, found)
    wrong = _unlike(entry, found[0]) if finding.kind == "equal" else ()
    reason = f"{key} is there with another {' and '.join(wrong)}"
    return Finding("unlike", reason, wrong=wrong) if wrong else finding


def _unlike(entry: Entry, shown: Transaction) -> Sequence[str]:
    """Name what is not compared of a sale that went alone, and is otherwise."""
    wanted = entry.arguments
    date = wanted.get("created_at")
    wrong = ["date"] if date and _seconds(date) != _seconds(shown.created_at) else []
    products = [reward.product_type_data for reward in shown.rewards or ()]
    return wrong + [
        name
        for name in PRODUCT
        if name in wanted
        and not all(
            isinstance(product, Mapping) and str(product.get(name)) == str(wanted[name])
            for product in products
        )
    ]


def _seconds(moment: Any) -> int | None:
    return int(moment.timestamp()) if moment else None


async def compare(
    referrers: Referrers, resource: ResourceName, entry: Entry, found: Sequence[Any]
) -> Finding:
    """Say what the records *found*, all of the key of *entry*, mean for its row."""
    kind = kind_of(resource)
    if not found:
        return Finding("absent", f"nothing is found under {entry.key}")
    if kind.write is retries.Kind.MONEY and len(found) > 1:
        return Finding(
            "several",
            f"{len(found)} sales have the key {entry.key}, and each pays a commission:"
            " delete the surplus, then resolve again",
        )
    wrong = await kind.differing(referrers, entry.arguments, found[0])
    return different(entry, wrong, found[0]) if wrong else EQUAL


def different(entry: Entry, wrong: Sequence[str], record: Any = None) -> Finding:
    """Say that what is there under the key of *entry* has other values."""
    return Finding(
        "different",
        f"{entry.key} is there with another {' and '.join(wrong)}",
        wrong=wrong,
        record=record,
    )
