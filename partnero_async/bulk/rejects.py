"""Rejected rows: in a file, verbatim, ready to be mended; and tried again."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator
from itertools import chain, count
from pathlib import Path

from .kinds import kind_of
from .lookup import CONFLICT
from .plan import Plan
from .scan import UNREADABLE, judged, second_of
from .source import REJECT_COLUMNS
from .stops import JournalError
from .store import Row, Store
from .whole import part_of

__all__ = ["rejects_of", "reopen_conflicts", "reopen_rejects", "write_rejects"]


def write_rejects(store: Store, path: Path) -> Path | None:
    """Write the rejected rows of the journal, all or nothing; say where they are.

    Returns None where there are none. A file that was written before and says the same
    is left alone: somebody may be mending it. So is one that was changed since; then
    the rows of now go into one beside it, such as ``FILE.rejects.2.csv``.

    Raises `OSError` where it cannot be written.
    """
    wrote: dict[str, str] = json.loads(store.meta("wrote_rejects") or "{}")
    if not _any_rejected(store):
        _clear(wrote)
        return None
    part = part_of(path)
    _write(store, part)
    now = _digest(part)
    place = next(place for place in _places(path) if _is_free(place, path, wrote, now))
    if place.exists() and wrote.get(str(place)) == now:
        part.unlink()
        return place
    part.replace(place)
    with store.explained():
        store.keep(wrote_rejects=json.dumps({**wrote, str(place): now}))
    return place


def rejects_of(store: Store) -> Path:
    """Return the path of the rejects file that belongs to a journal."""
    return Path(store.meta("rejects") or f"{store.path}.rejects.csv")


def _any_rejected(store: Store) -> bool:
    return any(state == "rejected" for state, _, _ in store.counts())


def _places(path: Path) -> Iterator[Path]:
    numbered = (f"{path.stem}.{number}{path.suffix}" for number in count(2))
    return chain((path,), map(path.with_name, numbered))


def _is_free(place: Path, path: Path, wrote: dict[str, str], now: str) -> bool:
    """Say whether nothing that somebody has written is lost at *place*."""
    if not place.exists():
        return True
    there = _digest(place)
    if there == now:
        return True
    before = wrote.get(str(place))
    if before is None:
        # A file of something else was named to be written over. Rejected rows of
        # another journal may have been mended meanwhile.
        return place == path and not _has_rejects(place)
    return before in (now, there)


def _has_rejects(file: Path) -> bool:
    with file.open("rb") as lines:
        return REJECT_COLUMNS[0].encode() in lines.readline(200)


def _clear(wrote: dict[str, str]) -> None:
    """Remove what was written, and says that rows are rejected that no longer are."""
    for place, before in ((Path(name), digest) for name, digest in wrote.items()):
        if place.exists() and _digest(place) == before:
            place.unlink()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


# --- tried again -------------------------------------------------------------------


def reopen_rejects(store: Store, plan: Plan, *, codes: Collection[str] = ()) -> None:
    """Check the rejected rows anew, of *codes* only if any; what is right is pending.

    Raises `JournalError` for a code that no rejected row has.
    """
    _check_codes(store, codes)
    with store.transaction():
        for row in store.walk("rejected"):
            # Cells that no text was made of are just kept to be shown.
            if row.code != UNREADABLE and (not codes or row.code in codes):
                _reopen(store, plan, row)


def reopen_conflicts(store: Store, plan: Plan) -> None:
    """Let rows be sent again that were rejected since other values were there."""
    if kind_of(plan.resource).handle and CONFLICT in _codes(store):
        reopen_rejects(store, plan, codes=[CONFLICT])


def _check_codes(store: Store, codes: Collection[str]) -> None:
    known = _codes(store)
    for code in codes:
        if code not in known:
            there = ", ".join(sorted(map(str, known))) or "none"
            raise JournalError(f"no row was rejected as {code}; there are: {there}")


def _codes(store: Store) -> set[str | None]:
    """Return why rows were rejected."""
    return {code for state, code, _ in store.counts() if state == "rejected"}


def _reopen(store: Store, plan: Plan, row: Row) -> None:
    read, claim = judged(row, plan)
    try:
        store.change(read, claim=claim)
    except sqlite3.IntegrityError:
        # SQLite undoes the statement and not the transaction.
        twice = second_of(read, plan, first=store.claimed_by(claim or ""))
        store.change(twice, claim=None)
