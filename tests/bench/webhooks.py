"""W1, W2, W3: deliveries that are bad, repeated, and cut off by kills.

W1: each bad delivery of the rules, and good ones with a byte changed, to the receiver
and to each web framework over a socket: the right status, nothing handled, nothing of
the secret, the signature or the body in any answer or log.

W2: two processes behind real sockets share claims in SQLite; they are stopped and
killed at random moments, while a sender repeats what was not answered with 200, and a
fifth of the rest besides. Each event is handled, and a second time only where the
process that handled it was killed: between what a function does and the record of it no
store can tell.

W3: a process dies at a named point. Before it is recorded that an event is done, the
event comes again and is handled; after that it is not.
"""

from __future__ import annotations

import asyncio
import io
import logging
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import attrs

from partnero_async import SignatureError
from partnero_async.webhooks import Event, Receiver
from tests.bench.figures import Figure
from tests.bench.hooked import LEASE, MORTAL, POINTS, Hands, Ledger
from tests.webhooks.deliveries import PERSON, SECRET, Delivery, bad, good, signed
from tests.webhooks.frameworks import FRAMEWORKS
from tests.webhooks.sending import post

CHANGED: Final = {"small": 20, "full": 1_000}
"""Deliveries with something changed, to each framework."""
DELIVERIES: Final = {"small": 300, "full": 10_000}
KILLS: Final = {"small": 2, "full": 10}
CRASHES: Final = {"small": 1, "full": 25}
"""At each point."""
REPLAYS: Final = 5
"""Every fifth delivery is one that came before."""
AT_ONCE: Final = 24
PAUSE: Final = 0.05
"""Seconds until a delivery comes again that was not answered with 200."""

# --- W1 ------------------------------------------------------------------------------


def changed(rng: random.Random) -> Delivery:
    """Make a good delivery, and change something of its body or signature."""
    delivery = good(number=rng.random())
    body = bytearray(delivery.body)
    (name, signature) = delivery.headers[0]
    at = rng.randrange(len(body))
    match rng.randrange(5):
        case 0:
            body[at] ^= 1 << rng.randrange(8)
        case 1:
            del body[at]
        case 2:
            body.insert(at, rng.randrange(256))
        case 3:
            digit = rng.randrange(64)
            other = rng.choice("0123456789abcdef".replace(signature[digit], ""))
            signature = signature[:digit] + other + signature[digit + 1 :]
        case _:
            signature = signed(bytes(body), SECRET[:-1])
    if bytes(body) == delivery.body and signature == delivery.headers[0][1]:
        return changed(rng)
    return Delivery("changed", bytes(body), [(name, signature)], 401, SignatureError)


class _Listening(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, to: io.StringIO) -> None:
        super().__init__(logging.DEBUG)
        self._to = to

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, with its traceback."""
        self._to.write(f"{self.format(record)} {vars(record)}\n")


@contextmanager
def overheard() -> Generator[io.StringIO]:
    """Hear what is logged, and what is written to standard error."""
    text, root = io.StringIO(), logging.getLogger()
    listening, level = _Listening(text), root.level
    root.addHandler(listening)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stderr(text):
            yield text
    finally:
        root.setLevel(level)
        root.removeHandler(listening)


Send = Callable[[Delivery], tuple[int, str]]


@contextmanager
def _called(receiver: Receiver, *, awaited: bool) -> Generator[Send]:
    """Call the receiver itself."""

    def send(delivery: Delivery) -> tuple[int, str]:
        if awaited:
            reply = asyncio.run(receiver.receive(delivery.headers, delivery.body))
        else:
            reply = receiver.receive_sync(delivery.headers, delivery.body)
        if type(reply.error) is not (delivery.error or type(None)):
            return reply.status, f"another error: {reply.error!r}"
        return reply.status, f"{reply.reason} {reply.error!r} {reply.error}"

    yield send


@contextmanager
def _served(receiver: Receiver, name: str) -> Generator[Send]:
    """Serve the receiver in a framework."""
    with FRAMEWORKS[name](receiver) as port:
        yield lambda delivery: post(port, delivery)


def ways() -> Iterator[tuple[str, Callable[[Receiver], Any]]]:
    """Return all ways to give a delivery to a receiver."""
    yield "receive", partial(_called, awaited=True)
    yield "receive_sync", partial(_called, awaited=False)
    for name in FRAMEWORKS:
        yield name, partial(_served, name=name)


def judged(
    way: str, send: Send, delivery: Delivery, text: io.StringIO, seen: Sequence[Event]
) -> list[str]:
    """Send a bad delivery; return what is wrong about what comes of it."""
    began, before = text.tell(), len(seen)
    try:
        status, said = send(delivery)
    except OSError as error:
        return [f"{way}, {delivery.name}: no answer, {error!r}"]
    text.seek(began)
    said += text.read()
    wrong = [f"{status}, not {delivery.status}"] if status != delivery.status else []
    wrong += ["handled"] if len(seen) != before else []
    wrong += [said] if said.startswith("another error") else []
    given = [value for _, value in delivery.headers if len(value) > 20]
    hidden = [SECRET, PERSON, signed(delivery.body), *given]
    wrong += [f"{each} shows in {said[:200]}" for each in hidden if each in said]
    return [f"{way}, {delivery.name}: {why}" for why in wrong]


def refused(count: int, seed: int) -> tuple[int, list[str]]:
    """Send bad deliveries in each way; return how many, and what is wrong."""
    rng, sent, wrong = random.Random(seed), 0, list[str]()
    for way, opened in ways():
        seen: list[Event] = []
        receiver = Receiver(SECRET)
        receiver.on("customer.created", "customer.updated")(seen.append)
        deliveries = [*bad(), *(changed(rng) for _ in range(count))]
        with overheard() as text, opened(receiver) as send:
            for delivery in deliveries:
                wrong += judged(way, send, delivery, text, seen)
        sent += len(deliveries)
    return sent, wrong


# --- processes -----------------------------------------------------------------------


@attrs.define
class Service:
    """A process of `hooked`, at a port that outlives it."""

    folder: Path
    sock: socket.socket
    point: str = ""
    killed: set[str] = attrs.field(factory=set[str])
    """Names of the processes that were killed."""
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it takes deliveries."""
        return f"http://127.0.0.1:{self.sock.getsockname()[1]}/hook"

    @property
    def name(self) -> str:
        """The name of the process that runs."""
        return f"{self.sock.fileno()}-{self.starts}"

    def start(self, point: str = "") -> None:
        """Start a process; deliveries wait at the socket until it is there."""
        self.starts += 1
        fd = self.sock.fileno()
        command = [sys.executable, "-m", "tests.bench.hooked", str(fd)]
        command += [str(self.folder), self.name, *([point] if point else [])]
        self.process = subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.PIPE)

    def stop(self, how: int) -> None:
        """Stop the process: with TERM it ends in order, with KILL at once."""
        assert self.process
        self.process.send_signal(how)
        self.ended()

    def ended(self) -> None:
        """Wait until the process has ended; keep whether it was killed."""
        assert self.process
        if self.process.wait(60) == -signal.SIGKILL:
            self.killed.add(self.name)
        assert self.process.stdin
        self.process.stdin.close()


