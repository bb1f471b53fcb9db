"""What type of program the key belongs to."""

from __future__ import annotations

from .._programs import type_of
from ..client import Partnero
from ..errors import RefusedError

__all__ = ["kind_of"]


async def kind_of(client: Partnero) -> str:
    """Return the type of the program; affiliate where the key may not ask for it."""
    try:
        answer = await client.request("GET", "/program")
    except RefusedError:
        return "affiliate"
    return type_of(answer.get("data")) or "affiliate"
