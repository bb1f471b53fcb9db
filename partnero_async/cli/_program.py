"""What type of program the key belongs to."""

from __future__ import annotations

from ..client import Partnero
from ..webhooks.catching_up import ProgramType, program_type

__all__ = ["kind_of"]


async def kind_of(client: Partnero) -> ProgramType:
    """Return the type of the program; affiliate where it cannot be told."""
    return await program_type(client) or "affiliate"
