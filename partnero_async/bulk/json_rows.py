"""Rows out of JSON Lines: an object a line, whose members are the columns.

A line that is no object is a rejected row, as it stands; the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from io import BufferedIOBase
from typing import Any, Final, NamedTuple, NoReturn, cast

from .cells import CellError, quoted
from .content import Content, Lines
from .nested import MOST_COLUMNS, flat, spelled
from .spelling import Spelling
from .stops import ColumnError, SourceError
from .table import WHOLE, Record

__all__ = ["JsonRows"]


class JsonRows:
    """The rows of a file of JSON Lines.

    The header is the union of the members of all lines, in the order in which they come
    up. Raises `ColumnError` for more of them than a table can have.
    """

    def __init__(
        self, content: Content, *, encoding: str | None, spelling: Spelling
    ) -> None:
        self._content = content
        self._encoding = encoding or "utf-8"
        self._spelling = spelling
        self.fingerprint: str = content.sha256()
        self.header: tuple[str, ...] = self._union()

    @property
    def about(self) -> Mapping[str, str]:
        """Return what it was taken for."""
        return {"format": "jsonl", "encoding": self._encoding}

    def records(self) -> Iterator[Record]:
        """Walk the rows; lines without anything are no rows."""
        with self._content.checked(self.fingerprint) as file:
            for line in _lines(file, self._encoding):
                yield self._record(line)

    def _union(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        with self._content.opened() as file:
            for line in _lines(file, self._encoding):
                names.update(dict.fromkeys(line.members))
                if len(names) > MOST_COLUMNS:
                    raise ColumnError(f"more than {MOST_COLUMNS} columns")
        if not names:
            raise SourceError("no line holds a JSON object with members")
        return tuple(names)

    def _record(self, line: _Line) -> Record:
        if line.problem:
            # Never as wide as the header, so that nobody takes it for a row.
            cells = [line.text] if len(self.header) > 1 else [line.text, ""]
            return Record(line.row, line.line, cells, ((WHOLE, line.problem),))
        values = map(line.members.get, self.header)
        cells, problems = spelled(values, self._spelling)
        return Record(line.row, line.line, cells, problems)


class _Line(NamedTuple):
    row: int
    line: int
    text: str
    members: Mapping[str, Any]
    problem: str | None = None


def _lines(file: BufferedIOBase, encoding: str) -> Iterator[_Line]:
    row = 0

    def stop(reason: str) -> SourceError:
        return SourceError(reason, row=row + 1, line=lines.line + 1)

    lines = Lines(file, encoding=encoding, stop=stop)
    for text in lines:
        lines.size = 0
        if not text.strip():
            continue
        row += 1
        text = text.rstrip("\r\n")  # noqa: PLW2901 - the end is no part of it
        try:
            yield _Line(row, lines.line, text, _members(text))
        except CellError as error:
            yield _Line(row, lines.line, text, {}, str(error))


def _members(text: str) -> Mapping[str, Any]:
    try:
        read = DECODER.decode(text)
    except CellError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise CellError(f"no JSON: {error}") from None
    if not isinstance(read, dict):
        raise CellError("a line holds one JSON object, {...}")
    return flat(cast("Mapping[object, Any]", read))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CellError(f"two members are called {quoted(twice)}")
    return members


def _no_number(text: str) -> NoReturn:
    raise CellError(f"{text} is no JSON")


# Of two members with one name msgspec, like most, keeps the last and says nothing.
DECODER: Final = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_object
)
