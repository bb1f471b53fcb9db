"""Imports whose disk is full, whose folder is closed, whose journal is another's.

Each stops with one line that says why and the exit code of that, nothing is sold twice
meanwhile, and it goes on once the disk is as it was.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import attrs

from partnero_async.sandbox import Sandbox
from tests.bench.desk import CONCURRENCY, PARKED, REJECTED, STOPPED, Desk, desk
from tests.bench.figures import Figure
from tests.bench.till import HEADER, cells, is_good, kept, sold
from tests.bench.warm import warm
from tests.bulk.shop import write_csv


@attrs.frozen
class Size:
    """How much is measured."""

    rows: int
    full: int
    """Disks that are full, by each of two ways."""
    journals: int
    """Journals of each kind."""


SIZES: Final = {"small": Size(200, 3, 1), "full": Size(600, 50, 10)}
SIDE_BY_SIDE: Final = 3
SMALLEST: Final = 4_096
PAGE: Final = 4_096
BYTES_A_ROW: Final = 2_000
"""Of a journal with what is written before it, at most."""


@attrs.define
class Found:
    """What came of some cases of a kind."""

    cases: int = 0
    hits: int = 0
    """Those in which the fault was met."""
    failures: list[str] = attrs.field(factory=list[str])

    def add(self, name: str, failures: list[str], *, hit: bool = True) -> None:
        """Take note of a case."""
        self.cases += 1
        self.hits += hit
        self.failures += [f"{name}: {why}" for why in failures]


# --- a full disk ----------------------------------------------------------------------


async def full_disk(at: Desk, share: float, *, by: str) -> bool:
    """Import onto a disk that is full at some time; return whether it was."""
    most = BYTES_A_ROW * at.till.rows
    size = int(SMALLEST * (most / SMALLEST) ** share)
    changes = {"largest_file": size} if by == "bytes" else {"most_pages": size // PAGE}
    code = await at.parent.run(at.order(**changes))
    doubt = any(row.state in ("sent", "parked") for row in at.look())
    if code == REJECTED:
        said = json.loads((at.till.folder / "out").read_text())
        return said["rejects_problem"] is not None
    at.expect(code, PARKED if doubt else STOPPED)
    at.expect_reason()
    return True


# --- folders --------------------------------------------------------------------------


async def closed_folder(at: Desk, option: str) -> None:
    """Import where a file of the import cannot be made."""
    shut = at.till.folder / "shut"
    shut.mkdir(mode=0o555)
    at.till.folder.chmod(0o777)
    code = await at.parent.run(at.order(option, str(shut / "file"), nobody=True))
    at.expect_stop(code)
    _nothing_sold(at)


async def no_folder(at: Desk, option: str) -> None:
    """Import to where there is no folder."""
    nowhere = str(at.till.folder / "nowhere" / "file")
    at.expect_stop(await at.parent.run(at.order(option, nowhere)))
    _nothing_sold(at)


async def a_folder(at: Desk, option: str) -> None:
    """Import to where a folder is in the way."""
    at.expect_stop(await at.parent.run(at.order(option, str(at.till.folder))))
    _nothing_sold(at)


def _nothing_sold(at: Desk) -> None:
    if sold(at.sandbox):
        at.broken.append("sales were sent")


FOLDERS: Final[Mapping[str, Callable[[Desk, str], Awaitable[None]]]] = {
    "a folder that is closed": closed_folder,
    "no folder": no_folder,
    "a folder in the way": a_folder,
}


# --- journals -------------------------------------------------------------------------


async def begun(at: Desk, rng: random.Random) -> frozenset[str]:
    """Kill an import amid its sales, and leave its journal in one file.

    Returns the keys that may be sold from now on although nothing sends them: they were
    on their way.
    """
    nth = rng.randint(CONCURRENCY, at.till.rows // 2)
    order = at.order(point="after a whole request", nth=nth)
    at.expect(await at.parent.run(order), -signal.SIGKILL)
    journal = at.look()
    with closing(sqlite3.connect(at.till.journal)) as sql:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return frozenset(row.claim or "" for row in journal if row.state == "sent")


Spoil = Callable[[Desk, random.Random], None]


def another_file(at: Desk, rng: random.Random) -> None:
    """Change a row of the file."""
    changed = rng.choice([n for n in range(at.till.rows) if is_good(n)])
    rows = [list(cells(number)) for number in range(at.till.rows)]
    rows[changed][3] = "9999.99"
    write_csv(at.till.file, rows, header=HEADER)


def shorter_file(at: Desk, rng: random.Random) -> None:
    """Cut the file off."""
    rows = map(cells, range(rng.randrange(at.till.rows)))
    write_csv(at.till.file, rows, header=HEADER)


def newer(at: Desk, rng: random.Random) -> None:
    """Have a journal of a version to come."""
    with closing(sqlite3.connect(at.till.journal)) as sql:
        sql.execute(f"PRAGMA user_version = {rng.randint(50, 99)}")


def of_another_program(at: Desk, _: random.Random) -> None:
    """Have a file of a program that keeps its data in the same form."""
    at.till.journal.unlink()
    with closing(sqlite3.connect(at.till.journal)) as sql:
        sql.execute("CREATE TABLE rows (row INTEGER PRIMARY KEY)")


def garbage(at: Desk, rng: random.Random) -> None:
    """Have a journal that is anything."""
    at.till.journal.write_bytes(rng.randbytes(rng.randint(1, 100_000)))


def overwritten(at: Desk, rng: random.Random) -> None:
    """Have a journal whose beginning is anything."""
    text = at.till.journal.read_bytes()
    at.till.journal.write_bytes(rng.randbytes(100) + text[100:])


def truncated(at: Desk, rng: random.Random) -> None:
    """Have a journal whose end is missing."""
    os.truncate(at.till.journal, rng.randrange(1, at.till.journal.stat().st_size))


JOURNALS: Final[Mapping[str, Spoil]] = {
    "another file": another_file,
    "a shorter file": shorter_file,
    "a journal of a newer version": newer,
    "a file of another program": of_another_program,
    "a journal of garbage": garbage,
    "a journal that was overwritten": overwritten,
    "a journal that was cut off": truncated,
}


async def spoilt(at: Desk, rng: random.Random, spoil: Spoil) -> None:
    """Start an import again when its journal does not fit; then as it was."""
    under_way = await begun(at, rng)
    before = {key for key, _ in sold(at.sandbox)}
    kept_well = shutil.copy(at.till.journal, f"{at.till.journal}.was")
    spoil(at, rng)
    at.expect_stop(await at.parent.run(at.order()))
    if {key for key, _ in sold(at.sandbox)} - before - under_way:
        at.broken.append("sales were sent")
    _restore(at, kept_well)


def _restore(at: Desk, journal: str) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{at.till.journal}{suffix}").unlink(missing_ok=True)
    shutil.move(journal, at.till.journal)
    at.till.write()


async def another_account(at: Desk, rng: random.Random) -> None:
    """Start an import again with the key of another account."""
    await begun(at, rng)
    async with Sandbox() as other:
        env = {"PARTNERO_API_KEY": other.api_key, "PARTNERO_BASE_URL": other.url}
        at.expect_stop(await at.parent.run(at.order(env=env)))
        if sold(other):
            at.broken.append("sales were sent")


async def emptied(at: Desk, rng: random.Random) -> None:
    """Start an import again when its journal is gone: what is there is found there."""
    await begun(at, rng)
    os.truncate(at.till.journal, 0)
    code = await at.parent.run(at.order())
    if code not in (REJECTED, PARKED):
        at.expect(code, REJECTED)
    if kept(at.till.journal) == []:
        at.broken.append("it did not begin anew")


# --- all of them ----------------------------------------------------------------------


Case = tuple[str, Callable[[Desk, random.Random], Awaitable[bool | None]]]


def full_disks(count: int) -> list[Case]:
    """Return the cases of full disks."""

    def case(by: str, number: int) -> Case:
        # The first one is always met: it is hardly larger than an empty journal.
        at_random = number > 0
        return (
            f"a disk with few {by}",
            lambda at, rng: full_disk(at, at_random and rng.random(), by=by),
        )

    return [case(by, n) for by in ("bytes", "pages") for n in range(count)]


def folders() -> list[Case]:
    """Return the cases of folders."""

    def case(name: str, option: str) -> Case:
        return f"{name}, {option}", lambda at, _: FOLDERS[name](at, option)

    return [case(name, option) for name in FOLDERS for option in OPTIONS]


OPTIONS: Final = ("--journal", "--rejects")


def journals(count: int) -> list[Case]:
    """Return the cases of journals."""

    def case(name: str) -> Case:
        return name, lambda at, rng: spoilt(at, rng, JOURNALS[name])

    others: list[Case] = [
        ("a journal of another account", another_account),
        ("a journal that was emptied", emptied),
    ]
    return [*map(case, JOURNALS), *others] * count


async def found(cases: list[Case], *, rows: int, seed: int) -> Found:
    """Run cases, a few of them side by side."""
    left, total = list(enumerate(cases)), Found()

    async def lane() -> None:
        async with warm() as parent:
            while left:
                number, (name, case) = left.pop()
                async with desk(parent, rows=rows) as at:
                    hit = await case(at, random.Random(f"{seed} {number}"))
                    await at.finish()
                    total.add(name, at.failures, hit=hit is not False)

    async with asyncio.TaskGroup() as group:
        for _ in range(SIDE_BY_SIDE):
            group.create_task(lane())
    return total


def figure(what: str, came: Found) -> Figure:
    """Say what came of some cases."""
    failures = [*came.failures]
    if not came.hits:
        failures.append("none met its fault: nothing was tested")
    return Figure(
        "disk",
        f"{what}: untyped stops, sales lost or doubled",
        f"{len(failures)} of {came.cases} ({came.hits} met it)",
        "0",
        not failures,
        failures,
    )


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure disks, folders and journals."""
    size = SIZES["full" if full else "small"]
    kinds = {
        "a full disk": full_disks(size.full),
        "no place to write": folders(),
        "another journal": journals(size.journals),
    }
    return [
        figure(what, asyncio.run(found(cases, rows=size.rows, seed=seed)))
        for what, cases in kinds.items()
    ]
