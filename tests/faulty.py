"""A raw server that misbehaves on purpose, over real sockets, with a ledger.

aiohttp's own server cannot emit most faults. Each connection reads requests, notes them
in the ledger, and plays the next act on them; the last act is played again for ever.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import attrs

Act = Callable[[asyncio.StreamWriter], Awaitable[bool]]
"""Answers one request; False when the connection is done with."""


def raw(*pieces: bytes, keep: bool = False) -> Act:
    """Send bytes as they are, then close (or *keep* the connection)."""

    async def act(writer: asyncio.StreamWriter) -> bool:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return keep

    return act


def answer(
    body: bytes, *, status: str = "200 OK", head: bytes = b"", length: int | None = None
) -> Act:
    """Answer as a server does, with any status, head and (wrong) length."""
    size = len(body) if length is None else length
    return raw(
        f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n".encode(),
        b"Content-Type: application/json\r\n" + head + b"\r\n" + body,
        keep=length is None,
    )


async def drop(_: asyncio.StreamWriter) -> bool:
    """Close without a word."""
    return False


async def reset(writer: asyncio.StreamWriter) -> bool:
    """Break the connection off."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


async def hang(_: asyncio.StreamWriter) -> bool:
    """Say nothing, and stay."""
    await asyncio.sleep(HANGING)
    return False


HANGING = 30.0


@attrs.define
class Faulty:
    """A server that plays *acts*, and what it has seen."""

    acts: list[Act]
    url: str = ""
    ledger: list[bytes] = attrs.field(factory=list[bytes])
    """The requests as they came, whole."""

    @property
    def lines(self) -> list[str]:
        """The request lines that came, without the protocol's version."""
        return [
            text.split(b" HTTP/", 1)[0].decode().replace("/v1", "", 1)
            for text in self.ledger
        ]

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read requests, and play an act on each."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ]
                self.ledger.append(head + await reader.readexactly(sum(length)))
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                if not await act(writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def faulty(
    acts: Sequence[Act], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Faulty]:
    """Run a server that plays *acts*."""
    server = Faulty(list(acts))
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(server.serve(reader, writer)))

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
