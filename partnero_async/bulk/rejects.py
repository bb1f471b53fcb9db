"""The rejects file: what was rejected, verbatim, ready to be mended and fed again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from .source import REJECT_COLUMNS
from .store import Store

__all__ = ["part_of", "rejects_of", "write_rejects"]


def write_rejects(store: Store, path: Path) -> Path | None:
    """Write the rejected rows of the journal to *path*, all or nothing.

    Returns None where there are none. What was written before and has not changed since
    is left alone: somebody may be mending it.

    Raises `OSError` where it cannot be written.
    """
    count = sum(many for state, _, many in store.counts() if state == "rejected")
    if not count:
        return None
    written = f"{count} in {path}"  # a rejected row stays one, so the number is enough
    if store.meta("wrote_rejects") == written and path.exists():
        return path
    part = part_of(path)
    _write(store, part)
    part.replace(path)
    with store.explained():
        store.keep(wrote_rejects=written)
    return path


def rejects_of(store: Store) -> str:
    """Return the path of the rejects file that belongs to a journal."""
    return store.meta("rejects") or f"{store.path}.rejects.csv"


def part_of(path: Path) -> Path:
    """Return the file that becomes *path* once it is whole."""
    return path.with_name(path.name + ".part")


def _write(store: Store, path: Path) -> None:
    header = json.loads(store.meta("header") or "[]")
    # Fed back, it has the three columns already: the new ones take their place.
    old = [at for at, name in enumerate(header) if name in REJECT_COLUMNS]
    with path.open("w", encoding="utf-8", newline="") as file:
        # CRLF makes the writer quote both kinds of line ends inside of cells.
        rows = csv.writer(file, lineterminator="\r\n")
        rows.writerow([*REJECT_COLUMNS, *_without(header, old)])
        for row in store.walk("rejected"):
            cells = _without(row.cells, old)
            rows.writerow([row.row, row.code, row.reason, *cells])


def _without(cells: list[str], positions: list[int]) -> list[str]:
    return [cell for at, cell in enumerate(cells) if at not in positions]
