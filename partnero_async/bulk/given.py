"""Rows that a program gives, and other things that can be read only once.

They are read at once, to a file without a name: what is walked several times afterwards
is that file, and none of it is in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs
import msgspec

from .arrow_rows import frame_cells, header_of_frame
from .cells import CellError
from .content import LONGEST, Kept, kept
from .nested import MOST_COLUMNS, flat, spelled
from .source import Frame, Source
from .stops import ColumnError, SourceError
from .table import OF_ROWS, WHOLE, Record

__all__ = ["GivenRows", "gather", "gathered"]

BREATH: Final = 200
"""Rows between which the event loop may do something else."""

ENCODER: Final = msgspec.json.Encoder()
DECODER: Final = msgspec.json.Decoder(tuple[list[str], list[tuple[int, str]]])


def gather(source: Source) -> Source:
    """Read what can be read only once; other sources are returned as they are.

    Raises `SourceError` for rows that come asynchronously: `gathered` reads those.
    """
    if source.held or source.file:
        return source
    if source.path:
        return attrs.evolve(source, held=kept(source))
    if isinstance(source.rows, AsyncIterable) and not isinstance(source.rows, Frame):
        raise SourceError(
            "the rows come asynchronously: give them to partnero_async, or collect them"
        )
    gathering = _Gathering(source)
    for _ in gathering.all_of(source.rows):
        pass
    return attrs.evolve(source, held=gathering.rows())


async def gathered(source: Source) -> Source:
    """Do what `gather` does, and let the event loop go on meanwhile.

    An iterable is walked here, in the thread of whoever made it.
    """
    if source.held or source.file:
        return source
    if source.path:
        return await asyncio.to_thread(gather, source)
    gathering = _Gathering(source)
    if isinstance(source.rows, AsyncIterable) and not isinstance(source.rows, Frame):
        async for given in cast("AsyncIterable[Any]", source.rows):
            gathering.add(given)
    else:
        for row in gathering.all_of(source.rows):
            if not row % BREATH:
                await asyncio.sleep(0)
    return attrs.evolve(source, held=gathering.rows())


class GivenRows:
    """Rows that were gathered."""

    about: Mapping[str, str] = {"format": "rows"}

    def __init__(self, keep: Kept, header: tuple[str, ...], fingerprint: str) -> None:
        self._keep = keep
        self.header = header
        self.fingerprint = fingerprint

    def records(self) -> Iterator[Record]:
        """Walk the rows from the first one."""
        self._keep.file.seek(0)
        for row, line in enumerate(self._keep.file, start=1):
            cells, problems = DECODER.decode(line)
            # Columns that came up later than this row are empty in it.
            cells += [""] * (len(self.header) - len(cells))
            yield Record(row, 0, cells, problems)


class _Gathering:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._spelling = source.spelling
        self._keep = Kept()
        self._hash = hashlib.sha256()
        self._names: dict[str, None] = {}
        self._count = 0

    def all_of(self, given: Any) -> Iterator[int]:
        """Take a frame, or all mappings of an iterable; tell how many there are."""
        if isinstance(given, Frame):
            names, rows = header_of_frame(given, self._source)
            self._names.update(dict.fromkeys(names))
            for cells, problems in frame_cells(rows):
                yield self._write(cells, problems)
        elif isinstance(given, Iterable):
            for mapping in cast("Iterable[object]", given):
                yield self.add(mapping)
        else:
            raise SourceError(
                "give a path, a frame, or an iterable of mappings, and not"
                f" {type(given).__name__}"
            )

    def add(self, given: Any) -> int:
        """Take one row; say how many there are now."""
        if not isinstance(given, Mapping):
            kind = type(given).__name__
            raise SourceError(f"{kind} is no mapping", row=self._count + 1)
        try:
            members = flat(cast("Mapping[object, Any]", given))
        except CellError as error:
            return self._write([], [(WHOLE, str(error))])
        self._names.update(dict.fromkeys(members))
        if len(self._names) > MOST_COLUMNS:
            raise ColumnError(f"more than {MOST_COLUMNS} columns")
        return self._write(*spelled(map(members.get, self._names), self._spelling))

    def _write(self, cells: Sequence[str], problems: Sequence[tuple[int, str]]) -> int:
        line = ENCODER.encode((cells, problems))
        if len(line) > LONGEST:
            line = ENCODER.encode(([], [(WHOLE, "longer than 1 MiB")]))
        self._hash.update(line)
        try:
            self._keep.file.write(line + b"\n")
        except OSError as error:
            raise SourceError(f"the rows cannot be kept: {error.strerror}") from None
        self._count += 1
        return self._count

    def rows(self) -> GivenRows:
        """Return all rows that were taken; `SourceError` where nothing was."""
        if not self._names:
            raise SourceError("no rows were given, or none that has a member")
        header = tuple(self._names)
        self._hash.update(ENCODER.encode(header))
        return GivenRows(self._keep, header, OF_ROWS + self._hash.hexdigest())
