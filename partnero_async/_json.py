"""The JSON codec: exact numbers, and nothing in place of what JSON cannot carry."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard

import msgspec

from .errors import UsageError

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


def decode(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object, with decimals exact; None where the body is none."""
    try:
        value = _decoder.decode(body)
    except (ValueError, RecursionError, InvalidOperation):
        return None
    return value if is_object(value) else None


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether decoded JSON is an object."""
    return type(value) is dict


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether decoded JSON is an array."""
    return type(value) is list
