"""C8 and R1: every fault, on every operation, with both clients.

Each cell is a server of its own that plays one fault on the calls of one operation,
once or for ever. The result must be the right value or an error of the package, the one
that the retry rules allow; the server must have seen as many requests as they allow.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from unittest.mock import patch
from uuid import uuid4

import attrs
import trustme

from partnero_async import Partnero, PartneroError
from tests.awaited import AwaitedClient
from tests.bench.expected import VALUE, Expectation, expected
from tests.bench.faults import FAULTS, Fault
from tests.bench.figures import Figure
from tests.bench.operations import Subject, subjects
from tests.bench.server import Server
from tests.test_examples import Calm

AT_ONCE: Final = 24
SIDES: Final[dict[str, Any]] = {"async": Partnero, "sync": AwaitedClient}
SHORT: Final = 1.2
"""Seconds that a call has where the fault holds it up."""
LONG: Final = 30.0
PATIENCE: Final = 20.0
"""Seconds past the deadline after which a call hangs: how late it may be is measured in
`deadlines`, with care for a machine that is shared."""


@attrs.frozen
class Cell:
    """One fault, one operation, one client."""

    subject: Subject
    fault: Fault
    side: str
    once: bool
    applied: bool

    def __str__(self) -> str:
        """Name it."""
        often = "once" if self.once else "for ever"
        effect = ", applied" if self.applied else ""
        return f"{self.subject.id} [{self.side}] {self.fault.name} {often}{effect}"

    @property
    def timeout(self) -> float:
        """Seconds that its call has."""
        return SHORT if "timeout" in self.fault.came else LONG

    @property
    def expected(self) -> Expectation:
        """What the rules allow."""
        seen = self.fault.connect is None
        return expected(
            self.subject,
            self.fault.came,
            once=self.once,
            applied=self.applied,
            seen=seen,
        )


def cells(*, full: bool) -> Iterator[Cell]:
    """Yield every cell that makes sense."""
    for subject in subjects(full=full):
        for fault in FAULTS:
            if (fault.lists_only and not subject.listed) or (
                fault.objects_only and not subject.typed
            ):
                continue
            for once, applied in _ways(subject, fault):
                for side in SIDES:
                    yield Cell(subject, fault, side, once, applied)


def _ways(subject: Subject, fault: Fault) -> list[tuple[bool, bool]]:
    if fault.where != "server" or "timeout" in fault.came:
        return [(False, False)]
    if fault.came in ("broken", "misfit", "garbled"):  # said to be a success: it is one
        return [(True, True), (False, True)]
    doubtful = fault.came in ("lost", "failed", "redirected")
    read = fault.connect is None and not fault.head_only
    if doubtful and subject.letter in "CDE" and read:
        return [(True, False), (True, True), (False, True)]
    return [(True, False), (False, False)]


# --- the other end --------------------------------------------------------------------


@cache
def authority() -> tuple[trustme.CA, ssl.SSLContext]:
    """Return an authority of our own, and the context of a client that trusts it."""
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return authority, trusting


def _certified(where: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    name = "other.example" if where == "wrong-host" else "localhost"
    until = datetime.now(UTC) - timedelta(days=1) if where == "expired" else None
    before = datetime.now(UTC) - timedelta(days=9)
    authority()[0].issue_cert(name, not_before=before, not_after=until).configure_cert(
        context
    )
    return context


@asynccontextmanager
async def served(cell: Cell) -> AsyncIterator[Server]:
    """Put at the other end what the cell's fault wants there."""
    fault = cell.fault
    server = Server(
        cell.subject,
        act=fault.act,
        connect=fault.connect,
        head_only=fault.head_only,
        once=cell.once,
        applies=cell.applied,
        prelude=fault.prelude,
    )
    if fault.where == "blackhole":
        with _blackhole() as server.url:
            yield server
    elif fault.where in ("nobody", "no-host"):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # held, and nobody listens
            port = closed.getsockname()[1]
            nobody = f"http://127.0.0.1:{port}/v1"
            server.url = nobody if fault.where == "nobody" else NO_HOST
            yield server
    else:
        secured = fault.where in ("wrong-host", "expired")
        async with server.running(_certified(fault.where) if secured else None):
            if fault.where == "no-tls":
                server.url = server.url.replace("http://127.0.0.1", "https://localhost")
            yield server


