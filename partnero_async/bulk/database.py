"""The journal's file: SQLite, synchronous, for one thread."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from .stops import JournalError, JournalInUseError, JournalWriteError

__all__ = ["Database"]

VERSION: Final = 2
APPLICATION: Final = 0x50744A31
"""What tells a journal from other SQLite files."""

UNWRITTEN: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
)

# Of a list, `state IN (...)`, SQLite makes a table for each row that is written.
SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    row INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (
        state = 'pending' OR state = 'sent' OR state = 'done'
        OR state = 'rejected' OR state = 'parked'
    ),
    key TEXT,
    claim TEXT UNIQUE,
    customer TEXT,
    buyer TEXT,
    cells TEXT,
    code TEXT,
    reason TEXT,
    sent_at REAL,
    field TEXT,
    amount TEXT,
    units TEXT
);
CREATE TABLE sales (
    claim TEXT, amount TEXT, units TEXT, reward TEXT, customer TEXT, action TEXT
);
CREATE INDEX sale_claim ON sales (claim);
CREATE TABLE customers (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE newcomers (
    name TEXT PRIMARY KEY, row INTEGER NOT NULL, arguments TEXT, problem TEXT
) WITHOUT ROWID;
"""


class Database:
    """The open file. Nobody else can open it meanwhile, and a kill leaves it usable."""

    def __init__(self, path: Path, *, make: bool, reading: bool = False) -> None:
        self.path = path
        self.is_new: bool = not path.exists()
        if self.is_new and not make:
            raise JournalError(f"{path}: there is no such journal")
        if reading and not os.access(path.parent, os.W_OK | os.X_OK):
            raise JournalError(
                f"{path}: SQLite reads it only where it can write beside it; copy it to"
                " such a folder, with its -wal if there is one"
            )
        with self.explained():
            if self.is_new:
                self._make_file()
            self._sql = sqlite3.connect(path, timeout=0, isolation_level=None)
            try:
                self._prepare(make=make)
                if reading:
                    self._sql.execute("PRAGMA query_only = ON")
            except BaseException:
                self._sql.close()
                raise

    def _make_file(self) -> None:
        try:
            # The cells of the rows are in it: for its owner only.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from None

    def _prepare(self, *, make: bool) -> None:
        # The lock is the operating system's and ends with the process, however it ends.
        for pragma in ("locking_mode = EXCLUSIVE", "synchronous = FULL"):
            self._sql.execute(f"PRAGMA {pragma}").fetchall()
        application, version = (
            self._pragma("application_id"),
            self._pragma("user_version"),
        )
        empty = not self._sql.execute("SELECT count(*) FROM sqlite_master").fetchone()[
            0
        ]
        if application != APPLICATION and not (empty and make):
            raise JournalError(f"{self.path} is no journal of an import")
        if not empty and version != VERSION:
            age = "a newer" if version > VERSION else "an older"
            raise JournalError(
                f"{self.path} was written by {age} version of this package"
            )
        # Two seconds a million rows. Without it a page that is cut off reads as zeros,
        # and its rows are in no state at all.
        if self._pragma("quick_check(1)") != "ok":
            raise JournalError(
                f"{self.path} is damaged: bring back a copy of it as it was"
            )
        self._pragma("journal_mode = WAL")
        with self.transaction():
            if empty:
                self._create()

    def _create(self) -> None:
        for statement in SCHEMA.split(";"):
            self._sql.execute(statement)
        self._sql.execute(f"PRAGMA application_id = {APPLICATION}")
        self._sql.execute(f"PRAGMA user_version = {VERSION}")

    def _pragma(self, pragma: str) -> Any:
        return self._sql.execute(f"PRAGMA {pragma}").fetchone()[0]

    @contextmanager
    def explained(self) -> Generator[None]:
        """Raise what SQLite finds wrong with the file as `JournalError`."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise JournalInUseError(
                    f"{self.path}: another import is using this journal"
                ) from None
            if code == sqlite3.SQLITE_NOTADB:
                why = f"{self.path} is no journal of an import"
                raise JournalError(why) from None
            # What is more than the lowest byte says more about the kind.
            unwritten = code is not None and code & 0xFF in UNWRITTEN
            kind = JournalWriteError if unwritten else JournalError
            raise kind(f"{self.path}: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    def remove(self) -> None:
        """Close and delete the file: for one that nothing was sent under."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").unlink()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make everything inside happen or nothing of it."""
        with self.explained():
            self._sql.execute("BEGIN EXCLUSIVE")
            try:
                yield
            except BaseException:
                # SQLite may have rolled back on its own: what went wrong is the news.
                with suppress(sqlite3.Error):
                    self._sql.execute("ROLLBACK")
                raise
            self._sql.execute("COMMIT")

    # --- what it is about --------------------------------------------------------

    def meta(self, name: str) -> str | None:
        """Read a property of the whole import."""
        found = self._sql.execute("SELECT value FROM meta WHERE name = ?", (name,))
        row = found.fetchone()
        return row[0] if row else None

    def drop(self, name: str) -> None:
        """Forget a property of the whole import."""
        self._sql.execute("DELETE FROM meta WHERE name = ?", (name,))

    def keep(self, **values: str) -> None:
        """Set properties of the whole import."""
        # Alone or as part of a transaction.
        self._sql.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items()
        )
