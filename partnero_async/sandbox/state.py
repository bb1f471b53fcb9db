"""The sandbox's memory: SQLite tables, one connection, explicit transactions."""

import hashlib
import random
import sqlite3
import string
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    sha256 TEXT PRIMARY KEY,
    prefix TEXT NOT NULL,
    denied TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT NOT NULL,
    key TEXT,
    amount TEXT
);
"""

_RANDOM = random.SystemRandom()
_SIGNS = string.ascii_letters + string.digits


class Effect(NamedTuple):
    """One successful write, as the ledger keeps it for good.

    *operation* is the name in the API's list of operations; *key* is the key of the
    customer or the sale, or the id of the partner; *amount* is in major units.
    """

    sequence: int
    operation: str
    key: str | None
    amount: Decimal | None


def generated_key(length: int = 12) -> str:
    """Make up a key of letters and digits, 12 of them as the API does."""
    return "".join(_RANDOM.choices(_SIGNS, k=length))


class State:
    """Hold the connection; every write is one transaction.

    In a file, WAL with synchronous=NORMAL: a killed process loses nothing that was
    committed, while a power cut may lose the newest commits, which is fine here.
    *schema* creates the tables of the nouns; the ledger needs none of them.
    """

    def __init__(self, db: Path | str | None, schema: str = "") -> None:
        self._connection = sqlite3.connect(
            ":memory:" if db is None else db,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("holds", 2, _holds, deterministic=True)
        self._connection.create_function("equals", 2, _equals, deterministic=True)
        #: Another number after every change of a setting, for those who keep copies.
        self.settings_version: int = 0
        #: Another number after every change that deliveries have to look at.
        self.outbox_version: int = 0
        #: Ledger and deliveries may be read from another thread than the one that
        #: serves.
        self.lock: threading.RLock = threading.RLock()
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.executescript(_SCHEMA + schema)

    def close(self) -> None:
        """Close the connection; what is only in memory is gone."""
        with self.lock:  # SQLite ends the process if another thread is reading
            self._connection.close()

    @contextmanager
    def write(self) -> Generator[None]:
        """Make everything inside one transaction: all of it happens or nothing."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def one(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def rows(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[sqlite3.Row]:
        """Return every row."""
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement that changes something; return the last sequence."""
        return self._connection.execute(sql, values).lastrowid or 0

    def note(
        self, operation: str, key: str | None, amount: Decimal | None = None
    ) -> None:
        """Append an effect to the ledger, in the transaction that has the effect."""
        self.run(
            "INSERT INTO ledger (operation, key, amount) VALUES (?, ?, ?)",
            (operation, key, None if amount is None else str(amount)),
        )

    def ledger(self) -> tuple[Effect, ...]:
        """Return every effect so far, oldest first."""
        with self.lock:
            rows = self.rows("SELECT seq, operation, key, amount FROM ledger")
        return tuple(
            Effect(
                sequence,
                operation,
                key,
                None if amount is None else Decimal(amount),
            )
            for sequence, operation, key, amount in rows
        )

    def setting(self, name: str) -> str | None:
        """Read a setting that survives restarts."""
        row = self.one("SELECT value FROM settings WHERE name = ?", (name,))
        return None if row is None else str(row["value"])

    def keep(self, name: str, value: str) -> None:
        """Store a setting that survives restarts."""
        self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
        self.settings_version += 1


def read_ledger(db: Path | str) -> tuple[Effect, ...]:
    """Read the ledger of a sandbox that is not running, killed ones included."""
    state = State(db)
    try:
        return state.ledger()
    finally:
        state.close()


class Key(NamedTuple):
    """The API key in use and the program it belongs to."""

    program_id: str
    api_key: str


def settle_key(state: State, api_key: str | None) -> Key:
    """Find the API key: the one given, or one derived from the program's id.

    The file never holds a key, only its SHA-256 and its first characters. A key that
    nobody chose is derived from the program's id, so that a restart with the same file
    prints the same key: whoever can read the file can derive it, and could as well
    read the made-up data it protects.
    """
    program_id = state.setting("program_id") or generated_key(8).upper()
    derived = "sandbox_" + digest(f"partnero sandbox {program_id}")[:40]
    known = state.setting("api_key_sha256")
    if api_key is None and known not in {None, digest(derived)}:
        raise ValueError(
            "this database belongs to a key of your own: give it again (api_key=, "
            "or the environment variable PARTNERO_SANDBOX_KEY)"
        )
    key = api_key or derived
    with state.write():
        state.keep("program_id", program_id)
        state.keep("api_key_sha256", digest(key))
        state.keep("api_key_prefix", key[:4])
    return Key(program_id, key)


def digest(text: str) -> str:
    """Hash a key, as the file keeps it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _holds(text: str | None, part: str) -> bool:
    return text is not None and part.casefold() in text.casefold()


def _equals(text: str | None, other: str) -> bool:
    return text == other
