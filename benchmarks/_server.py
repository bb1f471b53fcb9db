"""Servers in processes of their own, on the last core; whoever measures has the first.

The canned server looks at a request no more than is needed: what is measured is the
client, and a slow server would hide half of it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import resource
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

PAGE = 250
KEY = "benchmark"
MANY = 8192
"""Open files: a thousand connections and more."""

ROOT = Path(__file__).parents[1]
QUICK = (sys.executable, str(ROOT / "tests" / "bench" / "quick.py"))
SANDBOX = (sys.executable, "-m", "partnero_async.sandbox", "--port", "0", "--json")

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


def partner(number: str) -> dict[str, object]:
    """Make a partner as the API shows one in a list: no more members, and no less."""
    return {
        "email": f"ada{number}@example.com",
        "created_at": "2026-03-04T10:00:00.000000Z",
        "updated_at": "2026-03-05T11:30:00.000000Z",
        "id": f"p{number}",
        "name": "Ada",
        "surname": "Byron",
        "approved": True,
        "status": "active",
        "custom_fields": [],
    }


ONE = json.dumps({"data": partner("0"), "status": 1}).encode()
ITEMS = json.dumps([partner("%08d")] * PAGE).encode()
"""A page, with a place for each number: a million of items take no memory."""


def page(number: int, pages: int, origin: str) -> bytes:
    """Return a page of a list; behind the last one there is nothing."""
    items = b"[]"
    if number <= pages:
        first = (number - 1) * PAGE
        items = ITEMS % tuple(n for n in range(first, first + PAGE) for _ in "12")
    link = f"{origin}/v1/partners?page={number + 1}" if number < pages else None
    links = json.dumps({"next": link}).encode()
    return b'{"data": %b, "links": %b, "status": 1}' % (items, links)


class Canned(asyncio.Protocol):
    """Answers each request with a page, where it names one."""

    opened = 0
    """Connections so far."""

    def __init__(self, pages: int, delay: float, origin: Sequence[str]) -> None:
        self._pages = pages
        self._delay = delay
        self._origin = origin
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        self._transport = transport
        Canned.opened += 1

    def data_received(self, data: bytes) -> None:
        """Answer; no request here has a body, or comes in two pieces."""
        body = self._body(data[: data.find(b"\r\n")])
        answer = HEAD % len(body) + body
        if self._transport and self._delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay, self._transport.write, answer)
        elif self._transport:
            self._transport.write(answer)

    def _body(self, line: bytes) -> bytes:
        asked = re.search(rb"[?&]page=(\d+)", line)
        if asked:
            return page(int(asked[1]), self._pages, self._origin[0])
        if b"/partners?" in line and self._pages:
            return page(1, self._pages, self._origin[0])
        return b'{"opened": %d}' % Canned.opened if b"/opened " in line else ONE


def serve(
    ready: Connection, core: int, pages: int, delay: float, certificate: str | None
) -> None:
    """Run the server, pinned to a core, until the process is ended."""
    os.sched_setaffinity(0, {core})
    raise_limit()
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        tls.load_cert_chain(certificate)
    origin: list[str] = []

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(
            lambda: Canned(pages, delay, origin), "127.0.0.1", 0, ssl=tls, backlog=2048
        )
        port = server.sockets[0].getsockname()[1]
        origin.append(f"{'https' if tls else 'http'}://127.0.0.1:{port}")
        ready.send(origin[0])
        await server.serve_forever()

    asyncio.run(main())


def raise_limit() -> None:
    """Allow as many open files as a thousand connections need."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY if most == resource.RLIM_INFINITY else min(MANY, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextmanager
def apart() -> Iterator[int]:
    """Have this process on the first core; give the last one to the server."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    try:
        yield cores[-1]
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def canned(
    pages: int = 0, *, delay: float = 0.0, certificate: str | None = None
) -> Iterator[str]:
    """Run the canned server; give the base URL of its API.

    It waits for *delay* seconds before each answer. With the path of a *certificate*
    and its key it speaks TLS 1.3.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with apart() as core:
        process = context.Process(
            target=serve, args=(there, core, pages, delay, certificate), daemon=True
        )
        process.start()
        there.close()  # so that a server that could not start is an error here
        try:
            yield f"{here.recv()}/v1"
        finally:
            process.terminate()
            process.join()


@contextmanager
def served(*command: str) -> Iterator[str]:
    """Run a server of ours; give the first line that it says."""
    with (
        apart() as core,
        subprocess.Popen(  # noqa: S603 - programs of our own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout  # noqa: S101 - asked for above
        os.sched_setaffinity(process.pid, {core})
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
