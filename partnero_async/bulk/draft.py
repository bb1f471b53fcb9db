"""What an export has so far: pages as lines of JSON, and how many of them count.

``FILE.part`` holds the items and ``FILE.part.state`` says how far they are whole. The
order is that of a journal: first the items are on the disk, then the state counts them.
What a kill leaves behind the counted bytes is cut off on the next start. The state is
SQLite for its lock, which ends with the process, and for its writes: all or nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, NamedTuple, TypeVar

from .._records import json_lines, read_line
from .._walk import REMEMBERED
from .stops import ExportError

__all__ = ["Draft", "told_of"]

T = TypeVar("T")

APPLICATION: Final = 0x50744531
"""What tells a state from other SQLite files."""

SCHEMA: Final = (
    f"PRAGMA application_id = {APPLICATION}",
    "CREATE TABLE state (about TEXT, page INTEGER, size INTEGER, rows INTEGER)",
    "INSERT INTO state VALUES ('{}', 1, 0, 0)",
)
CHANGE: Final = "UPDATE state SET about = ?, page = ?, size = ?, rows = ?"


@contextmanager
def told_of(path: Path) -> Generator[None]:
    """Raise what goes wrong with a file as an `ExportError` that names it."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise ExportError(f"{path}: {_why(error)}") from error


def _why(error: OSError | sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return "another export to this file is running"
    return getattr(error, "strerror", None) or str(error)


class Whole(NamedTuple):
    """How far the items are whole."""

    page: int
    """Page of the last one."""
    size: int
    """Bytes."""
    rows: int


NOTHING: Final = Whole(1, 0, 0)


class Draft(Generic[T]):
    """What an export has so far; for one thread at a time."""

    def __init__(self, target: Path, model: Any) -> None:
        self._target = target
        self._model = model
        self.part: Path = target.with_name(f"{target.name}.part")
        """Where the items are."""
        self.new: Path = target.with_name(f"{target.name}.part.new")
        """Where they are written to in another format."""
        self._state_path = target.with_name(f"{target.name}.part.state")
        self._opened = ExitStack()

    def open(self, about: Mapping[str, Any], *, resume: bool) -> Sequence[T]:
        """Open it, made where there is none; return the last items that it has.

        *about* says what is exported: what is there of the same is gone on with, unless
        *resume* is off. Raises `ExportError` where it is of another export, or in use.
        """
        if self._target.exists() and not self._target.is_file():
            raise ExportError(f"{self._target} is no file")
        self._about = json.dumps(about)
        with told_of(self._state_path):
            self._state = self._opened.enter_context(closing(self._connect()))
            self.whole: Whole = self._claim(resume=resume)
        with told_of(self.part):
            self._file = self._opened.enter_context(self._opened_part())
            return self._last()

    # --- opening ---------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        # Its calls come from several threads, though never from two at once.
        return sqlite3.connect(
            self._state_path, timeout=0, isolation_level=None, check_same_thread=False
        )

    def _claim(self, *, resume: bool) -> Whole:
        """Lock the state, and return how far it is."""
        for pragma in ("locking_mode = EXCLUSIVE", "synchronous = FULL"):
            self._state.execute(f"PRAGMA {pragma}")
        self._state.execute("BEGIN IMMEDIATE")
        with self._state:
            self._refuse_foreign()
            was, *numbers = self._state.execute("SELECT * FROM state").fetchone()
            # The part alone is missing where it has become the target already.
            if resume and self.part.exists() and any(numbers[1:]):
                self._compare(json.loads(was), json.loads(self._about))
                return Whole(*numbers)
            self._state.execute(CHANGE, (self._about, *NOTHING))
        return NOTHING

    def _refuse_foreign(self) -> None:
        """Make the state where there is none; raise where there is another's."""
        state = self._state
        if state.execute("PRAGMA application_id").fetchone() == (APPLICATION,):
            return
        foreign = state.execute("SELECT 1 FROM sqlite_schema").fetchone()
        if foreign or self.part.exists():
            path = self._state_path if foreign else self.part
            raise ExportError(f"{path} is there, and of no export: move it away")
        for statement in SCHEMA:
            state.execute(statement)

    def _compare(self, was: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        for name, value in about.items():
            if was.get(name) != value:
                raise ExportError(
                    f"{self.part} is of another export, whose {name} is"
                    f" {was.get(name)} and not {value}: begin anew (--restart),"
                    " or export to another file"
                )

    def _opened_part(self) -> BinaryIO:
        file = self.part.open("r+b" if self.part.exists() else "x+b")
        size = os.fstat(file.fileno()).st_size
        if size < self.whole.size:
            file.close()
            raise ExportError(f"{self.part} has been cut: begin anew (--restart)")
        file.truncate(self.whole.size)
        return file

    def _last(self) -> Sequence[T]:
        with self.part.open("rb") as file:
            lines = deque(file, maxlen=REMEMBERED)
        return [read_line(self._model, line) for line in lines]

    # --- writing ---------------------------------------------------------------------

    def add(self, page: int, items: list[T]) -> None:
        """Keep the items of a page: once this returns they are on the disk."""
        with told_of(self.part):
            self._file.seek(self.whole.size)
            self._file.write(json_lines(items))
            self._file.flush()
            os.fsync(self._file.fileno())
        whole = Whole(page, self._file.tell(), self.whole.rows + len(items))
        with told_of(self._state_path):
            self._state.execute(CHANGE, (self._about, *whole))
        self.whole = whole

    def begin_anew(self) -> None:
        """Forget what is there."""
        self.whole = NOTHING
        self.add(NOTHING.page, [])
        with told_of(self.part):
            self._file.truncate()

    # --- the end ---------------------------------------------------------------------

    def batches(self, size: int) -> Iterator[list[T]]:
        """Yield all items, *size* at once."""
        with told_of(self.part), self.part.open("rb") as file:
            while lines := [*islice(file, size)]:
                yield [read_line(self._model, line) for line in lines]

    def become(self, written: Path) -> None:
        """Let *written*, which may be the part itself, be the target; drop the rest."""
        with told_of(self._target):
            _sync(written)
            self.close()
            written.replace(self._target)
            with suppress(OSError):  # not every system can sync a folder
                _sync(self._target.parent)
            # What was killed before may have left a journal, which is nobody's then.
            journal = self._state_path.with_name(f"{self._state_path.name}-journal")
            for path in (self.part, journal, self._state_path):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; what they hold is gone on with on the next start."""
        # What could not be written is tried once more here, and counts for nothing.
        with suppress(OSError):
            self._opened.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
