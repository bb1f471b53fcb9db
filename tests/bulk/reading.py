"""Reading sources, in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from partnero_async.bulk import Source
from partnero_async.bulk.rows import open_rows
from partnero_async.bulk.table import Record, Rows


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(given: Any, **options: Any) -> Rows:
    """Open the rows of a path, or of what a program gives."""
    if isinstance(given, Path | str):
        return open_rows(Source(path=Path(given), **options))
    return open_rows(Source(rows=given, **options))


def records(given: Any, **options: Any) -> list[Record]:
    """Read all rows."""
    return list(opened(given, **options).records())


def cells(given: Any, **options: Any) -> list[list[str]]:
    """Read the cells of all rows."""
    return [record.cells for record in records(given, **options)]
