"""How to find out whether a write whose answer was lost has taken effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, get_origin

import attrs

from .models.pages import Page


def always(_: Any) -> bool:
    """Accept every record."""
    return True


@attrs.frozen
class Lookup:
    """A read that finds what a write would leave behind."""

    result: Any
    """A model, or a `Page` of one."""
    operation: str
    parts: Mapping[str, str] | None = attrs.field(default=None, kw_only=True)
    query: Mapping[str, Any] | None = attrs.field(default=None, kw_only=True)
    mine: Callable[[Any], bool] = attrs.field(default=always, kw_only=True)
    """Whether a record that was found has the key in question."""
    same: Callable[[Any], bool] = attrs.field(default=always, kw_only=True)
    """Whether it holds what was written."""
    gone: bool = attrs.field(default=False, kw_only=True)
    """The write was a deletion: it has taken effect when nothing is found."""

    @property
    def paged(self) -> bool:
        """Whether the read answers a page of records, and not one."""
        return get_origin(self.result) is Page


def holds(**wanted: Any) -> Callable[[Any], bool]:
    """Accept a record that has these values; one of None was not sent, and is free."""
    return lambda record: all(
        _equal(getattr(record, name), value, name == "email")
        for name, value in wanted.items()
        if value is not None
    )


def sold_to(
    customer: Mapping[str, Any], *, amount: Decimal | float | None, action: str | None
) -> Callable[[Any], bool]:
    """Accept a sale of this *amount* and *action* to this *customer*."""
    # Answers name the customer by key. One that was named otherwise cannot be compared,
    # and one that the program does not know is answered as None.
    key = customer.get("key")
    fits = holds(amount=amount, action=action)
    return lambda sale: (
        fits(sale)
        and (key is None or sale.customer is None or _equal(sale.customer, key))
    )


def _equal(found: Any, wanted: Any, address: bool = False) -> bool:  # noqa: FBT001, FBT002
    if isinstance(wanted, float):
        return found is not None and Decimal(str(wanted)) == found
    if address and isinstance(found, str):
        # The case of an address may change on the way; that of a key means something.
        return found.casefold() == str(wanted).casefold()
    return bool(found == wanted)
