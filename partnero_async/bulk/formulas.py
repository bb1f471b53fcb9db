"""Cells of CSV that a spreadsheet would run, and how they are kept from that."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["as_it_was", "defused"]

# What has a quote already gets one more: else it could not be told from what got one.
FORMULA: Final = re.compile(r"'*(?:[=+@\t\r]|-(?![0-9]+(?:\.[0-9]+)?\Z))")


def defused(cell: str) -> str:
    """Put a ``'`` before what a spreadsheet would run: a number is none of that."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def as_it_was(cell: str) -> str:
    """Take off again what `defused` has put before a cell, and nothing else."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell, 1) else cell
