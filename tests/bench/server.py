"""A raw server that misbehaves on purpose, with a ledger: the oracle of the bench.

It reads what a client sends byte by byte and writes what a fault says; aiohttp's own
server cannot emit most of them. An *effect* is apart from the answer to it: it may be
applied before the answer, after it, or not at all.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs

from tests.bench.operations import Subject, Well, answered

PRELUDE = "/v1/test"
"""A call that is answered well before the one that is tested, and after it."""

MOMENT = 0.02
"""Seconds after which the connection of an answer is idle again."""

REASONS = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found"}


@attrs.define
class Exchange:
    """One request that was read whole, and the way to answer it."""

    writer: asyncio.StreamWriter
    good: bytes
    """The good answer, head and body."""
    body: bytes
    """Its body alone."""

    async def send(self, *pieces: bytes) -> None:
        """Write pieces, each on its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    def reset(self) -> None:
        """Break the connection off when it is closed."""
        reset(self.writer)


Act = Callable[[Exchange], Awaitable[bool]]
"""Answers one request; False where the connection is closed after it."""


def reset(writer: asyncio.StreamWriter) -> None:
    """Have a connection end with RST in place of FIN."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def written(answer: Well, *, more: bytes = b"") -> bytes:
    """Return an answer as bytes."""
    head = (
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Odd')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(answer.body)}\r\n"
    )
    return head.encode() + more + b"\r\n" + answer.body


@attrs.frozen
class Seen:
    """A request as it came."""

    method: str
    target: str
    body: bytes
    head: bytes = attrs.field(repr=False)
    connection: int = 0
    """Which connection it came on: they are counted from 1."""

    @property
    def path(self) -> str:
        """The path below the base URL, as it was encoded."""
        return self.target.removeprefix("/v1").partition("?")[0]


@attrs.define
class Server:
    """Plays a fault, once or for ever, on the calls of one operation."""

    about: Subject
    act: Act | None = None
    """What is played in place of the good answer."""
    connect: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
    """What is done to a new connection, before anything is read from it."""
    head_only: bool = False
    """Whether the fault comes before the body of the request has been read."""
    once: bool = True
    applies: bool = False
    """Whether the request that the fault is played on takes effect all the same."""
    late: bool = False
    """Whether it takes effect in the end: after it has been looked for once."""
    before: bytes | None = None
    """What comes unasked after a call before, which is not in the ledger; None where
    there is no such call."""
    left_idle: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Set when that has come."""
    url: str = ""
    ledger: list[Seen] = attrs.field(factory=list[Seen])
    effects: int = 0
    """How often the write took effect."""
    played: int = 0
    """How often the fault was played."""
    connections: int = 0
    _under_way: bool = False
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]])

    @property
    def mains(self) -> list[Seen]:
        """The requests of the operation itself, without its look-ups."""
        return [seen for seen in self.ledger if self._is_main(seen)]

    def _is_main(self, seen: Seen) -> bool:
        has_body = _length(seen.head) > 0
        return self.about.is_main(seen.method, seen.path, has_body=has_body)

    def _armed(self, seen: Seen | None = None) -> bool:
        """Whether the fault is played: not before the request that it is about."""
        if self.once and self.played:
            return False
        return seen is None or self.played > 0 or self._is_main(seen)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection to its end."""
        self.connections += 1
        number = self.connections
        try:
            if self.connect and self._armed():
                self.played += 1
                await self.connect(writer)
                return
            while await self._exchange(reader, writer, number):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        seen = _seen(head, b"", number)
        if self.head_only and self._armed(seen):
            self.played += 1
            self.ledger.append(seen)
            reset(writer)
            return False
        seen = attrs.evolve(seen, body=await reader.readexactly(_length(head)))
        before = self.before
        if seen.target == PRELUDE and (before is not None or not self._is_main(seen)):
            self.before = None
            writer.write(written(Well(200, b'{"data": {}, "status": 1}')))
            if before:
                await asyncio.sleep(MOMENT)
                writer.write(before)
            self.left_idle.set()
            return True
        self.ledger.append(seen)
        return await self._answer(seen, writer)

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        act = self.act if self._armed(seen) else None
        exchange = self._exchanged(seen, writer, lost=act is not None)
        if act is None:
            await exchange.send(exchange.good)
            return True
        self.played += 1
        return await act(exchange)

    def _exchanged(
        self, seen: Seen, writer: asyncio.StreamWriter, *, lost: bool
    ) -> Exchange:
        """Apply a request, unless it is *lost* on the way, and answer it."""
        is_main, before = self._is_main(seen), self.effects
        repeated = is_main and before > 0 and self.about.letter in "BC"
        if is_main and not repeated and (not lost or self.applies):
            self.effects += 1
        elif is_main and lost and self.late:
            self._under_way = True
        good = answered(
            self.about,
            seen.method,
            seen.path,
            seen.body,
            applied=self.effects > 0,
            repeated=repeated,
        )
        if self._under_way and not is_main:
            self._under_way = False
            self.effects += 1
        return Exchange(writer, written(good), good.body)

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
        """Listen, for as long as the block."""

        def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            self._tasks.add(asyncio.create_task(self.serve(reader, writer)))

        listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        port = listening.sockets[0].getsockname()[1]
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{port}/v1"
        try:
            yield self
        finally:
            await asyncio.sleep(0.01)  # for a connection that is about to be accepted
            listening.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


def _seen(head: bytes, body: bytes, connection: int) -> Seen:
    method, target, _ = head.partition(b"\r\n")[0].decode().split(" ")
    return Seen(method, target, body, head, connection)


def _length(head: bytes) -> int:
    return sum(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
