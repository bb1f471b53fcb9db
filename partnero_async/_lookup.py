"""How to find out whether a write whose answer was lost has taken effect."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, get_origin

import attrs

from ._wire import Request, request
from .models.pages import Page

if TYPE_CHECKING:
    from .models.transactions import Transaction


def always(_: Any) -> bool:
    """Accept every record."""
    return True


@attrs.define  # not frozen: one is made for each write
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

    def request(self, page: int | None = None) -> Request:
        """Return the request of the read, or of another *page* of it."""
        query = self.query if page is None else {**(self.query or {}), "page": page}
        return request(self.operation, parts=self.parts, query=query)

    @property
    def paged(self) -> bool:
        """Whether the read answers a page of records, and not one."""
        return get_origin(self.result) is Page


# One is made for each write, and hardly any is called: they are partials, which are
# made quicker than functions within functions.


def holds(**wanted: Any) -> Callable[[Any], bool]:
    """Accept a record that has these values; one of None was not sent, and is free."""
    return partial(_holds, wanted)


def _holds(wanted: Mapping[str, Any], record: Any) -> bool:
    return all(
        _equal(getattr(record, name), value, name == "email")
        for name, value in wanted.items()
        if value is not None
    )


def renamed(**wanted: Any) -> Callable[[Any], bool]:
    """Accept a record that has these values; none where no value can be compared.

    A record that is found under its new name may be another that has this name.
    """
    known = any(value is not None for value in wanted.values())
    return holds(**wanted) if known else never


def never(_: Any) -> bool:
    """Accept no record."""
    return False


def sold_to(
    customer: Mapping[str, Any],
    *,
    amount_units: str | None = None,
    reward: Decimal | float | None = None,
    created_at: float | str | None = None,
    **wanted: Any,
) -> Callable[[Any], bool]:
    """Accept a sale to this *customer* that has the values that are *wanted*.

    One that was recorded before is not accepted: keys of sales are not unique, and a
    subscription may be sold every month under the same.
    """
    return partial(
        _is_sold_to,
        customer,
        wanted,
        amount_units=amount_units,
        reward=reward,
        created_at=created_at,
        asked=time.time(),
    )


def _is_sold_to(
    customer: Mapping[str, Any],
    wanted: Mapping[str, Any],
    sale: Any,
    *,
    amount_units: str | None,
    reward: Decimal | float | None,
    created_at: float | str | None,
    asked: float,
) -> bool:
    return (
        sale.deleted_at is None  # nobody archives a sale while it is being recorded
        and _holds(wanted, sale)
        and _same_buyer(customer, sale)
        and (amount_units is None or _same_units(sale.amount_units, amount_units))
        and (reward is None or _equal(earned(sale), reward))
        and _same_time(sale.created_at, created_at, asked)
    )


def _same_buyer(customer: Mapping[str, Any], sale: Any) -> bool:
    # Answers name the buyer by key, those of refer-a-friend programs by id, beside who
    # referred. One that was named otherwise cannot be compared, and one that the
    # program does not know is answered as None.
    if sale.referred_customer is None:
        name, found = "key", sale.customer
    else:
        name, found = "id", sale.referred_customer
    wanted = customer.get(name)
    return wanted is None or found is None or _equal(found, wanted)


DAY: Final = 86400.0
"""Seconds by which no two clocks differ."""


def _same_time(
    shown: datetime | None, created_at: float | str | None, asked: float
) -> bool:
    """Say whether a sale may be the one that was *asked* for then, in Unix seconds."""
    if shown is None:
        return True
    if created_at is None:
        return shown.timestamp() > asked - DAY
    sent = _unix_seconds(created_at)
    return sent is None or int(sent) == int(shown.timestamp())


def _unix_seconds(moment: float | str) -> float | None:
    """Read a time as it was sent; None where it may mean several."""
    if not isinstance(moment, str):
        return moment
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return None if read.tzinfo is None else read.timestamp()


def _same_units(found: str | None, wanted: str) -> bool:
    # They go in in either case, and come out in upper case.
    return found is not None and found.upper() == wanted.upper()


def earned(sale: Transaction) -> Decimal:
    """Sum the rewards of a sale."""
    amounts = (reward.amount or Decimal(0) for reward in sale.rewards or ())
    return sum(amounts, Decimal(0))


def _equal(found: Any, wanted: Any, address: bool = False) -> bool:  # noqa: FBT001, FBT002
    if isinstance(wanted, float):
        return found is not None and Decimal(str(wanted)) == found
    if address and isinstance(found, str):
        # The case of an address may change on the way; that of a key means something.
        return found.casefold() == str(wanted).casefold()
    # A text without content may be answered as none at all (facts.md, section 4).
    return bool(found == wanted) or (found is None and wanted == "")
