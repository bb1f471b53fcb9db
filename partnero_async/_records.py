"""Models as plain records: what files and frames are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from ._convert import restore
from ._json import decode, encode

__all__ = ["is_model", "item_of", "json_lines", "members_of", "read_line", "record_of"]

T = TypeVar("T")

PLAIN: Final = (str, bool, int, Decimal, datetime, date)


@cache
def members_of(model: Any) -> Mapping[str, Any]:
    """Return the members of *model* without ``extra``, each with its kind.

    A kind is a plain type, a model, ``list[...]`` of either, or Any for what comes in
    several shapes or in one that nobody has published.
    """
    hints = get_type_hints(model)
    names = [field.name for field in attrs.fields(model)]
    return {name: _kind(hints[name]) for name in names if name != "extra"}


def _kind(hint: Any) -> Any:
    union = get_origin(hint) in (Union, UnionType)
    kinds = [k for k in (get_args(hint) if union else (hint,)) if k is not NoneType]
    kind = kinds[0] if len(kinds) == 1 else Any
    if kind in PLAIN or is_model(kind):
        return kind
    inner = _kind(get_args(kind)[0]) if get_origin(kind) is list else Any
    return Any if inner is Any else list.__class_getitem__(inner)


def is_model(kind: Any) -> bool:
    """Tell whether *kind* is a class of the models."""
    return isinstance(kind, type) and attrs.has(kind)


def item_of(kind: Any) -> Any:
    """Return what a list kind is a list of; None for a kind that is no list."""
    return get_args(kind)[0] if get_origin(kind) is list else None


@cache
def _nested(model: Any) -> Mapping[str, bool]:
    """Return the members that are models, or lists of them: whether it is a list."""
    kinds = members_of(model)
    return {
        name: not is_model(kind)
        for name, kind in kinds.items()
        if is_model(kind) or is_model(item_of(kind))
    }


def record_of(model: Any) -> dict[str, Any]:
    """Return all members of a model by name, those of its ``extra`` among them.

    Unlike the API's own form of it, it has each member, None or not, and tags as texts.
    """
    kind = cast("Any", type(model))
    record = {name: getattr(model, name) for name in members_of(kind)}
    for name, many in _nested(kind).items():
        value = record[name]
        if value is not None:
            record[name] = [*map(record_of, value)] if many else record_of(value)
    return {**record, **model.extra}


def json_lines(items: Iterable[Any]) -> bytes:
    """Write each model as a line of JSON, with exact numbers."""
    return b"".join(encode(record_of(item)) + b"\n" for item in items)


def read_line(kind: type[T], line: bytes) -> T:
    """Read a line of `json_lines` back; raise ValueError for what is none."""
    record = decode(line)
    if record is None:
        raise ValueError("this is no JSON object")
    return restore(kind, record)
