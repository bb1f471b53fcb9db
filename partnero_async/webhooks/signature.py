"""Who sent a delivery: the signature over its raw bytes, made and checked.

The sender's ``Signature`` header is HMAC-SHA256 over the exact bytes of the body, as 64
lower-case hex digits; the key is the webhook's `signature` member (facts.md, section
7). It has no time in it, so that it does not tell a replay: a `Receiver` does.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias, cast

from ..errors import DeliveryTooLargeError, SignatureError, UsageError

__all__ = ["LARGEST", "Headers", "Secrets", "sign", "verify"]

LARGEST: Final = 1024 * 1024
"""Bytes of the largest body that is looked at."""

Text: TypeAlias = str | bytes
Headers: TypeAlias = (
    Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[Text, Text]]
)
"""The headers of a request, as any web framework has them."""
Secrets: TypeAlias = str | Iterable[str]
"""A webhook's secret, or several: each of them is good."""

HEADER: Final = "signature"
HEX: Final = re.compile(r"[0-9a-f]{64}")


def sign(body: bytes, secret: str) -> str:
    """Return the signature that the sender puts on *body*: 64 lower-case hex digits.

    Raises `UsageError` for an empty *secret*, and for a *body* that is not bytes.
    """
    (key,) = keys_of(secret)
    return _signature(raw(body), key)


def verify(headers: Headers, body: bytes, secrets: Secrets) -> None:
    """Check that *body* was signed with one of *secrets*; return None when it was.

    *body* is what came, byte for byte, not what a framework made of it.

    Raises `SignatureError` when it was not, `DeliveryTooLargeError` for a body of more
    than `LARGEST` bytes, and `UsageError` for an empty secret, for none at all, and for
    a body that is not bytes.
    """
    keys, body = keys_of(secrets), raw(body)
    if len(body) > LARGEST:
        raise DeliveryTooLargeError(
            f"the body has {len(body)} bytes, and a delivery at most {LARGEST}"
        )
    given = _given(headers)
    # All of them are tried, so that the time taken does not tell which one is good.
    good = [same(_signature(body, key), given) for key in keys]
    if not any(good):
        raise SignatureError("the signature is not that of this body and secret.")


def same(expected: str, given: str) -> bool:
    """Tell whether two signatures are equal, in a time that does not tell how far."""
    return hmac.compare_digest(expected.encode(), given.encode())


def keys_of(secrets: Secrets) -> tuple[bytes, ...]:
    """Return the keys to sign with; raise `UsageError` where one is empty, or none."""
    given = cast("Any", secrets)
    each: tuple[Any, ...] = (given,) if isinstance(given, str | None) else tuple(given)
    if not each or not all(isinstance(secret, str) and secret for secret in each):
        raise UsageError(
            "the secret of a webhook is missing or empty:"
            " give the `signature` that the API returned with it"
        )
    # A lone surrogate is in no secret of the API's, and is to break nothing either.
    return tuple(secret.encode(errors="surrogatepass") for secret in each)


def raw(body: object) -> bytes:
    """Return *body*; raise `UsageError` where it is not the raw one."""
    if isinstance(body, bytes):
        return body
    raise UsageError(
        f"the body of a delivery is bytes, and this is {type(body).__name__}: give the"
        " raw body, such as `await request.body()` (Starlette, FastAPI),"
        " `await request.read()` (aiohttp), `request.body` (Django) or"
        " `request.get_data()` (Flask)"
    )


def _signature(body: bytes, key: bytes) -> str:
    return hmac.new(key, body, sha256).hexdigest()


def _given(headers: Headers) -> str:
    """Return the one signature among *headers*."""
    pairs: Iterable[tuple[Any, Any]] = (
        cast("Mapping[Any, Any]", headers).items()
        if isinstance(headers, Mapping)
        else headers
    )
    found = [_text(value) for name, value in pairs if _text(name).lower() == HEADER]
    if len(found) != 1:
        raise SignatureError(
            f"there are {len(found)} Signature headers, and a delivery has one."
        )
    if not HEX.fullmatch(found[0]):
        raise SignatureError("the Signature header is not 64 lower-case hex digits.")
    return found[0]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
