"""From decoded JSON to the members of a model: the hooks of the cattrs converter.

What is odd about the API's JSON is known here: tags that go in as texts and come out as
objects, ``[]`` where an empty object is meant, amounts that come as texts. cattrs's own
defaults would turn None into ``'None'`` and ``'false'`` into True; the hooks here
refuse what would change its meaning, and keep what is unknown.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import attrs
import cattrs
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from ._json import is_array, is_object
from ._shapes import Exactly, misfit, moment, shaped
from .drift import Hook, Inspector

PLAIN: Final = (str, bool, int)
"""What JSON has itself, and no kind of which stands for another."""


# --- hooks ---------------------------------------------------------------------------


def _decimal(value: Any, _: Any) -> Decimal:
    match value:
        case Decimal():
            return value
        case bool():
            pass
        case int():
            return Decimal(value)
        case str() if NUMBER.fullmatch(value):
            return Decimal(value)  # some answers give amounts as texts
        case _:
            pass
    raise misfit("a number", value)


NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _date(value: Any, _: Any) -> date:
    if type(value) is not str:
        raise misfit("a day", value)
    return date.fromisoformat(value)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _list(kind: Any, converter: cattrs.Converter) -> Hook:
    """Structure an array, and nothing else that can be iterated over."""
    structure = list_structure_factory(kind, converter)

    def structured(value: Any, _: Any) -> Any:
        if not is_array(value):
            raise misfit("an array", value)
        return structure(value, kind)

    return structured


def _mapping_or_list(value: Any, _: Any) -> Any:
    if not is_object(value) and not is_array(value):
        raise misfit("an object", value)
    return value or {}  # PHP writes an empty map as []


def _tag(value: Any, _: Any) -> str:
    tag = value.get("value") if is_object(value) else value
    if type(tag) is not str:
        raise TypeError("expected a tag, an object with a text as its value")
    return tag


# --- members that may be None --------------------------------------------------------


def is_php_map(kind: Any) -> bool:
    """Tell whether a kind is an object of plain JSON, which PHP writes as a list."""
    return get_origin(kind) in (Union, UnionType) and {
        get_origin(arg) for arg in get_args(kind)
    } >= {dict, list}


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind)


def _given(kind: Any, converter: cattrs.Converter) -> Hook:
    """Return the hook for what an optional member is when it is not None."""
    if is_php_map(kind):
        return _mapping_or_list
    kinds = [arg for arg in get_args(kind) if arg is not NoneType]
    if len(kinds) > 1:  # plain JSON of several shapes, as it came
        return Exactly(*(get_origin(arg) or arg for arg in kinds))
    return converter.get_structure_hook(kinds[0])


def _optional(kind: Any, converter: cattrs.Converter) -> Hook:
    hook = _given(kind, converter)
    return lambda value, _: None if value is None else hook(value, None)


# --- models --------------------------------------------------------------------------


def _model(kind: Any, converter: cattrs.Converter) -> Hook:
    """Structure a model, with the members that it does not know in its ``extra``."""
    types = get_type_hints(kind)
    del types["extra"]
    if converter.detailed_validation:  # it says where the fault is, and is slow
        odd: Any = {
            name: override(struct_hook=converter.get_structure_hook(ODD[name]))
            for name in types.keys() & ODD.keys()
        }
        named = make_dict_structure_fn(
            kind, converter, extra=override(omit=True), **odd
        )
        return lambda value, _: named(_object(value), kind)
    numbers = {name for name in types if Decimal in get_args(types[name])}
    inspector = Inspector(kind.__name__, numbers)
    members = {
        name: inspector.watch(name, _given(ODD.get(name, hint), converter))
        for name, hint in types.items()
    }
    return shaped(kind, members, inspector)


def _object(value: Any) -> dict[str, Any]:
    if is_object(value):
        return value
    raise misfit("an object", value)


class Tag(str):
    """Stands for the tags' wire form: out as objects, in as texts."""

    __slots__ = ()


class Redeemed:
    """Stands for additional info's wire form: ``[]`` until the first redemption."""


ODD: Final[dict[str, Any]] = {
    "tags": list[Tag] | None,
    "additional_info": Redeemed | None,
}
"""Members whose form on the wire is not that of the model, by name."""


def _redeemed(_: Any, converter: cattrs.Converter) -> Hook:
    coupons = import_module(".models.coupons", __package__)
    kind = coupons.AdditionalInfo
    structure = converter.get_structure_hook(kind)
    return lambda value, _: structure({} if value == [] else value, kind)


# --- converters ----------------------------------------------------------------------


def new_converter(*, detailed: bool) -> cattrs.Converter:
    """Make a converter; a *detailed* one says where a fault is, and is slow."""
    converter = cattrs.Converter(detailed_validation=detailed)
    for kind in PLAIN:
        converter.register_structure_hook(kind, Exactly(kind))
    # By function: a hook registered for `object` would take every class for its own.
    converter.register_structure_hook_func(
        lambda kind: kind is object, lambda value, _: value
    )
    converter.register_structure_hook(Decimal, _decimal)
    converter.register_structure_hook(datetime, moment)
    converter.register_structure_hook(date, _date)
    converter.register_structure_hook(Tag, _tag)
    converter.register_structure_hook_factory(attrs.has, _model)
    converter.register_structure_hook_factory(_is_list, _list)
    converter.register_structure_hook_factory(_is_optional, _optional)
    converter.register_structure_hook_factory(lambda kind: kind is Redeemed, _redeemed)
    return converter


fast: Final = new_converter(detailed=False)


@cache
def detailed() -> cattrs.Converter:
    """Return the converter that says where a fault is."""
    return new_converter(detailed=True)
