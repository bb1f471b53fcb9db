"""Files that appear once they are whole."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["part_of", "whole"]


def part_of(path: Path) -> Path:
    """Return the file that becomes *path* once it is whole."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def whole(path: Path, *, errors: str = "strict") -> Generator[TextIO]:
    """Open a text file that appears at *path* at the end of the block.

    Where the block raises, what was there before stays.
    """
    part = part_of(path)
    try:
        with part.open("w", encoding="utf-8", errors=errors, newline="") as file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
