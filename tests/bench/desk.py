"""One import in a program of its own, as those see it who start it and disturb it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs

from partnero_async.sandbox import Sandbox
from tests.bench.till import Kept, Till, Wrong, amid, at_the_end, kept, open_till, sold
from tests.bench.warm import Order, Warm

CONCURRENCY: Final = 16
SETTLE: Final = 0.1
REJECTED, PARKED, STOPPED, INTERRUPTED = 1, 3, 2, 130
POST: Final = "POST /transactions"


@attrs.define(kw_only=True)
class Desk:
    """A file, a program, and a warm parent; and what was wrong so far."""

    till: Till
    sandbox: Sandbox
    parent: Warm
    wrong: Wrong = attrs.field(factory=Wrong)
    broken: list[str] = attrs.field(factory=list[str])

    @property
    def posts(self) -> int:
        """How many sales have been received."""
        return self.sandbox.requests_by_route[POST]

    @property
    def failures(self) -> list[str]:
        """All that was wrong."""
        return [*self.broken, *self.wrong.all]

    def order(self, *more: str, **changes: Any) -> Order:
        """Have the file imported."""
        options = ("--concurrency", str(CONCURRENCY), "--settle", str(SETTLE), "--json")
        command = ("import", "transactions", str(self.till.file), *options, *more)
        out = str(self.till.folder / "out")
        return Order(
            **{"arguments": command, "out": out, "env": self.environment, **changes}
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """What leads a command to the program."""
        return {
            "PARTNERO_API_KEY": self.sandbox.api_key,
            "PARTNERO_BASE_URL": self.sandbox.url,
        }

    def look(self) -> list[Kept]:
        """Look at the journal beside the ledger, after a run that came to no end."""
        journal = kept(self.till.journal)
        self.wrong += amid(self.till, journal, sold(self.sandbox))
        return journal

    async def finish(self, order: Order | None = None, *, settle: float = 0.2) -> None:
        """Start it again, undisturbed, and resolve it; see that all is well then."""
        code = await self.parent.run(order or self.order())
        parked = any(row.state == "parked" for row in self.look())
        self.expect(code, PARKED if parked else REJECTED)
        resolve = (
            "import",
            "resolve",
            str(self.till.journal),
            "--send-absent",
            "--yes",
        )
        options = ("--settle", str(settle), "--json")
        code = await self.parent.run(self.order(arguments=(*resolve, *options)))
        self.expect(code, REJECTED)  # there are always rejected rows
        ended = at_the_end(self.till, kept(self.till.journal), sold(self.sandbox))
        self.wrong += ended

    def expect(self, code: int, wanted: int) -> None:
        """Take note of an end that is another one than it has to be."""
        if code != wanted:
            said = (self.complaints() or ["nothing said"])[-1]
            self.broken.append(f"ended with {code} in place of {wanted}: {said}")

    def expect_stop(self, code: int) -> None:
        """See that a run has stopped for a reason that it says in one line."""
        self.expect(code, STOPPED)
        self.expect_reason()

    def expect_reason(self) -> None:
        """See that a run has said in one line why it has stopped."""
        lines = self.complaints()
        said = [line for line in lines if line.startswith("partnero: ")]
        traced = any(line.startswith("Traceback") for line in lines)
        if lines[-1:] != said or traced:
            self.broken.append(f"it says {lines[-3:]} in place of one reason")

    def complaints(self) -> Sequence[str]:
        """Return the lines on standard error of the run before."""
        err = self.till.folder / "out.err"
        return err.read_text().strip().splitlines() if err.exists() else []


@asynccontextmanager
async def desk(parent: Warm, *, rows: int) -> AsyncIterator[Desk]:
    """Open a program for an import, for as long as the block."""
    with TemporaryDirectory() as folder:
        till = Till(Path(folder), rows)
        till.write()
        async with Sandbox() as sandbox:
            await open_till(sandbox)
            yield Desk(till=till, sandbox=sandbox, parent=parent)
