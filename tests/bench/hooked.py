"""A web service with a receiver, that is killed while it works.

``python -m tests.bench.hooked FD FOLDER NAME [POINT]`` serves at the listening socket
*FD*. Its claims are in a file of *FOLDER*, and so is what it has done: each call of its
function is a row there, with the *NAME* of this process. At *POINT* it dies, at the
first event that comes there whose data says so.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, get_args

from aiohttp import web

from partnero_async.webhooks import (
    Claim,
    CustomerCreated,
    Receiver,
    SQLiteClaims,
    Taken,
)
from partnero_async.webhooks.aiohttp import handler

Point = Literal["claimed", "called", "handled", "done"]
POINTS: Final[tuple[Point, ...]] = get_args(Point)

SECRET: Final = "h8KqT3vYb61ZdNwR"
LEASE: Final = timedelta(seconds=10)
MORTAL: Final = "mortal"
"""How the address of a customer begins at whose event it dies."""


class Ledger:
    """What was done, in a file of its own: an event may be there more than once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger.db"

    def make(self) -> None:
        """Make the file."""
        self._do("CREATE TABLE calls (key TEXT, process TEXT)")

    def add(self, key: str, process: str) -> None:
        """Write that a process has done something; it is there after a kill."""
        self._do("INSERT INTO calls VALUES (?, ?)", key, process)

    def calls(self) -> dict[str, list[str]]:
        """Return which processes have handled each key, one after the other."""
        found: dict[str, list[str]] = {}
        for key, process in self._do("SELECT key, process FROM calls ORDER BY rowid"):
            found.setdefault(key, []).append(process)
        return found

    def _do(self, statement: str, *values: str) -> list[Any]:
        sql = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            sql.execute("PRAGMA synchronous = OFF")  # a kill is no power cut
            return sql.execute(statement, values).fetchall()
        finally:
            sql.close()


class Hands:
    """The clock of the claims: a test moves it on, for all processes at once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hands"

    def set(self, seconds: float) -> None:
        """Be that far ahead of the time."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self._path)

    def __call__(self) -> float:
        """Tell the time."""
        return time.time() + float(self._path.read_text())


def die() -> None:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Claims of a process that dies on its way."""

    def __init__(self, claims: SQLiteClaims, point: str) -> None:
        self._claims = claims
        self._point = point
        self.at_point: set[str] = set()
        """Ids of the events at which to die."""

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim an event."""
        return self._claims.claim(event_id, lease=lease)

    def done(self, claim: Claim, *, keep: timedelta) -> bool:
        """Record it, and die before or after that."""
        if self._point == "handled" and claim.event_id in self.at_point:
            die()
        done = self._claims.done(claim, keep=keep)
        if self._point == "done" and claim.event_id in self.at_point:
            die()
        return done

    def release(self, claim: Claim) -> bool:
        """Give it back."""
        return self._claims.release(claim)


def application(folder: Path, name: str, point: str) -> web.Application:
    """Put the service together."""
    ledger = Ledger(folder)
    claims = Mortal(SQLiteClaims(folder / "claims.db", clock=Hands(folder)), point)
    receiver = Receiver(SECRET, claims=claims, lease=LEASE)

    @receiver.on("customer.created")
    def record(event: CustomerCreated) -> None:
        mortal = (event.data.email or "").startswith(MORTAL)
        if mortal:
            claims.at_point.add(event.id)
            if point == "claimed":
                die()
        ledger.add(str(getattr(event.data, "key", "")), name)
        if mortal and point == "called":
            die()

    app = web.Application()
    app.router.add_post("/hook", handler(receiver))
    return app


def _end_with_the_parent() -> None:
    """Be no orphan: the standard input ends with whoever started this."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Serve until it is told to end, or dies."""
    fd, folder, name, *point = sys.argv[1:]
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    with socket.socket(fileno=int(fd)) as sock:
        web.run_app(
            application(Path(folder), name, point[0] if point else ""),
            sock=sock,
            print=None,
            access_log=None,
            shutdown_timeout=10,
        )


if __name__ == "__main__":
    main()
