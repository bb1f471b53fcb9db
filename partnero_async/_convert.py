"""JSON to models and back: the codec, and the cattrs converter.

What is odd about the API's JSON is known here and nowhere else: envelopes, tags that go
in as texts and come out as objects, ``[]`` where an empty object is meant, amounts that
come as texts. cattrs's own defaults would turn None into ``'None'`` and ``'false'``
into True; the hooks here refuse what would change its meaning, and keep what is
unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    TypeGuard,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs
import cattrs
import msgspec
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from .drift import Finding, Inspector, watching
from .errors import UnexpectedBodyError, UsageError
from .models.coupons import AdditionalInfo
from .models.pages import Page

T = TypeVar("T")

# --- JSON ---

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: Any) -> bytes:
    """Write JSON, with decimals as numbers and exact.

    Raises `UsageError` for what JSON cannot carry.
    """
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"this cannot be sent as JSON: {error}") from error


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether decoded JSON is an object."""
    return type(value) is dict


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether decoded JSON is an array."""
    return type(value) is list


def decode(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object, with decimals exact; None where the body is none."""
    try:
        value = _decoder.decode(body)
    except (ValueError, RecursionError, InvalidOperation):
        return None
    return value if is_object(value) else None


# --- reading ---


def read(
    result: type[T],
    payload: dict[str, Any],
    operation: str,
    found: list[Finding] | None = None,
) -> T:
    """Turn the JSON object of a success into *result*.

    *result* is a model, a `Page` of one, NoneType where there is nothing to read, or
    dict for all of it as it came. What is not as it was published is added to *found*.

    Raises `UnexpectedBodyError` that names the path, such as
    ``data.rewards[0].amount``.
    """
    token = watching.set(found)
    try:
        return cast("T", _reader(cast("Any", result))(payload))
    except Exception as error:  # noqa: BLE001 - whatever a hook raises is the body's fault
        where = path_of_fault(result, payload) or str(error)
        raise UnexpectedBodyError(
            f"the answer does not fit: {where}", operation=operation
        ) from None
    finally:
        watching.reset(token)


@cache
def _reader(result: Any) -> Callable[[dict[str, Any]], Any]:
    if result is NoneType:
        return lambda _: None
    if result is dict:
        return lambda payload: payload
    paged = get_origin(result) is Page
    kind = _items_of(result) if paged else result
    structure = _fast.get_structure_hook(kind)
    if _has_more_beside(result):
        return lambda payload: structure(_gathered(payload), kind)
    if not paged:
        return lambda payload: structure(payload["data"], kind)

    def page(payload: dict[str, Any]) -> Page[Any]:
        listed = _listed(payload)
        return Page(items=structure(listed["data"], kind), link=_next_link(listed))

    return page


