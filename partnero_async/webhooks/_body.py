"""The raw body of a request: as it came, and no more of it than a delivery may have."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Final

from .signature import LARGEST

__all__ = ["ENOUGH", "read_stream"]

ENOUGH: Final = LARGEST + 1
"""Bytes after which a body is too large, whatever follows."""


async def read_stream(chunks: AsyncIterable[bytes]) -> bytes:
    """Read a body until it ends or is too large; the rest is left unread then."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) >= ENOUGH:
            break
    return bytes(body)
