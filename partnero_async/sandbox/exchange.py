"""Requests taken apart, answers put together: what needs no sandbox."""

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from aiohttp import web

from .calls import Answer, Call
from .checks import Refusal, as_object, invalid
from .faults import Fault
from .routing import Route

PREFIX = "/v1"
UNEXPECTED: dict[str, object] = {"status": 0, "message": "Unexpected failure."}

_DECODER = msgspec.json.Decoder(Any, float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
# Exactly this: the vendor's PHP library decodes nothing when a charset is appended.
_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}


#: Seconds, or what to call for the seconds of each request.
Latency = float | Callable[[], float]


async def wait(latency: Latency) -> None:
    """Wait before or after the effect of a call."""
    seconds = latency() if callable(latency) else latency
    if seconds:
        await asyncio.sleep(seconds)


def perform(route: Route, call: Call) -> Answer:
    """Serve a call, in one transaction unless it only reads."""
    if route.method == "GET":
        return route.handler(call)
    with call.state.write():
        return route.handler(call)


class Turned(Refusal):
    """Turn a request away before any operation; the body is a message alone."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message)
        self.headers: dict[str, str] = dict(headers or {})


def parts(path: str) -> list[str]:
    """Split a raw path below the prefix into decoded segments.

    A trailing slash makes no difference, as in Laravel.
    """
    segments = path.removeprefix(PREFIX).strip("/").split("/")
    return [unquote(segment) for segment in segments]


def is_loopback(host: str) -> bool:
    """Say whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def pick(method: str, served: Mapping[str, tuple[Route, str]]) -> Route:
    """Return the route for *method*; 404 and 405 are a message alone."""
    if not served:
        raise Turned(404, "There is no such route.")
    if method not in served:
        allowed = {"Allow": ", ".join(sorted(served))}
        raise Turned(405, "Method not supported for this route.", headers=allowed)
    return served[method][0]


def decode(raw: bytes) -> dict[str, Any]:
    """Read a JSON object; an empty body is one without members."""
    if not raw:
        return {}
    try:
        body: object = _DECODER.decode(raw)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise Refusal(400, "The body is not JSON.") from error
    members = {} if body is None else as_object(body)
    if members is None:
        raise invalid({"body": ["An object is expected."]})
    return members


def refused(refusal: Refusal, form: str, headers: Mapping[str, str]) -> web.Response:
    """Write a refusal in the *form* that the assumptions name."""
    full: dict[str, Any] = {"status": 0}
    if refusal.message:
        full["message"] = refusal.message
    if refusal.errors:
        full["errors"] = refusal.errors
    forms: dict[str, Any] = {
        "message": {"message": refusal.message},
        "errors": {"status": 0, "errors": refusal.errors},
        "empty": {},
        "html": f"<html><body>{refusal.status}</body></html>",
    }
    return response(refusal.status, forms.get(form, full), headers)


def fail(
    request: web.BaseRequest, fault: Fault, headers: Mapping[str, str]
) -> web.Response:
    """Answer as *fault* says; a dropped connection sends nothing."""
    if isinstance(fault.how, int):
        return response(fault.how, UNEXPECTED, headers)
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def response(status: int, body: Any, headers: Mapping[str, str]) -> web.Response:
    """Write *body* as JSON, a text as a web page, None as nothing."""
    if body is None:
        return web.Response(status=status, headers=headers)
    if isinstance(body, str):
        return web.Response(
            status=status, body=body.encode(), headers={**headers, **_HTML}
        )
    return web.Response(
        status=status, body=_ENCODER.encode(body), headers={**headers, **_JSON}
    )
