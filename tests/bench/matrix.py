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

from partnero_async import Partnero, PartneroError, RefusedError
from tests.awaited import AwaitedClient
from tests.bench.expected import VALUE, Allowed, Case, Result, expected
from tests.bench.faults import FAULTS, Fault
from tests.bench.figures import Figure
from tests.bench.operations import LOOKED_UP, Subject, subjects
from tests.bench.server import Server
from tests.test_examples import Calm

AT_ONCE: Final = 24
SIDES: Final[dict[str, Any]] = {"async": Partnero, "sync": AwaitedClient}
SHORT: Final = 1.2
"""Seconds that a call has where the fault holds it up."""
LONG: Final = 30.0
HEARD: Final = 0.1
"""Seconds after which a client has read what lies on an idle connection."""
PATIENCE: Final = 20.0
"""Seconds past the deadline after which a call hangs: how late it may be is measured in
`deadlines`, with care for a machine that is shared."""


@attrs.frozen
class Way:
    """How a fault is played."""

    once: bool
    """Once, and then all is well; or for ever."""
    applied: bool = False
    """The request takes effect although its answer is lost."""
    late: bool = False
    """It takes effect later than that: after it was looked for once."""

    def __str__(self) -> str:
        """Name it."""
        often = "once" if self.once else "for ever"
        return often + ", applied" * self.applied + ", late" * self.late


@attrs.frozen
class Cell:
    """One fault, one operation, one client."""

    subject: Subject
    fault: Fault
    side: str
    way: Way

    def __str__(self) -> str:
        """Name it."""
        return f"{self.subject.id} [{self.side}] {self.fault.name} {self.way}"

    @property
    def timeout(self) -> float:
        """Seconds that its call has."""
        return SHORT if "timeout" in self.fault.came else LONG

    def allowed(self, *, silent: bool) -> Allowed:
        """Return what the rules allow; *silent*: the call returns nothing."""
        return expected(
            Case(
                subject=self.subject,
                came=self.fault.came,
                once=self.way.once,
                applied=self.way.applied,
                late=self.way.late,
                silent=silent,
            )
        )


def cells(*, full: bool) -> Iterator[Cell]:
    """Yield every cell that makes sense."""
    for subject in subjects(full=full):
        for fault in FAULTS:
            if (fault.lists_only and not subject.listed) or (
                fault.objects_only and not subject.typed
            ):
                continue
            for way in _ways(subject, fault):
                for side in SIDES:
                    yield Cell(subject, fault, side, way)


ONCE: Final = Way(once=True)
FOREVER: Final = Way(once=False)
APPLIED: Final = Way(once=True, applied=True)
APPLIED_FOREVER: Final = Way(once=False, applied=True)
LATE: Final = Way(once=True, late=True)


def _ways(subject: Subject, fault: Fault) -> Sequence[Way]:
    if fault.where != "server" or "timeout" in fault.came:
        return [FOREVER]
    if fault.came == "throttled":  # for ever it would be held until its deadline
        return [ONCE]
    if fault.came in ("broken", "misfit", "garbled", "no-content"):
        return [APPLIED, APPLIED_FOREVER]  # said to be a success: it is one
    lost = fault.came in ("lost", "failed", "redirected") and not fault.head_only
    if not lost or subject.letter == "A":
        return [ONCE, FOREVER]
    if subject.letter in "CD" or subject.id in LOOKED_UP:
        return [ONCE, APPLIED, LATE, APPLIED_FOREVER]
    return [ONCE, APPLIED, FOREVER, APPLIED_FOREVER]


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
        once=cell.way.once,
        applies=cell.way.applied,
        late=cell.way.late,
        before=fault.before,
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


