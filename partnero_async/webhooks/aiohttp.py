"""A receiver in an aiohttp server.

::

    app = web.Application()
    app.router.add_post("/partnero", handler(receiver))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ._body import read_stream
from .receiver import Receiver

__all__ = ["handler"]


def handler(receiver: Receiver) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that gives deliveries to *receiver*; add it for POST."""

    async def webhook(request: web.Request) -> web.Response:
        reply = await receiver.receive(request.headers, await _body(request))
        return web.Response(status=reply.status, text=reply.reason)

    return webhook


async def _body(request: web.Request) -> bytes:
    if request.content.at_eof():  # a middleware may have read it: aiohttp keeps it then
        return await request.read()
    return await read_stream(request.content.iter_any())
