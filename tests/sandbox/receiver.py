"""A receiver of deliveries: it keeps what comes, and answers what a test wants."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

Item = tuple[str, str]


class Received(NamedTuple):
    """A request, as it came."""

    path: str
    headers: list[Item]
    body: bytes

    @property
    def signature(self) -> str:
        """The one Signature header."""
        (value,) = [v for name, v in self.headers if name == "Signature"]
        return value

    @property
    def event(self) -> str:
        """The name in the envelope."""
        return str(self.envelope["event"])

    @property
    def envelope(self) -> dict[str, Any]:
        """The body, read."""
        members: dict[str, Any] = json.loads(self.body)
        return members


class Receiver:
    """Answer 200, or the next of *answers*: a status, or a response.

    *asked* is called when a request has come, before it is kept.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: deque[int | web.Response] = deque()
        self.asked: Callable[[], None] = lambda: None
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Keep a request."""
        self.asked()
        body = await request.read()
        headers = [(name, value) for name, value in request.headers.items()]
        self.received.append(Received(request.path, headers, body))
        answer = self.answers.popleft() if self.answers else 200
        return web.Response(status=answer) if isinstance(answer, int) else answer

    @property
    def events(self) -> list[str]:
        """The names of what came, in order."""
        return [each.event for each in self.received]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listen on 127.0.0.1."""
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.handle, access_log=None))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        await runner.cleanup()
