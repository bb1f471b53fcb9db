"""Claims in a SQLite file: for the processes of one machine, and over restarts."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from .claims import SWEEP, Claim, Taken

__all__ = ["SQLiteClaims"]

PATIENCE: Final = 30.0
"""Seconds to wait for the other processes; each writes for some milliseconds."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS claims (
    event TEXT PRIMARY KEY,
    token TEXT,
    until REAL NOT NULL
) WITHOUT ROWID
"""
CLAIM: Final = """
INSERT INTO claims VALUES (?1, ?2, ?3)
ON CONFLICT (event) DO UPDATE SET token = excluded.token, until = excluded.until
WHERE claims.until <= ?4
"""
DONE: Final = """
INSERT INTO claims VALUES (?1, NULL, ?3)
ON CONFLICT (event) DO UPDATE SET token = NULL, until = excluded.until
WHERE claims.token = ?2
"""


class SQLiteClaims:
    """Claims that all processes of a machine share, and that a restart does not forget.

    *path* is a file on a disk of this machine (SQLite's locks do not hold on network
    file systems); it is made when it is not there. It holds hashes of deliveries and
    nothing of their content. A claim is on the disk before the event is handled, and so
    is that it was, before the sender gets its answer.

    May be made before a process forks. Raises what `sqlite3` raises.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.time
    ) -> None:
        self.path: Path = Path(path)
        self._clock = clock
        self._file = _File(self.path)
        self._inherited: list[_File] = []
        self._swept = 0.0

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim an event for as long as *lease*, or say why it cannot be."""
        claim = Claim(event_id)
        with self._writing() as sql:
            now = self._clock()  # not before: whoever writes may be waited for
            until = now + lease.total_seconds()
            self._sweep(sql, now)
            values = (event_id, claim.token, until, now)
            if sql.execute(CLAIM, values).rowcount:
                return claim
            found = sql.execute("SELECT token FROM claims WHERE event = ?", [event_id])
            (token,) = found.fetchone()
        return Taken.BUSY if token else Taken.DONE

    def done(self, claim: Claim, *, keep: timedelta) -> bool:
        """Record that the event was handled, and remember it for as long as *keep*."""
        until = self._clock() + keep.total_seconds()
        with self._writing() as sql:
            values = (claim.event_id, claim.token, until)
            return bool(sql.execute(DONE, values).rowcount)

    def release(self, claim: Claim) -> bool:
        """Give a claim back, so that the event can be claimed at once."""
        with self._writing() as sql:
            values = (claim.event_id, claim.token)
            gone = sql.execute(
                "DELETE FROM claims WHERE event = ? AND token = ?", values
            )
            return bool(gone.rowcount)

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._file.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """Lend the connection to this thread alone, in a transaction."""
        if self._file.owner != os.getpid():
            # What was forked must be neither used nor closed here, nor waited for.
            self._inherited.append(self._file)
            self._file = _File(self.path)
        with self._file.writing() as sql:
            yield sql

    def _sweep(self, sql: sqlite3.Connection, now: float) -> None:
        """Forget what has run out."""
        if now - self._swept >= SWEEP:
            self._swept = now
            sql.execute("DELETE FROM claims WHERE until <= ?", [now])


class _File:
    """The file, opened by one process: its threads take turns, and so do processes."""

    def __init__(self, path: Path) -> None:
        self.owner = os.getpid()
        self._path = path
        self._lock = threading.Lock()
        self._sql: sqlite3.Connection | None = None

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Lend the connection, in a transaction that is on the disk at the end."""
        with self._lock:
            sql = self._sql = self._sql or self._opened()
            try:
                _patiently(sql, "BEGIN IMMEDIATE")
                yield sql
                sql.execute("COMMIT")
            except BaseException:
                self._sql = None
                sql.close()  # that undoes the transaction, whatever state it is in
                raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            if self._sql:
                self._sql.close()
            self._sql = None

    def _opened(self) -> sqlite3.Connection:
        # By SQLite alone: whoever else opens and closes the file in this process takes
        # away the locks that connections hold (POSIX has it so).
        sql = sqlite3.connect(
            self._path,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,  # the lock sees to it
        )
        try:
            for statement in ("PRAGMA journal_mode = WAL", SCHEMA):
                _patiently(sql, statement)
            sql.execute("PRAGMA synchronous = FULL")
        except BaseException:
            sql.close()
            raise
        return sql


def _patiently(sql: sqlite3.Connection, statement: str) -> None:
    """Execute what may have to wait for another process.

    SQLite's own waiting looks ten times a second, and starves while others are busy.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            sql.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
        else:
            return
        time.sleep(random.uniform(0.001, 0.005))  # noqa: S311 - so that nobody is in step