@contextmanager
def services(count: int) -> Generator[list[Service]]:
    """Start processes that share claims and a ledger."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        Ledger(folder).make()
        Hands(folder).set(0)
        found = [
            Service(folder, stack.enter_context(socket.create_server(("127.0.0.1", 0))))
            for _ in range(count)
        ]
        try:
            for service in found:
                service.start()
            yield found
        finally:
            for service in found:
                if service.process and service.process.poll() is None:
                    service.stop(signal.SIGKILL)


async def answer_of(
    session: aiohttp.ClientSession, url: str, delivery: Delivery
) -> tuple[int, str]:
    """Send a delivery; return its answer, or 0 where none came."""
    headers = dict(delivery.headers)
    try:
        async with session.post(url, data=delivery.body, headers=headers) as answer:
            return answer.status, await answer.text()
    except aiohttp.ClientError as error:
        return 0, repr(error)


# --- W2 ------------------------------------------------------------------------------


@attrs.define
class Sender:
    """Sends deliveries to two services until each is answered with 200."""

    services: Sequence[Service]
    rng: random.Random
    lost: list[str] = attrs.field(factory=list[str])
    answers: dict[str, list[str]] = attrs.field(factory=dict[str, list[str]])
    left: int = 0

    async def send_all(self, deliveries: Sequence[tuple[str, Delivery]]) -> None:
        """Send them all, some at once."""
        waiting = iter(deliveries)
        self.left = len(deliveries)
        connector = aiohttp.TCPConnector(force_close=True)
        limit = aiohttp.ClientTimeout(total=60)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(AT_ONCE):
                group.create_task(self._send_some(session, waiting))

    async def _send_some(
        self, session: aiohttp.ClientSession, waiting: Iterator[tuple[str, Delivery]]
    ) -> None:
        for key, delivery in waiting:
            await self._send(session, key, delivery)
            self.left -= 1

    async def _send(
        self, session: aiohttp.ClientSession, key: str, delivery: Delivery
    ) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            url = self.rng.choice(self.services).url
            status, reason = await answer_of(session, url, delivery)
            if status == 200:
                self.answers.setdefault(key, []).append(reason)
                return
            if status not in (0, 503):
                self.lost.append(f"{key}: {status} {reason}")
                return
            await asyncio.sleep(PAUSE)
        self.lost.append(f"{key}: never answered with 200")


async def _trouble(sender: Sender, kills: int) -> None:
    """Stop a service in order, and kill some, while deliveries come."""
    whole = sender.left
    for number in range(kills + 1):
        due = whole * (kills + 1 - number) // (kills + 2)
        while sender.left > due:  # noqa: ASYNC110 - a count that goes down has no event
            await asyncio.sleep(0.005)
        service = sender.services[number % len(sender.services)]
        how = signal.SIGTERM if number == kills // 2 else signal.SIGKILL
        await asyncio.to_thread(service.stop, how)
        service.start()


def mixed(count: int, rng: random.Random) -> list[tuple[str, Delivery]]:
    """Make deliveries, of which a fifth come again, most of them soon."""
    events = [
        (f"e{n}", good(data={"key": f"e{n}", "email": PERSON}))
        for n in range(count - count // REPLAYS)
    ]
    repeated = rng.sample(range(len(events)), count // REPLAYS)
    placed = [(float(n), n) for n in range(len(events))]
    placed += [(n + rng.choice([0.5, 3.5, 500.0]), n) for n in repeated]
    return [events[n] for _, n in sorted(placed)]


def twice(
    calls: dict[str, list[str]], keys: set[str], killed: set[str]
) -> tuple[int, list[str]]:
    """Return how often a kill had an event handled again, and what is wrong."""
    wrong = [f"{key} was never handled" for key in sorted(keys - calls.keys())]
    wrong += [f"{key} was never sent" for key in sorted(calls.keys() - keys)]
    again = 0
    for key, processes in calls.items():
        again += len(processes) - 1
        if not killed.issuperset(processes[:-1]):
            wrong.append(f"{key} was handled by {processes}")
    return again, wrong


def repeated(count: int, kills: int, seed: int) -> tuple[int, list[str]]:
    """Send deliveries to two services that are killed; return what is wrong."""
    rng = random.Random(seed)
    deliveries = mixed(count, rng)
    with services(2) as both:
        sender = Sender(both, rng)

        async def use() -> None:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(sender.send_all(deliveries))
                await asyncio.sleep(0)
                await _trouble(sender, kills)
                await sending

        asyncio.run(use())
        killed = both[0].killed | both[1].killed
        again, wrong = twice(
            Ledger(both[0].folder).calls(), {key for key, _ in deliveries}, killed
        )
    if len(killed) != kills:
        wrong.append(f"{len(killed)} kills, and {kills} were meant")
    handled = [list.count(found, "handled") for found in sender.answers.values()]
    wrong += ["200 for two handlings of an event"] * sum(n > 1 for n in handled)
    return again, [*wrong, *sender.lost]


# --- W3 ------------------------------------------------------------------------------

CALLS: Final = {"claimed": 1, "called": 2, "handled": 2, "done": 1}
"""How often an event's function has done its work at the end, by the point of death."""


