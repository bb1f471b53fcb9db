"""A warm parent of imports: all is imported and no loop runs, so that a start is cheap.

``python -m tests.bench.warm`` reads orders, one line of JSON each. It forks a child for
each that does what `partnero` would, says its number, and how it ended once it has.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

import attrs

from partnero_async import models, resources

ROOT: Final = Path(__file__).parents[2]
NOBODY: Final = 65534
NEEDED: Final = (
    "partnero_sync.bulk",
    "partnero_async.cli.imports",
    "tests.bench.points",
)


@attrs.frozen(kw_only=True)
class Order:
    """What a child is to do, and what is to happen to it meanwhile."""

    arguments: Sequence[str]
    """Of the command."""
    out: str
    """Where its output goes; what it complains of goes to that name and ``.err``."""
    env: Mapping[str, str] = attrs.field(factory=dict[str, str])
    blocking: bool = False
    """Whether the synchronous client does it: then *arguments* are a file alone."""
    point: str | None = None
    """A fail point at which it is killed."""
    nth: int = 1
    """The how manieth time that it comes there."""
    largest_file: int | None = None
    """Bytes that a file of its may have."""
    most_pages: int | None = None
    """Pages that its journal may have."""
    nobody: bool = False
    """Whether it has no rights of its own, where this process has those of root."""


# --- for whoever gives orders ---------------------------------------------------------


@attrs.define
class Warm:
    """A warm parent, as seen from outside: one child at a time."""

    _process: asyncio.subprocess.Process

    async def start(self, order: Order) -> int:
        """Have a child do something; return its number.

        Until the next one is started no other process has that number.
        """
        assert self._process.stdin
        self._process.stdin.write(json.dumps(attrs.asdict(order)).encode() + b"\n")
        return await self._said()

    async def ended(self) -> int:
        """Wait for the child; return its exit code, or minus what killed it."""
        return await self._said()

    async def run(self, order: Order) -> int:
        """Have a child do something to its end."""
        await self.start(order)
        return await self.ended()

    async def _said(self) -> int:
        assert self._process.stdout
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def warm() -> AsyncIterator[Warm]:
    """Start a warm parent, for as long as the block."""
    # Killed processes save no coverage, and what they are made to do is no user's.
    env = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.warm"),
        cwd=ROOT,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Warm(process)
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


# --- the parent itself ----------------------------------------------------------------


def serve() -> None:
    """Do what is ordered, until nothing more is."""
    _imported()
    told = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    child = 0
    for line in told:
        if child:
            # Not before: its number must not be another's while somebody may kill it.
            os.waitpid(child, 0)
        child = os.fork()
        if child == 0:
            _become(Order(**json.loads(line)))
        answers.write(f"{child}\n")
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert ended
        exited = ended.si_code == os.CLD_EXITED
        answers.write(f"{ended.si_status if exited else -ended.si_status}\n")


def _imported() -> None:
    """Import what an import needs, what is loaded when it is first used included."""
    for name in NEEDED:
        import_module(name)
    for package in (models, resources):
        for file in Path(package.__path__[0]).glob("*.py"):
            import_module(f"{package.__name__}.{file.stem}")


def _become(order: Order) -> NoReturn:
    """Be the child: never return into the parent's loop."""
    code = 70
    try:
        for name, target in (("", 1), (".err", 2)):
            file = os.open(order.out + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, target)
        os.environ.update(order.env)
        _plant(order)
        code = _blocking(order) if order.blocking else _command(order)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - it ends here, whatever it is
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


def _plant(order: Order) -> None:
    from tests.bench.points import plant  # noqa: PLC0415

    if order.point:
        plant(order.point, order.nth)
    if order.most_pages:
        _bound(order.most_pages)
    if order.nobody and os.geteuid() == 0:
        os.setuid(NOBODY)
    if order.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file,) * 2)


def _bound(pages: int) -> None:
    """Bound what SQLite may write, as a disk does."""
    from partnero_async.bulk.store import Store  # noqa: PLC0415

    real = Store._prepare

    def planted(self: Any, **how: Any) -> None:
        sql: sqlite3.Connection = self._sql
        sql.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        real(self, **how)

    Store._prepare = planted  # type: ignore[method-assign]


def _command(order: Order) -> int:
    from partnero_async.cli import main  # noqa: PLC0415

    try:
        main(order.arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0


def _blocking(order: Order) -> int:
    from partnero_sync import Partnero  # noqa: PLC0415
    from partnero_sync.bulk import run_import  # noqa: PLC0415

    (file,) = order.arguments
    with Partnero() as client:
        report = run_import(client, "transactions", file, concurrency=16, settle=0.1)
    sys.stdout.write(json.dumps(report.as_dict()) + "\n")
    return report.exit_code


if __name__ == "__main__":
    serve()
