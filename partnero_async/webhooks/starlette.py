"""A receiver in Starlette and FastAPI.

::

    app = FastAPI()
    app.add_route("/partnero", endpoint(receiver), methods=["POST"])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from ._body import read_stream
from .receiver import Receiver

__all__ = ["endpoint"]


def endpoint(receiver: Receiver) -> Callable[[Request], Awaitable[PlainTextResponse]]:
    """Return an endpoint that gives deliveries to *receiver*; add it as a route."""

    async def webhook(request: Request) -> PlainTextResponse:
        body = await read_stream(request.stream())
        reply = await receiver.receive(request.headers.raw, body)
        return PlainTextResponse(reply.reason, reply.status)

    return webhook