async def _crash(
    service: Service, session: aiohttp.ClientSession, point: str, number: int
) -> list[str]:
    """Kill a service at a point; return what is wrong about what follows."""
    data = {"key": f"{point}-{number}", "email": f"{MORTAL}@example.com"}
    delivery, wrong = good(data=data), list[str]()

    async def expect(status: int, reason: str) -> None:
        found = await answer_of(session, service.url, delivery)
        if found[0] != status or reason not in found[1]:
            wrong.append(f"{data['key']}: {found}, not {status} {reason}")

    service.stop(signal.SIGTERM)
    service.start(point)
    await expect(0, "")
    await asyncio.to_thread(service.ended)
    service.start()
    if point != "done":
        await expect(503, "being handled")
        Hands(service.folder).set((number + 1) * (LEASE.total_seconds() + 1))
        await expect(200, "handled")
    await expect(200, "handled before")
    return wrong


def crashed(times: int) -> list[str]:
    """Kill a service at each point, many times; return what is wrong."""
    with services(1) as (service,):

        async def use() -> list[str]:
            wrong: list[str] = []
            connector = aiohttp.TCPConnector(force_close=True)
            async with aiohttp.ClientSession(connector=connector) as session:
                for number in range(times * len(POINTS)):
                    point = POINTS[number % len(POINTS)]
                    wrong += await _crash(service, session, point, number)
            return wrong

        wrong = asyncio.run(use())
        for key, processes in Ledger(service.folder).calls().items():
            if len(processes) != CALLS[key.partition("-")[0]]:
                wrong.append(f"{key} was handled by {processes}")
    return wrong


def bad_ones(size: str, seed: int) -> Figure:
    """Measure W1."""
    sent, wrong = refused(CHANGED[size], seed)
    return Figure(
        "W1",
        f"{sent} bad deliveries: handled, another status, or leaked",
        f"{len(wrong)}",
        "0",
        not wrong,
        wrong,
    )


def repeated_ones(size: str, seed: int) -> Figure:
    """Measure W2."""
    count, kills = DELIVERIES[size], KILLS[size]
    again, wrong = repeated(count, kills, seed)
    return Figure(
        "W2",
        f"{count} deliveries, a fifth replays, {kills} kills: not once",
        f"{len(wrong)} ({again} cut off by a kill)",
        "0",
        not wrong,
        wrong,
    )


def cut_off_ones(size: str) -> Figure:
    """Measure W3."""
    times = CRASHES[size]
    wrong = crashed(times)
    return Figure(
        "W3",
        f"{times * len(POINTS)} crashes: lost, or handled again when done",
        f"{len(wrong)}",
        "0",
        not wrong,
        wrong,
    )


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure W1, W2 and W3."""
    size = "full" if full else "small"
    return [bad_ones(size, seed), repeated_ones(size, seed), cut_off_ones(size)]
