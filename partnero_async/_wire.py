"""From calls to bytes and from answers to verdicts, without I/O.

Nothing here awaits, so all of it is tested with plain values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import attrs

from ._json import decode, encode, is_array, is_object
from .errors import PartneroError, UnexpectedBodyError, UsageError, refusal
from .retries import Outcome

# Request, Answer and Verdict are not frozen: each call makes them, and a frozen one
# costs twice.

# --- requests ----------------------------------------------------------------


@attrs.define
class Request:
    """One request, ready to be sent any number of times."""

    operation: str
    """Method and route template, such as ``GET /partners/{id}``: a label."""
    method: str
    target: str
    """Path and query below the base URL, percent-encoded."""
    body: bytes | None = attrs.field(repr=False)
    """JSON; None where the request has no body."""


def request(
    operation: str,
    *,
    parts: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    json: Mapping[str, Any] | None = None,
) -> Request:
    """Build the request of *operation*, ``METHOD /route/{part}``.

    A value of None is not sent, in the query or at any depth of *json*.

    Raises `UsageError` for a path part that would lead to another resource, and for a
    value that JSON cannot carry.
    """
    method, _, route = operation.partition(" ")
    target = route
    for name, value in (parts or {}).items():
        target = target.replace("{" + name + "}", path_part(name, value))
    if "{" in target:
        raise UsageError(f"{operation}: not all of its parts were given")
    if query:
        sent = {k: _text(k, v) for k, v in query.items() if v is not None}
        target += f"?{urlencode(sent, quote_via=quote)}" if sent else ""
    body = None if json is None else _body(json)
    return Request(operation, method, target, body)


FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
AS_THEY_ARE = re.compile(r"[A-Za-z0-9_~-]+")
"""Parts of a path that are written as they are: nearly all ids."""


def path_part(name: str, value: str) -> str:
    """Percent-encode one part of a path.

    Refuses what would make it another path: nothing, ``.`` and ``..`` turn the URL of
    an item into that of its collection, and ``DELETE /partners`` is a real call.
    """
    if not isinstance(cast("Any", value), str):
        raise UsageError(f"{name} is a {type(value).__name__}: give a str")
    if AS_THEY_ARE.fullmatch(value):
        return value
    if value.strip() in ("", ".", "..") or FORBIDDEN.search(value):
        raise UsageError(f"{name}={value!r} cannot be part of a path")
    return quote(value, safe="")


def _text(name: str, value: Any) -> str:
    try:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError:
        raise UsageError(f"{name} has too many digits") from None
    if SURROGATE.search(text):
        raise UsageError(f"{name}={text!r} cannot be sent: it has half a character")
    return text


Named = TypeVar("Named", bound=object)


def reference(value: Named, name: str) -> Named:
    """Check what names another record: an object of its id, key or email.

    Raises `UsageError` for its bare id or key, and for a model of it.
    """
    if not isinstance(cast("object", value), Mapping):
        kind = type(value).__name__
        raise UsageError(f'{name} is a {kind}: name it, such as {{"key": ...}}')
    return value


SURROGATE = re.compile(r"[\ud800-\udfff]")


def _body(json: Mapping[str, Any]) -> bytes:
    try:
        return encode(without_none(json))
    except RecursionError:
        raise UsageError("this cannot be sent as JSON: it is too deep") from None


def without_none(value: Any, name: str = "") -> Any:
    """Copy *value* without members that are None, and check what JSON would corrupt."""
    # In the order in which they are likely: what is an interface takes longest.
    if type(value) is dict:
        return _members(value, name)  # pyright: ignore[reportUnknownArgumentType] - JSON
    if isinstance(value, NUMBERS):
        return _number(value, name)
    if isinstance(value, Mapping):
        return _members(cast("Mapping[str, Any]", value), name)
    if isinstance(value, str):
        return str.__str__(
            value
        )  # frameworks have kinds of str that JSON encoders refuse
    if isinstance(value, bytes | bytearray | AbstractSet):
        kind = type(cast("Any", value)).__name__
        raise UsageError(f"{name} is {kind}: give a str, or a list")
    if isinstance(value, Sequence):
        return [without_none(v, f"{name}[{i}]") for i, v in enumerate(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    return value


NUMBERS: Final = (Decimal, float)


def _number(value: Decimal | float, name: str) -> Decimal | float:
    finite = value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)
    if not finite:
        raise UsageError(f"{name} is {value}: JSON has no such number")
    return value


AS_IT_IS: Final = frozenset({str, int, bool})
"""Exact types that JSON takes as they are: most members are of these."""


def _members(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for member, given in value.items():
        if type(given) in AS_IT_IS:
            kept[member] = given
        elif given is not None:
            copied = without_none(given, f"{name}.{member}" if name else member)
            # An object that became empty was not sent either: all of it was None.
            if copied != {} or given == {}:
                kept[member] = copied
    return kept


def unix_seconds(moment: datetime | int | str | None, name: str) -> int | str | None:
    """Return *moment* in the form the API documents for input, Unix seconds.

    A text is sent as it is: the ISO 8601 form that the vendor's connector uses.
    """
    if not isinstance(moment, datetime):
        return moment
    return int(_aware(moment, name).timestamp())


def iso_text(moment: datetime | str | None, name: str) -> str | None:
    """Return *moment* as ISO 8601 in UTC, to the second."""
    if not isinstance(moment, datetime):
        return moment
    return f"{_aware(moment, name).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _aware(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise UsageError(f"{name} has no time zone: give it one, such as UTC")
    return moment


# --- answers -----------------------------------------------------------------


@attrs.define
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.define
class Verdict:
    """What an answer means."""

    outcome: Outcome
    payload: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """The JSON object that came; empty where none did."""
    why: str = ""
    """For people: what is wrong with it."""


def judge(answer: Answer) -> Verdict:
    """Say what an answer means, whatever it is."""
    status = answer.status
    payload = decode(answer.body)
    if status == 429:
        return Verdict(Outcome.THROTTLED, payload or {}, "too many requests")
    if 200 <= status < 300:
        return _success(answer, payload)
    if 300 <= status < 400:
        return Verdict(Outcome.REDIRECTED, {}, "redirects are not followed")
    if 400 <= status < 500 and status != 408:
        return Verdict(Outcome.REFUSED, payload or {})
    return Verdict(Outcome.FAILED, payload or {}, "the server failed")


def _success(answer: Answer, payload: dict[str, Any] | None) -> Verdict:
    if payload is not None:
        flag = _said(payload).get("status", 1)
        refused = flag in (0, False, "0")
        return Verdict(Outcome.REFUSED if refused else Outcome.OK, payload)
    if not answer.body.strip():
        # 204 is the documented form for deletions; nothing else is ever empty.
        return Verdict(
            Outcome.OK if answer.status == 204 else Outcome.BROKEN, {}, EMPTY
        )
    if "json" in answer.headers.get("Content-Type", "").lower():
        return Verdict(Outcome.BROKEN, {}, "the body is not valid JSON")
    return Verdict(Outcome.FAILED, {}, "the body is not JSON")


def _said(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what holds the flag and the message of an answer.

    It is ``data`` where a coupon or a promotion code was deleted.
    """
    data = payload.get("data")
    if is_object(data) and "status" in data and "status" not in payload:
        return data
    return payload


