"""Rows out of CSV, one at a time, whatever the file holds.

A header line, newlines of any kind. What makes the rest of the file unreadable is a
`SourceError` that names the row; nothing is skipped, except lines that are empty.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Final

from .content import LONGEST, Content, Lines, detected
from .stops import ColumnError, SourceError
from .table import Record, checked_header

__all__ = ["CsvReader", "CsvRows"]

SEPARATORS: Final = ",;\t|"
NAMES: Final[Mapping[str, str]] = {"\t": "tab"}

SAMPLE: Final = 1 << 16
"""Bytes in which the separator is looked for."""

SAMPLED: Final = 20
"""Rows in which the separator is looked for."""

QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')

NEWLINE: Final = re.compile(r"[\r\n]")

TOLD: Final = re.compile(r"""sep=([^"\r\n])""", re.IGNORECASE)
"""The line above the header that tells Excel the separator."""


class CsvRows:
    """The rows of a CSV file.

    Raises `ColumnError` where the separator cannot be told.
    """

    def __init__(
        self, content: Content, *, encoding: str | None, delimiter: str | None
    ) -> None:
        self._content = content
        self._encoding = encoding or detected(content)
        self._delimiter = delimiter or self._sniffed()
        self.fingerprint: str = content.sha256()
        with content.opened() as file:
            self.header: tuple[str, ...] = self._reader(file).header

    @property
    def about(self) -> Mapping[str, str]:
        """Return what it was taken for."""
        return {
            "format": "csv",
            "encoding": self._encoding.replace("cp1252", "windows-1252"),
            "delimiter": NAMES.get(self._delimiter, self._delimiter),
        }

    def records(self) -> Iterator[Record]:
        """Walk the rows; lines without anything are no rows."""
        with self._content.checked(self.fingerprint) as file:
            yield from self._reader(file)

    def _reader(self, file: io.BufferedIOBase) -> CsvReader:
        return CsvReader(file, encoding=self._encoding, delimiter=self._delimiter)

    def _sniffed(self) -> str:
        with self._content.opened() as file:
            raw = file.read(SAMPLE)
        return separator(raw.decode(self._encoding, errors="replace"))


class CsvReader:
    """Read the rows of an open file; the header is read at once."""

    def __init__(
        self, file: io.BufferedIOBase, *, encoding: str = "utf-8", delimiter: str = ","
    ) -> None:
        self._row = 0
        self._begins = 1
        self._delimiter = delimiter
        self._lines = Lines(file, encoding=encoding, stop=self._stop)
        # The bound of the csv module is one of the process, and 128 KiB by default.
        # What is longer than a row may be is stopped by the lines.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
        self._csv = csv.reader(iter(self._lines), delimiter=delimiter, strict=True)
        self.header: tuple[str, ...] = self._read_header()

    def __iter__(self) -> Iterator[Record]:
        """Yield the rows; lines without anything are no rows."""
        self._row = 1
        while (cells := self._next()) is not None:
            yield Record(self._row, self._begins, cells)
            self._row += 1

    def _read_header(self) -> tuple[str, ...]:
        header = self._next()
        if header and TOLD.fullmatch(self._delimiter.join(header)):
            header = self._next()
        if header is None:
            raise SourceError("the file is empty: the first line names the columns")
        return checked_header(header)

    def _next(self) -> list[str] | None:
        cells: list[str] | None = []
        try:
            while cells == []:
                self._begins, self._lines.size = self._lines.line + 1, 0
                cells = next(self._csv, None)
        except csv.Error as error:
            raise self._stop(_why(error)) from None
        return cells

    def _stop(self, reason: str) -> SourceError:
        if reason.startswith("longer"):
            reason += ": is a closing quote missing?"
        if not self._row:
            return SourceError(f"the header: {reason}")
        return SourceError(reason, row=self._row, line=self._begins)


def _why(error: csv.Error) -> str:
    reason = str(error)
    if "end of data" in reason:
        return "a quote is opened and never closed"
    return f"not CSV: {reason}"


def separator(sample: str) -> str:
    """Find what is between the columns, from the beginning of a file.

    A first line ``sep=;`` says it, as Excel has it. Else it stands in the header,
    outside of quotes; where several do, it is the one that makes the first rows as wide
    as the header. Raises `ColumnError` where that is none of them, or more than one.
    """
    first = NEWLINE.split(sample.removeprefix("\ufeff"), maxsplit=1)[0]
    if told := TOLD.fullmatch(first.strip('"')):
        return told[1]
    bare = QUOTED.sub("", sample).lstrip("\r\n")
    header = NEWLINE.split(bare, maxsplit=1)[0]
    there = [sign for sign in SEPARATORS if sign in header]
    if len(there) < 2:
        return there[0] if there else ","
    fitting = [sign for sign in there if _fits(sample, sign)]
    if len(fitting) != 1:
        shown = " or ".join(NAMES.get(sign, sign) for sign in there)
        raise ColumnError(
            f"the columns may be separated by {shown}: say which with --delimiter"
        )
    return fitting[0]


def _fits(sample: str, sign: str) -> bool:
    widths = _widths(sample, sign)
    return len(widths) > 1 and len(set(widths)) == 1


def _widths(sample: str, sign: str) -> list[int]:
    widths: list[int] = []
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=sign, strict=True)
    try:
        for cells in rows:
            widths += [len(cells)] if cells else []
            if len(widths) > SAMPLED:
                break
        else:
            # The sample may end in the middle of a row.
            if len(sample) >= SAMPLE // 4:
                del widths[-1:]
    except csv.Error:
        pass
    return widths
