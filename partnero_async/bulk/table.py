"""What every source comes down to: a header, and records of cells that are text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from .._json import encode
from .cells import quoted
from .stops import SourceError

__all__ = ["OF_ROWS", "WHOLE", "Record", "Rows", "checked_header"]

WHOLE: Final = -1
"""The position of a problem that the row has as a whole."""

OF_ROWS: Final = "rows:"
"""How a fingerprint begins that is one of rows, and not of bytes."""


class Record(NamedTuple):
    """One row as it stands in the source."""

    row: int
    """Counted from 1, the header not included."""
    line: int
    """The line on which it begins, counted from 1; 0 where there are no lines."""
    cells: list[str]
    problems: Sequence[tuple[int, str]] = ()
    """Position of a cell that could not be made text, or WHOLE, and why."""

    def digest(self) -> int:
        """Return a fingerprint of the cells, 64 bits with sign."""
        # Unlike what is joined, it tells where a cell ends.
        digest = hashlib.blake2b(encode(self.cells), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


class Rows(Protocol):
    """The rows of a source, which can be walked more than once."""

    @property
    def header(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return a hexadecimal digest of the content."""
        ...

    @property
    def about(self) -> Mapping[str, str]:
        """Return what the content was taken for: its format, encoding, delimiter."""
        ...

    def records(self) -> Iterator[Record]:
        """Walk the rows from the first one, a few in memory at a time.

        Raises `SourceError` where the rest cannot be read.
        """
        ...


def checked_header(names: Sequence[str]) -> tuple[str, ...]:
    """Return *names*, unless two are the same: `SourceError` then."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SourceError(f"two columns are called {quoted(name)}")
        seen.add(name)
    return tuple(names)
