"""The columns an import accepts: they follow from the create method's signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as is_nested

import attrs

from . import cells
from .kinds import ResourceName, kind_of

__all__ = ["Field", "Fields", "ResourceName", "exclusive", "fields_of"]

Parse = Callable[[str], Any]


@attrs.frozen
class Field:
    """One field of a row, and how the text of its cell is read."""

    name: str
    """As columns and `--map` spell it, such as ``customer.partner.key``."""
    path: tuple[str, ...]
    """Where it goes in the arguments of the create method."""
    parse: Parse = attrs.field(repr=False)


ANY: Final = "NAME"
"""What stands for a name of the caller's own: ``metadata.NAME``."""


class Fields(dict[str, Field]):
    """Fields by name. Where there is ``metadata.NAME``, any name will do for NAME."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self._own(str(name)) is not None

    def __missing__(self, name: str) -> Field:
        field = self._own(name)
        if field is None:
            raise KeyError(name)
        return field

    def _own(self, name: str) -> Field | None:
        top, _, own = name.partition(".")
        like = self.get(f"{top}.{ANY}")
        return Field(name, (top, own), like.parse) if like and own else None


@cache
def fields_of(resource: ResourceName) -> Mapping[str, Field]:
    """Return the fields of *resource* by name, in the order of the signature."""
    hints = get_type_hints(kind_of(resource).create)
    for name in NOT_OF_A_ROW:
        hints.pop(name, None)
    return Fields({field.name: field for field in _fields(hints, ())})


NOT_OF_A_ROW: Final = ("return", "if_exists")
FREE: Final = ("metadata", "cfields")
"""Mappings in which a cell can be a member, under a name of the caller's own."""


def _fields(hints: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Field]:
    for name, hint in hints.items():
        path = (*above, name)
        types = _types(hint)
        nested = [each for each in types if is_nested(each)]
        if nested:
            yield from _fields(get_type_hints(nested[0]), path)
        elif name in FREE:
            yield Field(".".join((*path, ANY)), (*path, ANY), cells.text)
        elif parse := _parser(name, types):
            yield Field(".".join(path), path, parse)


def _types(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


PARSERS: Final[Sequence[tuple[Any, Parse]]] = (
    (datetime, cells.moment),
    (date, cells.day),
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
    "uuid_code": cells.code,
    "coupon_uuid": cells.code,
    "code": cells.code,
    "created_at": cells.past_text,
    "amount_units": cells.currency,
}
"""Texts that have a form, by name."""


def _parser(name: str, types: Sequence[Any]) -> Parse | None:
    """Find the reader of a parameter; None for one that no cell can hold."""
    choices = [get_args(each) for each in types if get_origin(each) is Literal]
    if choices:
        return partial(cells.choice, choices[0])
    parse = next((parse for each, parse in PARSERS if each in types), None)
    if name == "created_at" and parse is cells.moment:
        return cells.past
    return TEXTS.get(name, parse) if parse is cells.text else parse


REFERENCE: Final = ("id", "key", "email")
"""The ways to name somebody."""


@cache
def exclusive(resource: ResourceName) -> Sequence[Sequence[str]]:
    """Return groups of which a row may have one: which the API follows is not known."""
    names = fields_of(resource)
    tops = {name.rpartition(".")[0]: None for name in names if "." in name}
    groups = [
        tuple(f"{top}.{each}" for each in REFERENCE if f"{top}.{each}" in names.keys())  # noqa: SIM118 - free names are none
        for top in tops
    ]
    return tuple(group for group in groups if len(group) > 1)
