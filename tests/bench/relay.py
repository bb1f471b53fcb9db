"""A relay between a client and a server, and what networks do to what passes.

What is to happen each way can be set while it runs; it counts for the next bytes.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import attrs

from tests.bench.server import reset

CHUNK: Final = 65_536
TICK: Final = 0.005
"""Seconds after which it looks whether it may go on."""
SMOOTH: Final = 0.02
"""Seconds of its bandwidth that pass at once."""


@attrs.define
class Toxics:
    """What happens to what passes one way."""

    latency: float = 0.0
    """Seconds that each chunk is late."""
    jitter: float = 0.0
    """Seconds more, at most."""
    slices: int = CHUNK
    """Bytes that pass in one piece, at most."""
    bandwidth: float = math.inf
    """Bytes a second."""
    reset_after: int | None = None
    """Bytes of a connection after which it is reset, on both sides."""
    stall_after: int | None = None
    """Bytes of a connection after which nothing passes, and nothing ends."""

    def delay(self, rng: random.Random) -> float:
        """Return the seconds that the next chunk is late."""
        return self.latency + rng.uniform(0, self.jitter)

    def cut(self, chunk: bytes, rng: random.Random) -> Iterator[bytes]:
        """Cut a chunk into what passes in one piece."""
        while chunk:
            size = CHUNK if self.slices == CHUNK else rng.randint(1, self.slices)
            size = int(min(max(self.bandwidth * SMOOTH, 1), size))
            yield chunk[:size]
            chunk = chunk[size:]

    def room(self, passed: int) -> int:
        """Return how many bytes more may pass before something happens."""
        ends = [end for end in (self.reset_after, self.stall_after) if end is not None]
        return max(min(ends, default=passed + CHUNK) - passed, 0)

    def resets(self, passed: int) -> bool:
        """Tell whether the connection is reset here."""
        return self.reset_after is not None and passed >= self.reset_after

    def stalls(self, passed: int) -> bool:
        """Tell whether nothing passes from here on."""
        return self.stall_after is not None and passed >= self.stall_after


class _ResetError(Exception):
    """The connection is to be reset."""


@attrs.define
class Relay:
    """Passes on what comes, as far as it is let."""

    target: str
    """The base URL of the server behind it."""
    rng: random.Random
    up: Toxics = attrs.field(factory=Toxics)
    """On the way to the server."""
    down: Toxics = attrs.field(factory=Toxics)
    """On the way to the client."""
    most_resets: float = math.inf
    url: str = ""
    connections: int = 0
    resets: int = 0
    passed_up: int = 0
    passed_down: int = 0
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]])

    def heal(self) -> None:
        """Let everything pass from now on."""
        self.up, self.down = Toxics(), Toxics()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Relay]:
        """Listen, for as long as the block."""

        def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            self._tasks.add(asyncio.create_task(self._serve(reader, writer)))

        listening = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{urlsplit(self.target).path}"
        try:
            yield self
        finally:
            listening.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        there = urlsplit(self.target)
        try:
            far_reader, far_writer = await asyncio.open_connection(
                there.hostname, there.port
            )
        except OSError:
            writer.close()
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer, upward=True))
                group.create_task(self._pass(far_reader, writer, upward=False))
        except* _ResetError:
            for one in (writer, far_writer):
                reset(one)
                one.transport.abort()
        except* ConnectionError:
            pass
        finally:
            writer.close()
            far_writer.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        upward: bool,
    ) -> None:
        passed = 0
        while chunk := await reader.read(CHUNK):
            await asyncio.sleep(self._way(upward).delay(self.rng))
            # The sandbox's links name its own address, to which a client does not
            # follow them. Both have a port of five digits: no length changes.
            here, there = urlsplit(self.url).netloc, urlsplit(self.target).netloc
            renamed = chunk.replace(there.encode(), here.encode())
            for piece in self._way(upward).cut(renamed, self.rng):
                await self._send(piece, passed, writer, upward=upward)
                passed += len(piece)
        if writer.can_write_eof():
            writer.write_eof()

    def _way(self, upward: bool) -> Toxics:
        return self.up if upward else self.down

    async def _send(
        self, piece: bytes, passed: int, writer: asyncio.StreamWriter, *, upward: bool
    ) -> None:
        """Send a piece, up to where the connection is reset or stalls."""
        await asyncio.sleep(len(piece) / self._way(upward).bandwidth)
        while piece:
            now = piece[: self._way(upward).room(passed)]
            writer.write(now)
            await writer.drain()
            self._count(len(now), upward=upward)
            piece, passed = piece[len(now) :], passed + len(now)
            if self._way(upward).resets(passed):
                self._note_reset()
                raise _ResetError
            # Polled, since the test may set it at any moment.
            while self._way(upward).stalls(passed) and piece:  # noqa: ASYNC110
                await asyncio.sleep(TICK)

    def _note_reset(self) -> None:
        self.resets += 1
        if self.resets >= self.most_resets:
            self.up.reset_after = self.down.reset_after = None

    def _count(self, size: int, *, upward: bool) -> None:
        self.passed_up += size if upward else 0
        self.passed_down += 0 if upward else size
