"""The columns of an exported CSV file: they follow from the model.

A member that is a model becomes a column a member, with a point between the names. What
has no column of its own, because this version does not know it, is in ``extra``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final, cast

import attrs
import msgspec

from .._json import encode
from .._records import is_model, item_of, members_of, record_of
from ..errors import UsageError
from ..models import Customer, Partner, Transaction
from .carried import commission_of, product_of
from .fields import ResourceName, fields_of

__all__ = ["Column", "columns_of", "extra_of", "in_force"]

EXTRA: Final = "extra"

SAME: Final[Mapping[Any, Mapping[str, str]]] = {
    Customer: {"partner": "partner.id"},
    Transaction: {"referred_customer": "customer.id"},
}
"""Members that an import knows by another name, by model."""

IMPORTS: Final[Mapping[Any, ResourceName]] = {
    Partner: "partners",
    Customer: "customers",
    Transaction: "transactions",
}


@attrs.frozen
class Column:
    """One column, and how it is read from an item."""

    name: str
    read: Callable[[Any], Any] = attrs.field(repr=False)
    write: Callable[[Any], str] = attrs.field(repr=False)

    def cell(self, item: Any) -> str:
        """Return its text for *item*; an empty one for None."""
        value = self.read(item)
        return "" if value is None else self.write(value)


def _buyer_key(sale: Transaction) -> str | None:
    return None if sale.referred_customer else sale.customer


def _who_referred(sale: Transaction) -> str | None:
    return sale.customer if sale.referred_customer else None


# An import of who referred as the buyer would pay whoever referred that one.
SPLIT: Final[Mapping[Any, Mapping[str, Sequence[Column]]]] = {
    Transaction: {
        "customer": (
            Column("customer.key", _buyer_key, str),
            Column("referring_customer", _who_referred, str),
        ),
    },
}
"""Members that are one thing or another, which has a column each, by model."""


@cache
def columns_of(model: Any, *, importable: bool = False) -> Sequence[Column]:
    """Return the columns of *model*: all, or those that an import takes.

    Raises `UsageError` for a model that no import takes.
    """
    columns = [*_columns(model, ()), Column(EXTRA, extra_of, _json)]
    if not importable:
        return columns
    if model not in IMPORTS:
        raise UsageError(f"{model.__name__}: no import takes them, export all columns")
    taken = fields_of(IMPORTS[model])
    plain = [column for column in columns if column.name in taken]
    return [*plain, *MADE.get(model, ())]


def _columns(model: Any, above: tuple[str, ...]) -> Iterator[Column]:
    names, split = SAME.get(model, {}), SPLIT.get(model, {})
    for name, kind in members_of(model).items():
        path = (*above, name)
        if name in split:
            yield from split[name]
        elif is_model(kind):
            yield from _columns(kind, path)
        else:
            shown = ".".join((*above, names.get(name, name)))
            yield Column(shown, _reader(path), _writer(kind))


def _reader(path: tuple[str, ...]) -> Callable[[Any], Any]:
    if len(path) == 1:
        return attrgetter(path[0])

    def read(item: Any) -> Any:
        for name in path:
            item = item and getattr(item, name)
        return item

    return read


# --- cells --------------------------------------------------------------------------


def _writer(kind: Any) -> Callable[[Any], str]:
    return _records if is_model(item_of(kind)) else WRITERS.get(kind, _json)


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _money(value: Any) -> str:
    return f"{value:f}"


def _moment(value: Any) -> str:
    return cast("str", msgspec.to_builtins(value))


def _texts(values: Any) -> str:
    # What an import would read as other texts keeps its quotes.
    plain = all(text and text == text.strip() and ";" not in text for text in values)
    return ";".join(values) if plain else _json(values)


def _json(value: Any) -> str:
    if isinstance(value, str):
        return value
    return encode(value).decode()


def _records(values: Any) -> str:
    return _json([record_of(value) for value in values])


WRITERS: Final[Mapping[Any, Callable[[Any], str]]] = {
    str: str,
    bool: _flag,
    int: str,
    Decimal: _money,
    datetime: _moment,
    date: _moment,
    list[str]: _texts,
}


def extra_of(item: Any) -> dict[str, Any] | None:
    """Return the members that this version does not know, those of models inside too.

    What is inside of lists has its own with it.
    """
    inner = {
        name: extra_of(value)
        for name, kind in members_of(cast("Any", type(item))).items()
        if is_model(kind) and (value := getattr(item, name)) is not None
    }
    extra = {**item.extra, **{name: more for name, more in inner.items() if more}}
    return extra or None


MADE: Final[Mapping[Any, Sequence[Column]]] = {
    Transaction: (
        Column("reward", commission_of, _money),
        Column("product_id", partial(product_of, "product_id"), str),
        Column("product_type", partial(product_of, "product_type"), str),
    )
}
"""Columns of an import that are no members, by model."""


# --- what an import may take ---------------------------------------------------------


def in_force(item: Any) -> bool:
    """Tell whether importing *item* makes no more of it than it is.

    An import makes what is active: it would pay again for a sale that was archived, and
    approve a partner who is still to be looked at.
    """
    match item:
        case Partner():
            return item.status in (None, "active") and item.approved is not False
        case Customer():
            return not item.deleted and item.deleted_at is None
        case _:
            return item.deleted_at is None
