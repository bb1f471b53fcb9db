"""Rows out of a CSV file, one at a time, whatever the file holds.

UTF-8 (a byte order mark is fine), commas, a header line; newlines of any kind. What
makes the rest of the file unreadable is a `SourceError` that names the row; nothing is
guessed and nothing is skipped, except lines that are empty.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import attrs

from .cells import quoted
from .stops import SourceError

__all__ = ["REJECT_COLUMNS", "CsvReader", "Record", "Source"]

LONGEST: Final = 1 << 20
"""Bytes that one row may have; a longer one is a quote that was never closed."""

REJECT_COLUMNS: Final = ("reject_row", "reject_code", "reject_reason")
"""What the rejects file has before the columns of its source."""

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
NOTHING: Final[Mapping[str, str]] = {}


@attrs.frozen(kw_only=True)
class Source:
    """A CSV file, and how its columns become fields."""

    path: Path = attrs.field(converter=Path)
    columns: Mapping[str, str] = NOTHING
    """Column by field, such as ``{"partner.key": "Referred by"}``.

    A column that is named like a field needs no entry.
    """
    constants: Mapping[str, str] = NOTHING
    """The same text for each row, by field, such as ``{"action": "sale"}``."""
    ignore: Sequence[str] = ()
    """Columns that are left out."""


class Record(NamedTuple):
    """One row as it stands in the file."""

    row: int
    """Counted from 1, the header not included."""
    line: int
    """The line on which it begins, counted from 1."""
    cells: list[str]

    def digest(self) -> int:
        """Return a fingerprint of the cells, 64 bits with sign."""
        sizes = ",".join(str(len(cell)) for cell in self.cells)
        text = f"{sizes}:{''.join(self.cells)}".encode()
        return int.from_bytes(
            hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True
        )


class CsvReader:
    """Read the rows of an open file; the header is read at once.

    `sha256` is that of all bytes so far: of the whole file, once the rows are through.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._row = 0
        self._line = 0
        self._begins = 1
        self._size = 0
        # A field that is not closed ends as a csv.Error at the module's own bound.
        self._csv = csv.reader(self._lines(), strict=True)
        self.header: tuple[str, ...] = self._read_header()

    @property
    def sha256(self) -> str:
        """Hexadecimal fingerprint of what was read."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Record]:
        """Yield the rows; lines without anything are no rows."""
        while (cells := self._next()) is not None:
            yield Record(self._row, self._begins, cells)

    def _read_header(self) -> tuple[str, ...]:
        header = self._next()
        if header is None:
            raise SourceError("the file is empty: the first line names the columns")
        self._row = 0
        seen: set[str] = set()
        for name in header:
            if name in seen:
                raise SourceError(f"two columns are called {quoted(name)}")
            seen.add(name)
        return tuple(header)

    def _next(self) -> list[str] | None:
        self._row += 1
        cells: list[str] | None = []
        try:
            while cells == []:
                self._begins, self._size = self._line + 1, 0
                cells = next(self._csv, None)
        except csv.Error as error:
            raise self._stop(_why(error)) from None
        return cells

    def _lines(self) -> Iterator[str]:
        while raw := self._file.readline(LONGEST + 1):
            self._hash.update(raw)
            self._size += len(raw)
            if self._size > LONGEST:
                raise self._stop("longer than 1 MiB: is a closing quote missing?")
            line = self._decoded(raw)
            for piece in LINE.findall(line) if "\r" in line else (line,):
                self._line += 1
                yield piece

    def _decoded(self, raw: bytes) -> str:
        if not self._line:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in raw:
            raise self._stop("a NUL byte: this is no text in UTF-8")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            raise self._stop(
                f"byte 0x{byte:02x} is not UTF-8: save the file as UTF-8"
            ) from None

    def _stop(self, reason: str) -> SourceError:
        if self._row == 1 and self._begins == 1:
            return SourceError(f"the header: {reason}")
        return SourceError(reason, row=self._row, line=self._begins)


def _why(error: csv.Error) -> str:
    reason = str(error)
    if "end of data" in reason or "field limit" in reason:
        return "a quote is opened and never closed"
    return f"not CSV: {reason}"
