"""Keys for records that the caller gives none: a lost write is looked up by its key."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import uuid4

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without what is mistaken for something else: customers type these codes."""


def made_up_key() -> str:
    """Return a key that no other record has."""
    return f"py-{uuid4().hex}"


def made_up_code() -> str:
    """Return a code of 12 signs that no other coupon has, fit to be typed."""
    return "".join(secrets.choice(ALPHABET) for _ in range(12))
