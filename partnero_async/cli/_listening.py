"""A receiver for a developer: what comes is shown, kept, and passed on."""

from __future__ import annotations

import asyncio
import json as codec
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import attrs
from aiohttp import web

from ..errors import WebhookError, one_line
from ..webhooks import Event, parse, sign, verify
from ..webhooks._body import read_stream
from ..webhooks.signature import LARGEST
from ._deliveries import Posted, about, post

__all__ = ["Listener", "Shown", "serving"]

HOST: Final = "127.0.0.1"
BAD_GATEWAY: Final = 502

# What a proxy does not pass on, and what the next request has its own of.
OWN: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@attrs.frozen(kw_only=True)
class Shown:
    """What is shown of a delivery."""

    at: datetime
    event: str | None
    about: str
    problem: str
    """Why it is not verified, or no event; empty where nothing is wrong."""
    verified: bool
    answer: int
    note: str
    """Why the answer is not that of the receiver behind; empty where it is."""

    def line(self) -> str:
        """Write it for people."""
        mark = "verified" if self.verified else "NOT VERIFIED"
        told = [
            *(f"{self.at.astimezone():%H:%M:%S}", mark, self.event or "?", self.about),
            f"({self.problem})" if self.problem else "",
            f"-> {self.answer}",
            f"({self.note})" if self.note else "",
        ]
        return one_line(" ".join(filter(None, told)))

    def json(self) -> str:
        """Write it for programs."""
        members = {**attrs.asdict(self), "at": self.at.isoformat()}
        return codec.dumps(members)


@attrs.define(kw_only=True)
class Listener:
    """Take deliveries, and tell of each; *most* of them, then it is over."""

    http: aiohttp.ClientSession
    forward: str | None
    save: Path | None
    as_json: bool
    most: int | None
    over: asyncio.Event
    resign: str | None = attrs.field(repr=False)
    """The secret of the receiver behind: what is verified is signed with it anew."""
    secret: asyncio.Future[str]
    """The first delivery may come before it is known."""
    count: int = 0
    unshown: OSError | None = None
    """Why what comes cannot be shown any more; then it is over."""

    async def handle(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        body = await read_stream(request.content.iter_any())
        shown = await self._taken(request, body)
        line = shown.json() if self.as_json else shown.line()
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except OSError as error:
            # It was taken all the same, and is answered before the end.
            self.unshown = error
            self.over.set()
        self.count += 1
        if self.count == self.most:
            self.over.set()
        return web.Response(status=shown.answer)

    async def _taken(self, request: web.Request, body: bytes) -> Shown:
        event, problem, good = None, "", 200
        verified = False
        try:
            verify(request.headers, body, await self.secret)
            verified = True
            event = parse(body)
        except WebhookError as error:
            problem, good = str(error), error.answer
            event = None if verified else _guessed(body)
        at = datetime.now(UTC)
        if self.save:
            _keep(self.save, at, event, body)
        # Of a body that is too large the rest was not read.
        passes = self.forward and len(body) <= LARGEST
        passed = Posted(good)
        if passes:
            passed = await self._pass_on(request, body, verified=verified)
        return Shown(
            at=at,
            event=event.name if event else None,
            about=about(event) if event else "",
            problem=problem,
            verified=verified,
            answer=passed.status or BAD_GATEWAY,
            note=passed.problem,
        )

    async def _pass_on(
        self, request: web.Request, body: bytes, *, verified: bool
    ) -> Posted:
        anew = self.resign if verified else None
        own = OWN | {"signature"} if anew else OWN
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in own
        ]
        if anew:
            headers.append(("Signature", sign(body, anew)))
        return await post(self.http, self.forward or "", body, headers)


def _guessed(body: bytes) -> Event | None:
    """Say what a delivery claims to be that is not verified."""
    try:
        return parse(body)
    except WebhookError:
        return None


def _keep(folder: Path, at: datetime, event: Event | None, body: bytes) -> None:
    """Write a body as it came; its name is made of nothing but letters and dots."""
    name = re.sub(r"[^a-z.]+", "_", event.name)[:40] if event else "unreadable"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{at:%Y%m%dT%H%M%S%f}-{name}.json").write_bytes(body)


@asynccontextmanager
async def serving(listener: Listener, port: int) -> AsyncGenerator[int]:
    """Listen on this machine; give the port, which is free to choose with 0."""
    app = web.Application()
    app.router.add_post("/{path:.*}", listener.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
