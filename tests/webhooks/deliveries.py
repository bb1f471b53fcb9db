"""Deliveries as the sender makes them, and as it never does."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import attrs
import pytest

from partnero_async import (
    DeliveryTooLargeError,
    EventDataError,
    MalformedEventError,
    SignatureError,
    StaleEventError,
    WebhookError,
)
from tests.reference import API

EXAMPLES: Final = API / "examples" / "webhooks"
SECRET: Final = "h8KqT3vYb61ZdNwR"
OTHER: Final = "Zk0PmW7xq2LrTb9C"
PERSON: Final = "canary.person@example.com"
"""An address in the data of each delivery: it has to show nowhere."""


@attrs.frozen
class Example:
    """A published delivery."""

    name: str
    event: str
    secret: str
    headers: dict[str, str]
    body: bytes
    expected_signature: str
    valid: bool


def examples() -> Iterator[Example]:
    """Read the published deliveries."""
    for path in sorted(EXAMPLES.glob("*.json")):
        told = json.loads(path.read_text("utf-8"))
        yield Example(
            name=path.stem,
            event=told["event"],
            secret=told["secret"],
            headers=told["headers"],
            body=told["raw_body"].encode(),
            expected_signature=told["expected_signature"],
            valid=told["valid"],
        )


EACH = [pytest.param(example, id=example.name) for example in examples()]


def signed(body: bytes, secret: str = SECRET) -> str:
    """Sign as the sender does: written from the facts, not from the code."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def written(
    name: str = "customer.created", *, age: timedelta = timedelta(), **members: Any
) -> bytes:
    """Write a body as the sender does: slashes escaped, and *age* old."""
    made = datetime.now(UTC) - age
    envelope = {
        "event": name,
        "url": "https://ledger.example/hooks/partnero",
        "webhook_key": "eT5mXr90LbQy",
        "created_at": f"{made:%Y-%m-%dT%H:%M:%S.%f}Z",
        "data": {"key": "acct-1", "email": PERSON},
        **members,
    }
    kept = {name: value for name, value in envelope.items() if value is not ...}
    return json.dumps(kept).replace("/", "\\/").encode()


@attrs.frozen
class Delivery:
    """A request to the receiver, and what has to come of it."""

    name: str
    body: bytes = attrs.field(repr=False)
    headers: list[tuple[str, str]]
    status: int
    error: type[WebhookError] | None
    """None where it is answered with 200."""


def _delivery(
    name: str,
    status: int,
    error: type[WebhookError] | None,
    body: bytes,
    *signatures: str,
    header: str = "Signature",
) -> Delivery:
    headers = [(header, each) for each in signatures]
    return Delivery(name, body, headers, status, error)


def bad() -> list[Delivery]:
    """Make the deliveries that nothing may be handled of."""
    body = written()
    good = signed(body)
    again = json.dumps(json.loads(body)).encode()
    half = f"{good[:32]} {good[32:]}"

    def refused(name: str, *signatures: str, of: bytes = body) -> Delivery:
        return _delivery(name, 401, SignatureError, of, *signatures)

    def unread(name: str, body: bytes, error: type[WebhookError]) -> Delivery:
        return _delivery(name, error.answer, error, body, signed(body))

    old, soon = timedelta(hours=72, minutes=1), timedelta(days=-1)
    return [
        refused("no header"),
        refused("two headers", good, good),
        refused("two headers, one wrong", "0" * 64, good),
        refused("two in one header", f"{good},{good}"),
        refused("empty header", ""),
        refused("upper case", good.upper()),
        refused("a prefix", f"sha256={good}"),
        refused("a space inside", half),
        refused("a digit too few", good[:-1]),
        refused("a digit too many", f"{good}0"),
        refused("not ASCII", "\u0663" * 64),
        refused("Latin letters", "\xe9" * 64),
        refused("not hex", "z" * 64),
        refused("another secret", signed(body, OTHER)),
        refused("parsed and written again", good, of=again),
        refused("a byte changed", good, of=body.replace(b"acct-1", b"acct-2")),
        _delivery(
            *("a header of old", 401, SignatureError, body, good),
            header="x-partnero-signature",
        ),
        large(),
        unread("1 MiB and a byte", b" " * 1_048_577, DeliveryTooLargeError),
        unread("empty", b"", MalformedEventError),
        unread("not JSON", b'{"event": ', MalformedEventError),
        unread("not UTF-8", b'{"event": "\xff"}', MalformedEventError),
        unread("nested too deep", b"[" * 100_000, MalformedEventError),
        unread("a list", b"[]", MalformedEventError),
        unread("a form", b"event=customer.created", MalformedEventError),
        unread("without a name", written(event=...), MalformedEventError),
        unread("an empty name", written(event=""), MalformedEventError),
        unread("a name that is no text", written(event=5), MalformedEventError),
        unread("without data", written(data=...), MalformedEventError),
        unread("without a time", written(created_at=...), MalformedEventError),
        unread("a time that is none", written(created_at="now"), MalformedEventError),
        unread("a time in seconds", written(created_at=1e9), MalformedEventError),
        unread("too old", written(age=old), StaleEventError),
        unread("from the future", written(age=soon), StaleEventError),
        unread("data null", written(data=None), EventDataError),
        unread("data a text", written(data=PERSON), EventDataError),
        unread(
            "data of other types", written(data={"email": [PERSON]}), EventDataError
        ),
        unread(
            "a time in the data that is none",
            written(data={"key": "a", "created_at": PERSON}),
            EventDataError,
        ),
        _delivery("an unknown event", 200, None, *_pair(written("partner.promoted"))),
        _delivery("nobody's event", 200, None, *_pair(written("customer.deleted"))),
    ]


def large() -> Delivery:
    """Make a delivery of 10 MB."""
    pair = _pair(written(pad="x" * 10_000_000))
    return _delivery("10 MB", 413, DeliveryTooLargeError, *pair)


def _pair(body: bytes) -> tuple[bytes, str]:
    return body, signed(body)


BAD = [pytest.param(delivery, id=delivery.name.replace(" ", "-")) for delivery in bad()]


def good(event: str = "customer.created", **members: Any) -> Delivery:
    """Make a delivery that is handled."""
    return _delivery("good", 200, None, *_pair(written(event, **members)))
