"""Claims in a SQLite file: for the processes of one machine, and over restarts."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from .claims import SWEEP, Claim, Taken

__all__ = ["SQLiteClaims"]

PATIENCE: Final = 5.0
"""Seconds to wait for the others who write; each writes for a moment."""

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
        self.path = Path(path)
        self._clock = clock
        self._idle: list[sqlite3.Connection] = []
        self._owner = os.getpid()
        self._inherited: list[list[sqlite3.Connection]] = []
        self._swept = 0.0

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim an event for as long as *lease*, or say why it cannot be."""
        now, claim = self._clock(), Claim(event_id)
        until = now + lease.total_seconds()
        with self._writing() as sql:
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
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """Lend a connection that nobody else uses, in a transaction."""
        sql = self._connection()
        try:
            sql.execute("BEGIN IMMEDIATE")
            yield sql
            sql.execute("COMMIT")
        except BaseException:
            sql.close()  # that undoes the transaction, whatever state it is in
            raise
        self._idle.append(sql)

    def _connection(self) -> sqlite3.Connection:
        if self._owner != os.getpid():
            # SQLite's connections must not be used, nor closed, where they were forked.
            self._inherited.append(self._idle)
            self._idle, self._owner = [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        # By SQLite alone: whoever else opens and closes the file in this process takes
        # away the locks that other connections hold (POSIX has it so).
        sql = sqlite3.connect(
            self.path,
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,  # each is one thread's at a time
        )
        try:
            sql.execute("PRAGMA synchronous = FULL")
            sql.execute(SCHEMA)
        except BaseException:
            sql.close()
            raise
        return sql

    def _sweep(self, sql: sqlite3.Connection, now: float) -> None:
        """Forget what has run out."""
        if now - self._swept >= SWEEP:
            self._swept = now
            sql.execute("DELETE FROM claims WHERE until <= ?", [now])
