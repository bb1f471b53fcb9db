"""Decoded JSON to results and back: envelopes, pages, and where a fault is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar, cast, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_unstructure_fn, override

from ._json import is_object
from ._structure import detailed, fast, is_php_map
from .drift import Finding, watching
from .errors import UnexpectedBodyError
from .models.pages import Page

T = TypeVar("T")

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
    kind: Any = result
    token = watching.set(found)
    try:
        value: T = _reader(kind)(payload)
    except Exception as error:  # noqa: BLE001 - whatever a hook raises is the body's fault
        where = path_of_fault(result, payload) or str(error)
        raise UnexpectedBodyError(
            f"the answer does not fit: {where}", operation=operation
        ) from None
    finally:
        watching.reset(token)
    return value


@cache
def _reader(result: Any) -> Callable[[dict[str, Any]], Any]:
    if result is NoneType:
        return lambda _: None
    if result is dict:
        return lambda payload: payload
    if result is object:
        # Of what was never published nobody knows whether it has an envelope.
        return lambda payload: payload.get("data", payload)
    paged = get_origin(result) is Page
    kind = _items_of(result) if paged else result
    structure = fast.get_structure_hook(kind)
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
        detailed().structure(data, result)
    except Exception as error:  # noqa: BLE001 - it is to be explained, not handled
        why, _, path = cattrs.transform_error(
            error, root, format_exception=lambda cause, _: str(cause)
        )[0].rpartition(" @ ")
        beside = path.removeprefix("data.")
        return f"{beside if beside in BESIDE else path}: {why}"
    return None


def restore(kind: type[T], record: dict[str, Any]) -> T:
    """Turn a record of ours, read from a file, back into a model."""
    return fast.structure(record, kind)


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
    converter.register_unstructure_hook_func(is_php_map, lambda value: value)
    converter.register_unstructure_hook_factory(attrs.has, _members)
    return converter


_back = _backward()