NO_HOST: Final = "https://nowhere.invalid/v1"


@contextmanager
def no_such_host() -> Iterator[None]:
    """Answer for a name server that does not know a host; none is asked."""
    real = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **more)

    with patch.object(socket, "getaddrinfo", answer):
        yield


@contextmanager
def _blackhole() -> Iterator[str]:
    """Listen, and never accept: once the queue is full a connection waits for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(2)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}/v1"
        for one in waiting:
            one.close()


# --- one cell -------------------------------------------------------------------------


async def outcome(cell: Cell, right: Any) -> str | None:
    """Run a cell; return what is wrong with it, if anything is."""
    async with served(cell) as server:
        client = SIDES[cell.side](
            uuid4().hex,
            base_url=server.url,
            timeout=cell.timeout,
            settle=0.01,
            tls=authority()[1] if server.url.startswith("https") else None,
        )
        try:
            came, error = await _called(cell, client, right)
        finally:
            await client.aclose()
    return _wrong(cell, server, came, error)


async def _called(
    cell: Cell, client: Partnero, right: Any
) -> tuple[str, BaseException | None]:
    client._transport.line.rng = Calm()
    client._transport.program.know(None)  # it is not asked for
    if cell.fault.prelude:
        await client.account.test()
    try:
        async with asyncio.timeout(cell.timeout + PATIENCE):
            value = await cell.subject.call(client)
    except PartneroError as error:
        return type(error).__name__, error
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return f"foreign {type(error).__name__}", error
    return (VALUE, None) if value == right else (f"wrong value {value!r:.200}", None)


def _wrong(
    cell: Cell, server: Server, came: str, error: BaseException | None
) -> str | None:
    rule = cell.expected
    any_error = "error" in rule.outcomes and isinstance(error, PartneroError)
    if came not in rule.outcomes and not any_error:
        allowed = " or ".join(sorted(rule.outcomes))
        return f"{cell}: {came} in place of {allowed} ({error})"
    if len(server.mains) not in rule.mains and cell.subject.id != "program.delete":
        sent = " ".join(f"{s.method} {s.path}" for s in server.ledger)
        return f"{cell}: {sorted(rule.mains)} requests are right, came {sent or 'none'}"
    if cell.subject.letter in "DE" and server.effects > _most(cell.subject):
        return f"{cell}: took effect {server.effects} times"
    lied = isinstance(error, PartneroError) and not error.maybe_applied
    if lied and server.effects and cell.subject.letter != "A":
        return f"{cell}: took effect, and the error says that it did not"
    return None


def _most(subject: Subject) -> int:
    return 2 if subject.id == "program.delete" else 1  # it has two steps


# --- all of them ----------------------------------------------------------------------


async def right_value(subject: Subject) -> Any:
    """Return what a call returns where nothing goes wrong."""
    async with (
        Server(subject).running() as server,
        Partnero(uuid4().hex, base_url=server.url) as client,
    ):
        client._transport.program.know(None)
        return await subject.call(client)


async def measured(chosen: Sequence[Cell]) -> list[str]:
    """Run cells, many at once; return what is wrong."""
    right = {c.subject.id: c.subject for c in chosen}
    values = {name: await right_value(subject) for name, subject in right.items()}
    slots = asyncio.Semaphore(AT_ONCE)

    async def run_one(cell: Cell) -> str | None:
        async with slots:
            return await outcome(cell, values[cell.subject.id])

    with no_such_host():
        found = await asyncio.gather(*map(run_one, chosen))
    return [wrong for wrong in found if wrong]


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure C8 and R1."""
    chosen = list(cells(full=full))
    random.Random(seed).shuffle(chosen)  # so that nothing hangs on the order
    wrong = asyncio.run(measured(chosen))
    many = [text for text in wrong if " requests are right" in text]
    other = [text for text in wrong if text not in many]
    size = f"{len(chosen)} cells: {len(FAULTS)} faults, {len(subjects(full=full))} ops"
    return [
        Figure(
            "C8",
            f"right value or a PartneroError ({size})",
            f"{len(other)} wrong",
            "0 wrong",
            not other,
            other,
        ),
        Figure(
            "R1",
            "requests on the wire as the rules expect, in every cell",
            f"{len(many)} wrong",
            "0 wrong",
            not many,
            many,
        ),
    ]
