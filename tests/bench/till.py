"""A file of sales, the program they go to, and what has to be so of both and a journal.

The sandbox's ledger is the oracle: what it has, happened.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import attrs

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import read_csv, write_csv

HEADER: Final = ("key", "customer.key", "customer.email", "amount", "created_at")
BUYERS: Final = 20
Cells = tuple[str, ...]
Sold = tuple[str, Decimal]


def cells(number: int) -> Cells:
    """Return a row; a few cannot be sent, each for another reason."""
    buyer = f"c{number % BUYERS}"
    named = ("", f"{buyer}@example.com") if number % 3 == 0 else (buyer, "")
    row = (f"s{number}", *named, f"{number}.25", "2024-01-31")
    match number % 97:
        case 13:
            return (*row[:3], "1.234,56", row[4])
        case 29:
            return (f"s{number - 5}", *row[1:])
        case 41:
            return (row[0], "nobody", "", *row[3:])
        case 57:
            return row[:2]
        case _:
            return row


def is_good(number: int) -> bool:
    """Tell whether the row can be sent."""
    return number % 97 not in (13, 29, 41, 57)


@attrs.define
class Till:
    """So many sales in a file, and what is to come of them."""

    folder: Path
    rows: int

    @property
    def file(self) -> Path:
        """The file."""
        return self.folder / "sales.csv"

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.folder / "sales.csv.journal"

    @property
    def rejects(self) -> Path:
        """What it rejects."""
        return self.folder / "sales.csv.rejects.csv"

    @cached_property
    def good(self) -> frozenset[Sold]:
        """What the ledger has to hold in the end, each once."""
        numbers = filter(is_good, range(self.rows))
        return frozenset((f"s{n}", Decimal(f"{n}.25")) for n in numbers)

    @cached_property
    def bad(self) -> list[Cells]:
        """The rows that have to be rejected, in the order of the file."""
        return [cells(n) for n in range(self.rows) if not is_good(n)]

    def write(self) -> None:
        """Write the file."""
        write_csv(self.file, map(cells, range(self.rows)), header=HEADER)


async def open_till(sandbox: Sandbox) -> None:
    """Register those who buy."""
    async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        await client.partners.create(email="p1@example.com", key="p1")
        for number in range(BUYERS):
            await client.customers.create(
                f"c{number}",
                partner={"key": "p1"},
                email=f"c{number}@example.com",
            )


def sold(sandbox: Sandbox) -> list[Sold]:
    """Return every sale that the program was ever sent."""
    return [
        (effect.key or "", effect.amount or Decimal(0))
        for effect in sandbox.ledger
        if effect.operation in ("transactions.create", "transactions.create_batch")
    ]


# --- what a journal says --------------------------------------------------------------


class Kept(NamedTuple):
    """A row as a journal has it."""

    row: int
    state: str
    claim: str | None
    """Its key, where no row before has it."""


def kept(journal: Path) -> list[Kept]:
    """Read a journal as it was left; none where the file was not read to its end.

    A copy of it, so that whoever goes on finds all as it was.
    """
    if not journal.exists():
        return []
    with TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            if (file := Path(f"{journal}{suffix}")).exists():
                shutil.copy(file, Path(folder) / f"copy{suffix}")
        with closing(sqlite3.connect(Path(folder) / "copy")) as sql:
            tables = "SELECT count(*) FROM sqlite_master WHERE name = 'meta'"
            whole = "SELECT count(*) FROM meta WHERE name = 'sha256'"
            if not all(sql.execute(count).fetchone()[0] for count in (tables, whole)):
                return []
            found = sql.execute("SELECT row, state, claim FROM rows ORDER BY row")
            return [Kept(*values) for values in found]


EFFECTS: Final[Mapping[str, Sequence[int]]] = {
    "pending": (0,),
    "sent": (0, 1),
    "done": (1,),
    "rejected": (0,),
    "parked": (0, 1),
}
"""How often a row may have taken effect, by its state."""


@attrs.frozen
class Wrong:
    """What must not be, by kind."""

    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    twofold: Sequence[str] = ()
    """Rows of which journal, rejects file and ledger do not say the same."""

    def __add__(self, other: Wrong) -> Wrong:
        """Put what is wrong together."""
        return Wrong(
            [*self.lost, *other.lost],
            [*self.doubled, *other.doubled],
            [*self.twofold, *other.twofold],
        )

    @property
    def all(self) -> list[str]:
        """All of it, in words."""
        return [*self.lost, *self.doubled, *self.twofold]


def amid(till: Till, journal: Sequence[Kept], ledger: Iterable[Sold]) -> Wrong:
    """Say what is wrong after a kill."""
    effects = Counter(ledger)
    times = Counter[str]()
    for (key, _), count in effects.items():
        times[key] += count
    twofold = [f"{sale} is no row of the file" for sale in effects.keys() - till.good]
    if journal and len(journal) != till.rows:
        twofold.append(f"the journal has {len(journal)} rows of {till.rows}")
    if not journal and effects:
        twofold.append(f"{len(effects)} sales were sent before all was read")
    twofold += [
        f"row {row.row} is {row.state}, and took effect {times[row.claim]} times"
        for row in journal
        if row.claim and times[row.claim] not in EFFECTS[row.state]
    ]
    return Wrong((), _doubled(effects), twofold)


def at_the_end(till: Till, journal: Sequence[Kept], ledger: Sequence[Sold]) -> Wrong:
    """Say what is wrong once all is finished and resolved."""
    effects = Counter(ledger)
    lost = [f"{key} is lost" for key, _ in till.good - effects.keys()]
    states = Counter(row.state for row in journal)
    wanted = {"done": len(till.good), "rejected": len(till.bad)}
    twofold = [] if states == wanted else [f"the journal ends with {dict(states)}"]
    return amid(till, journal, ledger) + Wrong(lost, (), twofold + _rejects(till))


def _doubled(effects: Counter[Sold]) -> list[str]:
    return [f"{key} was sold {n} times" for (key, _), n in effects.items() if n > 1]


def _rejects(till: Till) -> list[str]:
    wrong: list[str] = []
    if till.rejects.with_name(till.rejects.name + ".part").exists():
        wrong.append("half a rejects file is left")
    found = read_csv(till.rejects)[1:] if till.rejects.exists() else []
    if [tuple(row[3:]) for row in found] != till.bad:
        wrong.append(f"{len(found)} rows in the rejects file are not the rejected ones")
    return wrong