def _listed(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what holds a list and its links.

    It is ``data`` in one of the two forms that the referred customers may come in.
    """
    inner = payload["data"]
    return inner if is_object(inner) and "data" in inner else payload


BESIDE: Final = (
    "synchronization_enabled",
    "synchronization_successful",
    "synchronization_message",
)
"""Members that the answers to coupon writes have beside ``data``, and not in it."""


def _has_more_beside(result: Any) -> bool:
    return attrs.has(result) and hasattr(result, BESIDE[0])


def _gathered(payload: dict[str, Any]) -> dict[str, Any]:
    return {**payload["data"], **{k: payload[k] for k in BESIDE if k in payload}}


def _items_of(page: Any) -> Any:
    """Return ``list[Partner]`` for ``Page[Partner]``."""
    (item,) = get_args(page)
    return list.__class_getitem__(item)


def _next_link(payload: dict[str, Any]) -> str | None:
    links = payload.get("links")
    if not is_object(links) or "next" not in links:
        return UNKNOWN
    link = links["next"]
    if link is not None and not isinstance(link, str):
        raise TypeError("links.next is neither a text nor null")
    return link


UNKNOWN = ""
"""The next link of a list that was answered without links."""


# --- models ------------------------------------------------------------------

PLAIN: Final = (str, bool, int)
"""What JSON has itself, and no kind of which stands for another."""


def _strict(*kinds: type) -> Callable[[Any, Any], Any]:
    """Make a hook that passes values of *kinds* on, and no others."""
    exact = frozenset(kinds)
    names = " or ".join(kind.__name__ for kind in kinds if kind is not NoneType)

    def passed(value: Any, _: Any) -> Any:
        if type(value) in exact:
            return value
        raise TypeError(f"expected {names}, got {type(value).__name__}")

    return passed


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
    raise TypeError(f"expected a number, got {type(value).__name__}")


NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _datetime(value: Any, _: Any) -> datetime:
    if type(value) is not str:
        raise TypeError(f"expected a time, got {type(value).__name__}")
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date(value: Any, _: Any) -> date:
    if type(value) is not str:
        raise TypeError(f"expected a day, got {type(value).__name__}")
    return date.fromisoformat(value)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _list(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Structure an array, and nothing else that can be iterated over."""
    structure = list_structure_factory(kind, converter)

    def structured(value: Any, _: Any) -> Any:
        if not is_array(value):
            raise TypeError(f"expected an array, got {type(value).__name__}")
        return structure(value, kind)

    return structured


def _mapping_or_list(value: Any, _: Any) -> Any:
    if not is_object(value) and not is_array(value):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    return value or {}  # PHP writes an empty map as []


def _tag(value: Any, _: Any) -> str:
    tag = value.get("value") if is_object(value) else value
    if type(tag) is not str:
        raise TypeError("expected a tag, an object with a text as its value")
    return tag


def _is_php_map(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and {
        get_origin(arg) for arg in get_args(kind)
    } >= {dict, list}


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind)


def _optional(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    if _is_php_map(kind):
        return lambda value, _: None if value is None else _mapping_or_list(value, _)
    inner, *others = (arg for arg in get_args(kind) if arg is not NoneType)
    if others:  # plain JSON of several shapes, as it came
        shapes = (get_origin(arg) or arg for arg in (inner, *others))
        return _strict(NoneType, *shapes)
    if inner in PLAIN:
        return _strict(NoneType, inner)
    structure = converter.get_structure_hook(inner)
    return lambda value, _: None if value is None else structure(value, inner)


def _object(value: Any) -> dict[str, Any]:
    if is_object(value):
        return value
    raise TypeError(f"expected an object, got {type(value).__name__}")


def _model(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """Structure a model, with the members that it does not know in its ``extra``."""
    types = get_type_hints(kind)
    known = frozenset(field.name for field in attrs.fields(kind)) - {"extra"}
    hooks = {
        name: (converter.get_structure_hook(ODD.get(name, types[name])), types[name])
        for name in known
    }
    if converter.detailed_validation:  # it says where the fault is, and is slow
        odd: Any = {
            name: override(struct_hook=hooks[name][0]) for name in known & ODD.keys()
        }
        named = make_dict_structure_fn(
            kind, converter, extra=override(omit=True), **odd
        )
        return lambda value, _: named(_object(value), kind)
    inspector = Inspector(kind.__name__, known, _numbers_of(kind))

    def structure(value: Any, _: Any) -> Any:
        # Every member may be missing, and most are: passing on what came takes half as
        # long as naming all that there is.
        model = kind()
        for name, given in _object(value).items():
            if name in hooks:
                hook, type_ = hooks[name]
                setattr(model, name, hook(given, type_))
            else:
                model.extra[name] = given
        found = watching.get()
        if found is not None:
            inspector.look(value, found, unknown=bool(model.extra))
        return model

    return structure


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


def _redeemed(converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    structure = converter.get_structure_hook(AdditionalInfo)
    return lambda value, _: structure({} if value == [] else value, AdditionalInfo)


def _numbers_of(kind: Any) -> frozenset[str]:
    hints = get_type_hints(kind)
    return frozenset(name for name in hints if Decimal in get_args(hints[name]))


def _converter(*, detailed: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed)
    for kind in PLAIN:
        converter.register_structure_hook(kind, _strict(kind))
    # By function: a hook registered for `object` would take every class for its own.
    converter.register_structure_hook_func(
        lambda kind: kind is object, lambda value, _: value
    )
    converter.register_structure_hook(Decimal, _decimal)
    converter.register_structure_hook(datetime, _datetime)
    converter.register_structure_hook(date, _date)
    converter.register_structure_hook(Tag, _tag)
    converter.register_structure_hook_factory(attrs.has, _model)
    converter.register_structure_hook_factory(_is_list, _list)
    converter.register_structure_hook_factory(_is_optional, _optional)
    converter.register_structure_hook(Redeemed, _redeemed(converter))
    return converter


_fast = _converter(detailed=False)


@cache
def _detailed() -> cattrs.Converter:
    return _converter(detailed=True)


def path_of_fault(result: Any, payload: dict[str, Any]) -> str | None:
    """Decode again, slowly, for the path of the first member that does not fit."""
    if "data" not in payload:
        return "data is missing"
    data, root = payload["data"], "data"
    if get_origin(result) is Page:
        listed = _listed(payload)
        result, data = _items_of(result), listed["data"]
        root = "data" if listed is payload else "data.data"
    elif _has_more_beside(result) and is_object(data):
        data = _gathered(payload)
    try:
        _detailed().structure(data, result)
    except Exception as error:  # noqa: BLE001 - it is to be explained, not handled
        why, _, path = cattrs.transform_error(
            error, root, format_exception=lambda cause, _: str(cause)
        )[0].rpartition(" @ ")
        beside = path.removeprefix("data.")
        return f"{beside if beside in BESIDE else path}: {why}"
    return None


def restore(kind: type[T], record: dict[str, Any]) -> T:
    """Turn a record of ours, read from a file, back into a model."""
    return _fast.structure(record, kind)


# --- models, back to JSON ------------------------------------------------------


def unstructure(model: Any) -> dict[str, Any]:
    """Turn a model back into the JSON object that it was read from.

    What an answer left out is left out again; times are written as the API writes them.
    """
    return cast("dict[str, Any]", _back.unstructure(model))


def _timestamp(moment: datetime) -> str:
    try:
        utc = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # on the first or last day of the calendar
        return moment.isoformat(timespec="microseconds")
    return f"{utc.isoformat(timespec='microseconds')}Z"


def _members(kind: Any, converter: cattrs.Converter) -> Callable[[Any], Any]:
    base = make_dict_unstructure_fn(kind, converter, extra=override(omit=True))

    def unstructured(model: Any) -> dict[str, Any]:
        members = {k: v for k, v in base(model).items() if v is not None}
        if members.get("tags") is not None:
            members["tags"] = [{"value": tag} for tag in members["tags"]]
        return {**members, **model.extra}

    return unstructured


def _backward() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(datetime, _timestamp)
    converter.register_unstructure_hook(date, date.isoformat)
    # Plain JSON goes back as it came, however deep it is.
    converter.register_unstructure_hook_func(_is_php_map, lambda value: value)
    converter.register_unstructure_hook_factory(attrs.has, _members)
    return converter


_back = _backward()
