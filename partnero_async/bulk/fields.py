"""The columns an import accepts: they follow from the create method's signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as is_nested

import attrs

from ..models.partners import PartnerRef
from ..resources.customers import CustomersResource
from ..resources.partners import PartnersResource
from ..resources.transactions import TransactionsResource
from . import cells

__all__ = ["EXCLUSIVE", "REQUIRED", "Field", "ResourceName", "fields_of"]

ResourceName = Literal["partners", "customers", "transactions"]
"""What can be imported."""

Parse = Callable[[str], Any]

CREATES: Final[Mapping[ResourceName, Callable[..., Any]]] = {
    "partners": PartnersResource.create,
    "customers": CustomersResource.create,
    "transactions": TransactionsResource.create,
}

# Without a key a sale cannot be looked up, so the import wants one where the API does
# not. Of each group one is needed.
REQUIRED: Final[Mapping[ResourceName, Sequence[Sequence[str]]]] = {
    "partners": (("email",),),
    "customers": (("key",), ("partner.key", "partner.id", "partner.email")),
    "transactions": (
        ("key",),
        ("customer.key", "customer.email", "customer.id"),
        ("amount", "reward"),
    ),
}


@attrs.frozen
class Field:
    """One field of a row, and how the text of its cell is read."""

    name: str
    """As columns and `--map` spell it, such as ``customer.partner.key``."""
    path: tuple[str, ...]
    """Where it goes in the arguments of the create method."""
    parse: Parse = attrs.field(repr=False)


@cache
def fields_of(resource: ResourceName) -> Mapping[str, Field]:
    """Return the fields of *resource* by name, in the order of the signature."""
    hints = get_type_hints(CREATES[resource])
    hints.pop("return")
    return {field.name: field for field in _fields(hints, ())}


def _fields(hints: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Field]:
    for name, hint in hints.items():
        path = (*above, name)
        kinds = _kinds(hint)
        nested = [kind for kind in kinds if is_nested(kind)]
        if nested:
            yield from _fields(get_type_hints(nested[0]), path)
        elif parse := _parser(name, kinds):
            yield Field(".".join(path), path, parse)


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


PARSERS: Final[Sequence[tuple[Any, Parse]]] = (
    (datetime, cells.moment),
    (Decimal, cells.money),
    (bool, cells.flag),
    (Sequence[str], cells.tags),
    (str, cells.text),
    (int, cells.integer),
)
"""By type, the first that fits: what also takes a text is still read strictly."""

TEXTS: Final[Mapping[str, Parse]] = {
    "email": cells.email,
    "key": cells.identifier,
    "id": cells.identifier,
    "created_at": cells.past_text,
    "amount_units": cells.currency,
}
"""Texts that have a form, by name."""


def _parser(name: str, kinds: Sequence[Any]) -> Parse | None:
    """Find the reader of a parameter; None for one that no cell can hold."""
    parse = next((parse for kind, parse in PARSERS if kind in kinds), None)
    if name == "created_at" and parse is cells.moment:
        return cells.past
    return TEXTS.get(name, parse) if parse is cells.text else parse


REFERENCE: Final = tuple(get_type_hints(PartnerRef))
"""The ways to name a partner or a customer."""


def _references(resource: ResourceName) -> tuple[tuple[str, ...], ...]:
    names = fields_of(resource)
    tops = {name.rpartition(".")[0]: None for name in names if "." in name}
    return tuple(tuple(f"{top}.{member}" for member in REFERENCE) for top in tops)


EXCLUSIVE: Final[Mapping[ResourceName, Sequence[Sequence[str]]]] = {
    resource: _references(resource) for resource in CREATES
}
"""Of each group a row may have one: which of several the API follows is not known."""