async def outcome(cell: Cell, right: Right) -> Sequence[Wrong]:
    """Run a cell; return what is wrong with it."""
    async with served(cell) as server:
        client = SIDES[cell.side](
            uuid4().hex,
            base_url=server.url,
            timeout=cell.timeout,
            settle=0.01,
            tls=authority()[1] if server.url.startswith("https") else None,
        )
        client._transport.line.rng = Calm()
        client._transport.program.know(None)  # it is not asked for
        try:
            if cell.fault.before is not None:
                await client.account.test()
                await server.left_idle.wait()
                await asyncio.sleep(HEARD if cell.fault.before else 0)
            came, error = await _called(cell, client, right.value)
            wrong = _wrong(cell, server, came, error, silent=right.value is None)
            held = cell.fault.came == "throttled-long"  # so is every other call
            if cell.way.once and not held and not await _works(client, right.after):
                wrong.append(Wrong("C8", f"{cell}: the next call did not go well"))
        finally:
            await client.aclose()
    return wrong


async def _called(
    cell: Cell, client: Partnero, right: Any
) -> tuple[str, BaseException | None]:
    try:
        async with asyncio.timeout(cell.timeout + PATIENCE):
            value = await cell.subject.call(client)
    except PartneroError as error:
        return type(error).__name__, error
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return f"foreign {type(error).__name__}", error
    return (VALUE, None) if value == right else (f"wrong value {value!r:.200}", None)


async def _works(client: Partnero, right: Any) -> bool:
    """Whether a call goes well that comes after the fault.

    It is answered with what is left of the other where a connection was used again
    that had to be closed.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            return bool(await client.account.test() == right)
    except (PartneroError, TimeoutError):
        return False


@attrs.frozen
class Wrong:
    """What is wrong, and with which figure."""

    figure: str
    text: str


def _wrong(
    cell: Cell,
    server: Server,
    came: str,
    error: BaseException | None,
    *,
    silent: bool,
) -> list[Wrong]:
    allowed = cell.allowed(silent=silent)
    doubt = isinstance(error, PartneroError) and error.maybe_applied
    names = {came} | ({"RefusedError"} if isinstance(error, RefusedError) else set())
    mains = len(server.mains)
    wrong = list[Wrong]()
    if not allowed & {Result(name, mains, doubt) for name in names}:
        outcomes = {(result.outcome, result.doubt) for result in allowed}
        well = any((name, doubt) in outcomes for name in names)
        sent = " ".join(f"{s.method} {s.path}" for s in server.ledger)
        wrong.append(
            Wrong(
                "R1" if well else "C8",
                f"{cell}: {came}{' in doubt' * doubt} after {mains} ({sent})"
                f" in place of {sorted(map(str, allowed))} ({error})",
            )
        )
        if not well and mains not in {result.mains for result in allowed}:
            wrong.append(attrs.evolve(wrong[0], figure="R1"))
    if cell.subject.letter != "A" and server.effects > 1:
        wrong.append(Wrong("C8", f"{cell}: took effect {server.effects} times"))
    if (
        error is not None
        and not doubt
        and server.effects
        and cell.subject.letter != "A"
    ):
        wrong.append(Wrong("C8", f"{cell}: took effect, which the error denies"))
    return wrong


# --- all of them ----------------------------------------------------------------------


@attrs.frozen
class Right:
    """What calls return where nothing goes wrong."""

    value: Any
    after: Any
    """Of the call that comes after it."""


async def right_value(subject: Subject) -> Right:
    """Return what a call returns where nothing goes wrong."""
    async with (
        Server(subject).running() as server,
        Partnero(uuid4().hex, base_url=server.url) as client,
    ):
        client._transport.program.know(None)
        return Right(await subject.call(client), await client.account.test())


async def measured(chosen: Sequence[Cell]) -> list[Wrong]:
    """Run cells, many at once; return what is wrong."""
    right = {c.subject.id: c.subject for c in chosen}
    values = {name: await right_value(subject) for name, subject in right.items()}
    slots = asyncio.Semaphore(AT_ONCE)

    async def run_one(cell: Cell) -> Sequence[Wrong]:
        async with slots:
            return await outcome(cell, values[cell.subject.id])

    with no_such_host():
        found = await asyncio.gather(*map(run_one, chosen))
    return [one for wrong in found for one in wrong]


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure C8 and R1."""
    chosen = list(cells(full=full))
    random.Random(seed).shuffle(chosen)  # so that nothing hangs on the order
    wrong = asyncio.run(measured(chosen))
    many = [one.text for one in wrong if one.figure == "R1"]
    other = [one.text for one in wrong if one.figure == "C8"]
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
