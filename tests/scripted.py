"""An API that answers from a script, on virtual time: for tests of retries and waits.

Real sockets do not go with a virtual clock, so this stands in for aiohttp's client
itself, through aioresponses; everything of ours above it is the real thing.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from unittest.mock import Mock

import aiohttp
import attrs
import msgspec
import pytest
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from partnero_async import Partnero
from partnero_async._session import DroppedError, flying
from partnero_async._transport import Transport
from partnero_async.pacing import Gate
from tests.awaited import beneath
from tests.clock import run_virtual

T = TypeVar("T")

ORIGIN = "https://api.test"


@attrs.frozen
class Reply:
    """An answer; *body* is bytes as they are, or JSON."""

    status: int = 200
    body: Any = attrs.field(factory=lambda: {"status": 1})
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    content_type: str = "application/json"
    after: float = 0.0
    """Virtual seconds until it comes."""


@attrs.frozen
class Fault:
    """No answer; *sent* says whether the request's head has left before."""

    sent: bool
    after: float = 0.0
    """Virtual seconds until the connection breaks."""


LOST = Fault(sent=True)
NOT_SENT = Fault(sent=False)
HANG = Fault(sent=True, after=1e6)
DISTURBED = Reply(502, b"<html>502</html>", content_type="text/html")
LOGIN_PAGE = Reply(200, b"<html>Sign in</html>", content_type="text/html")
HALF_JSON = Reply(200, b'{"data": {"key":')

Step = Reply | Fault


def data(value: Any, **rest: Any) -> Reply:
    """Answer with the API's envelope."""
    return Reply(body={"data": value, "status": 1, **rest})


def page(*items: Any) -> Reply:
    """Answer with one page that is the last."""
    return data(list(items), links={"next": None})


@attrs.frozen
class Seen:
    """A request as it was asked for."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    at: float
    """Virtual seconds."""


class _Response(aiohttp.ClientResponse):
    """aioresponses 0.7.9 does not know the argument that aiohttp 3.14 asks for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", Mock())
        super().__init__(*args, **kwargs)


class Script:
    """Play *steps*, one a request; the last is played again for ever."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self.seen: list[Seen] = []
        self.given_up: list[float] = []
        """When a request was cancelled before its answer, in virtual seconds."""
        self.ended = 0.0
        """When the whole play was over, in virtual seconds."""

    def __str__(self) -> str:
        """Show what was asked, a request a word."""
        return " ".join(f"{seen.method} {seen.path}" for seen in self.seen)

    async def answer(self, url: URL, **request: Any) -> CallbackResult:
        """Play the next step."""
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        body = request.get("data")
        self.seen.append(
            Seen(
                request["method"],
                url.path.removeprefix("/v1"),
                dict(url.query),
                None if body is None else msgspec.json.decode(body),
                asyncio.get_running_loop().time(),
            )
        )
        flying.get().left = step.sent if isinstance(step, Fault) else True
        await self._wait(step.after)
        if isinstance(step, Fault):
            raise DroppedError
        return _result(step)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.given_up.append(asyncio.get_running_loop().time())
            raise


def _result(reply: Reply) -> CallbackResult:
    body = reply.body
    return CallbackResult(
        status=reply.status,
        body=body if isinstance(body, bytes) else msgspec.json.encode(body),
        headers=dict(reply.headers),
        content_type=reply.content_type,
        response_class=_Response,
    )


async_only = pytest.mark.parametrize("partnero", ["async"], indirect=True)
"""For what only tasks do: they are cancelled, and so are their calls.

A thread that waits for a call cannot be. What stops such a call, Ctrl-C and `close`, is
tested in `tests.sync`; the gate itself (`tests.test_pacing`) is below either client.
"""


class Play(Protocol):
    """`run_script` with one kind of client: the fixture `play`."""

    def __call__(
        self,
        steps: Sequence[Step],
        use: Callable[[Partnero], Awaitable[T]],
        *,
        seed: int = 0,
        **settings: Any,
    ) -> tuple[T, Script]:
        """Run *use*; return what it returns, and what was asked."""
        ...


def run_script(
    kind: type[Partnero],
    steps: Sequence[Step],
    use: Callable[[Partnero], Awaitable[T]],
    *,
    seed: int = 0,
    **settings: Any,
) -> tuple[T, Script]:
    """Run *use* with a client of a scripted API, on virtual time."""
    script = Script(steps)

    async def main() -> T:
        with aioresponses() as mocked:
            for method in ("GET", "POST", "PUT", "DELETE"):
                mocked.add(
                    re.compile(".*"),
                    method=method,
                    callback=_bound(script, method),
                    repeat=True,
                )
            async with virtual_client(kind, seed=seed, **settings) as client:
                result = await use(client)
            script.ended = asyncio.get_running_loop().time()
            return result

    return run_virtual(main()), script


def _bound(script: Script, method: str) -> Callable[..., Awaitable[CallbackResult]]:
    async def callback(url: URL, **request: Any) -> CallbackResult:
        return await script.answer(url, method=method, **request)

    return callback


def virtual_client(
    kind: type[Partnero], *, seed: int = 0, asks: bool = False, **settings: Any
) -> Partnero:
    """Make a client whose gate and jitter run on the loop's virtual time.

    It takes the type of its program for one that cannot be told, unless it *asks*.
    """
    client = kind("test-key", base_url=ORIGIN + "/v1", **settings)
    loop = asyncio.get_running_loop()
    transport = Transport(
        client._settings, gate=Gate(clock=loop.time), rng=random.Random(seed)
    )
    if not asks:
        transport.program.know(None)
    vars(beneath(client))["_transport"] = transport
    return client