EMPTY = "the body is empty"


def explain(answer: Answer, verdict: Verdict, operation: str) -> PartneroError:
    """Build the error for an answer that is no success."""
    kind = refusal(answer.status) if answer.status >= 400 else None
    if verdict.outcome is Outcome.REFUSED and kind is None:
        kind = refusal(0)
    if kind is None:
        return UnexpectedBodyError(
            verdict.why, operation=operation, status=answer.status
        )
    said = _said(verdict.payload)
    message = said.get("message")
    return kind(
        message if isinstance(message, str) and message else "the API refused",
        operation=operation,
        status=answer.status,
        fields=_reasons(said.get("errors")),
        request_id=request_id(answer.headers),
    )


def _reasons(errors: Any) -> dict[str, list[str]]:
    """Read ``errors`` in any of its shapes: by field, a list, one text."""
    if not is_object(errors):
        return {"": _texts(errors)} if errors else {}
    return {str(k): _texts(v) for k, v in errors.items()}


def _texts(value: Any) -> list[str]:
    values = value if is_array(value) else [value]
    return [v if isinstance(v, str) else str(v) for v in values]


ID_HEADERS = ("X-Request-Id", "X-Request-ID", "X-Amzn-Trace-Id", "CF-Ray")


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id under which the server's side knows an answer, if it gives one."""
    return next((headers[name][:200] for name in ID_HEADERS if name in headers), None)


PAGE = re.compile(r"[0-9]{1,9}", re.ASCII)


def next_page(link: str, origin: str, asked: Request, after: int) -> int:
    """Return the page number that a next link leads to; nothing else of it is used.

    *asked* is any request of the list, and *after* the page that has the link.

    Raises `UnexpectedBodyError` for a link that leads back, and for one to another
    place: its page number would count something else.
    """
    path = asked.target.partition("?")[0]
    try:
        url = urlsplit(link)
        here = urlsplit(origin)
        # Behind a proxy the API may take itself for http; paths come encoded or not.
        same = url.scheme in ("http", "https") and url.netloc == here.netloc
        same = same and unquote(url.path) == unquote(here.path + path)
        numbers = parse_qs(url.query).get("page", [])
    except ValueError:
        same, numbers = False, []
    if not same or len(numbers) != 1 or not PAGE.fullmatch(numbers[0]):
        raise UnexpectedBodyError(
            f"links.next does not lead on in this list: {link[:200]}",
            operation=asked.operation,
        )
    number = int(numbers[0])
    if number <= after:
        raise UnexpectedBodyError(
            f"links.next of page {after} leads back to page {number}",
            operation=asked.operation,
        )
    return number
