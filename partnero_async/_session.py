"""One request, one answer: the only place that knows aiohttp's client.

Nothing is decided here. What aiohttp raises becomes a `Failure` that says whether the
request can have been seen; its exceptions go no further, because they show the
request's headers, and with them the key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import attrs
from aiohttp import hdrs
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ._settings import Settings
from ._slots import Slots
from ._timeouts import Timeouts
from ._version import __version__
from ._wire import Answer, Request
from .retries import Outcome

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a decoded answer that are read; the API's largest page is far below."""


UNTRUSTED: Final = (
    "the server's certificate is not trusted: where an authority of your own has signed"
    " it, give that with tls=ssl.create_default_context(cafile=...)"
)


@attrs.frozen
class Failure:
    """Why there is no answer."""

    outcome: Outcome
    why: str
    timed_out: bool = False


@attrs.define
class Flight:
    """One attempt on its way."""

    began: float
    """The loop's time at its start, without the waits before it."""
    left: bool = False
    """Whether the head of the request may have left: else nothing is in doubt."""
    waits_for: str = "a free connection"
    """What it is held up by; shown when its time runs out."""
    over: bool = False
    """Whether it is known what came of it."""
    in_company: bool = False
    """Whether others are under way on the same loop."""

    def lost(self, why: str, *, timed_out: bool = False) -> Failure:
        """Say that no answer came."""
        outcome = Outcome.LOST if self.left else Outcome.NOT_SENT
        return Failure(outcome, why, timed_out)


flying: Final[ContextVar[Flight]] = ContextVar("flying")
"""The attempt whose request this task has given to aiohttp."""


class DroppedError(Exception):
    """A connection that broke under a request.

    aiohttp sends GET, PUT and DELETE a second time by itself when it sees its own
    exception for this; it does not know ours, so whether to repeat is decided above.
    """


IN_ONE_WRITE: Final = aiohttp.__version__.startswith("3.14.")
"""Whether aiohttp is a version whose requests are known from inside."""

SMALL: Final = 64 * 1024
"""Bytes of a body that a connection takes at once, whether it is read or not."""


NOTHING: Final = aiohttp.RequestInfo(
    URL(), "", CIMultiDictProxy(CIMultiDict[str]()), URL()
)
"""What aiohttp's exceptions show of a request."""


class _Request(aiohttp.ClientRequest):
    """A request that goes out only where the next answer must be its own.

    A small body goes out with its head in one write. aiohttp starts a task for it, in
    case that the server answers before it has read everything: a sixth of what a write
    takes, for what fits into the buffer of a connection anyway.
    """

    _whole: bytes | None = None

    def update_body_from_data(self, body: Any, _stacklevel: int = 3) -> None:
        """Take the body as it is, where it is small."""
        if not IN_ONE_WRITE or body is None or len(body) > SMALL:
            super().update_body_from_data(body, _stacklevel)
            return
        self._whole = body
        self.headers[hdrs.CONTENT_LENGTH] = str(len(body))

    # One coroutine, and not one that waits for another.
    def send(  # pyright: ignore[reportIncompatibleMethodOverride] - it is awaited at once
        self, conn: Connection
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        """Write to a connection that is fit for it, and nothing else."""
        if self._traces or self._body or not IN_ONE_WRITE:
            _leave(conn)
            if self._whole is not None:
                super().update_body_from_data(self._whole)
            return super().send(conn)
        return self._send_at_once(conn)

    async def _send_at_once(self, conn: Connection) -> aiohttp.ClientResponse:
        if flying.get().in_company:
            # Requests of one turn of the loop leave together: a server or a proxy on
            # this machine is woken once for all of them, and not by each.
            await asyncio.sleep(0)
        writer = StreamWriter(_leave(conn), self.loop)
        line = f"{self.method} {self.url.raw_path_qs} HTTP/1.1"
        await writer.write_headers(line, self.headers)
        await writer.write_eof(self._whole or b"")
        return _Response(
            self.method,
            self.url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=NOTHING,
            traces=self._traces,
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )


def _leave(conn: Connection) -> ResponseHandler:
    """Note that a request leaves from now on; return what it is written to.

    Raises `DroppedError` for a connection on which something came that nobody had asked
    for. aiohttp (3.14) keeps it while the connection is idle, and gives it to the next
    request as its answer. Nothing of this one has left, so it is sent again.
    """
    protocol = conn.protocol
    if protocol is None or protocol.should_close:
        raise DroppedError
    # An exception's type cannot tell "processed" from "never seen": that this was not
    # reached is the only proof that a request was not sent. A trace would tell the
    # same, and cost a tenth of the request.
    flying.get().left = True
    return protocol


class _Response(aiohttp.ClientResponse):
    """An answer whose connection may break before its head has come."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Wait for the head."""
        try:
            return await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            dropped = DroppedError(type(error).__name__)
        raise dropped


class Session:
    """The connections of one event loop."""

    def __init__(self, http: aiohttp.ClientSession, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self.slots: Slots = Slots(settings.max_connections)
        """Taken first come first served, unlike aiohttp's own limit, and cheaper."""
        self.timeouts: Timeouts = Timeouts(asyncio.get_running_loop())
        """Those of the attempts on this loop."""

    async def send(self, request: Request, flight: Flight) -> Answer | Failure:
        """Send *request* once, and wait for its answer for as long as it takes."""
        settings = self._settings
        url = settings.base_url + request.target
        head: dict[str, str] = {
            hdrs.AUTHORIZATION: settings.api_key.header(url, settings.base_url)
        }
        if request.body is not None:
            head[hdrs.CONTENT_TYPE] = "application/json"
        flight.in_company = self.slots.free < settings.max_connections - 1
        flying.set(flight)
        try:
            response = await self._http.request(
                request.method,
                URL(url, encoded=True),
                data=request.body,
                headers=head,
                allow_redirects=False,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no answer
            return _no_answer(error, flight)
        content = response.content
        if content.is_eof():  # it came with the head, as most do
            came = content.read_nowait()
            body = came if len(came) <= LARGEST else b""
        else:
            body = await _body(response, content)
        return Answer(response.status, response.headers, settings.api_key.blot(body))

    async def close(self) -> None:
        """Close the connections."""
        self.timeouts.close()
        await self._http.close()


def _no_answer(error: Exception, flight: Flight) -> Failure:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return Failure(Outcome.UNUSABLE, UNTRUSTED)
        case aiohttp.ClientConnectorError():
            return flight.lost(f"no connection: {error.os_error.strerror or 'refused'}")
        case _ if not (flight.left or isinstance(error, DroppedError)):
            return flight.lost(f"it could not be sent ({type(error).__name__})")
        case DroppedError() | aiohttp.ClientConnectionError():
            return flight.lost("the connection broke before an answer")
        case _:
            # aiohttp gives a garbled answer a made-up status of 400: do not look at it.
            return flight.lost(f"the answer is not HTTP ({type(error).__name__})")


@contextmanager
def _ended_by_its_connection(response: aiohttp.ClientResponse) -> Generator[None]:
    """Have the body end when its connection does.

    aiohttp (3.14) closes the connection over a chunk that it cannot parse, and does not
    tell the body: who reads it would wait until the call's time is over.
    """
    content, connection = response.content, response.connection

    def end(closed: asyncio.Future[None] | None) -> None:
        if closed and not closed.cancelled():
            closed.exception()  # it is taken note of
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the body is not whole"))

    protocol = None if connection is None else connection.protocol
    closed = None if protocol is None else protocol.closed
    if closed is None:
        end(None)
        yield
        return
    closed.add_done_callback(end)
    try:
        yield
    finally:
        # The connection goes on to serve other answers, for hours maybe.
        closed.remove_done_callback(end)


async def _body(
    response: aiohttp.ClientResponse, content: aiohttp.StreamReader
) -> bytes:
    """Read the body, up to a limit; empty where it cannot be read whole.

    The head has been seen, so the answer is never lost. At the end of the body the
    connection is free again by itself.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        with _ended_by_its_connection(response):
            while not content.at_eof():
                chunk = await content.readany()
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST:
                    response.close()
                    return b""
    except (aiohttp.ClientError, OSError):
        response.close()
        return b""
    except BaseException:  # out of time, or cancelled: the connection is held no longer
        response.close()
        raise
    return b"".join(chunks)


class Sessions:
    """One session a running event loop: connections belong to the loop that made them.

    So a client works in a second `asyncio.run`, in a test suite with a loop a test, and
    as a global of a module.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._by_loop: dict[
            asyncio.AbstractEventLoop, tuple[Session, AsyncGenerator[Session]]
        ] = {}

    def open_on(self, loop: asyncio.AbstractEventLoop) -> Session | None:
        """Return the session of *loop*; None where it has none yet."""
        found = self._by_loop.get(loop)
        return None if found is None else found[0]

    async def here(self) -> Session:
        """Return the session of the running loop, and open it where there is none."""
        loop = asyncio.get_running_loop()
        session = self.open_on(loop)
        if session is not None:
            return session
        for ended in [loop for loop in self._by_loop if loop.is_closed()]:
            del self._by_loop[ended]
        keeper = self._keep()
        session = await anext(keeper)
        self._by_loop[loop] = session, keeper
        return session

    async def _keep(self) -> AsyncGenerator[Session]:
        # A generator, because a loop that ends closes those which it has started: the
        # connections of a client that nobody closed go with their loop, without noise.
        session = Session(_open(self._settings), self._settings)
        try:
            yield session
        finally:
            await session.close()

    async def close(self) -> None:
        """Close the running loop's session; those of other loops go with their loop."""
        found = self._by_loop.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found[1].aclose()


def _open(settings: Settings) -> aiohttp.ClientSession:
    telemetry = settings.telemetry
    more = [telemetry.trace_config()] if telemetry else []
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=settings.tls or True),
        headers={
            hdrs.ACCEPT: "application/json",
            hdrs.ACCEPT_ENCODING: "gzip, deflate",
            hdrs.USER_AGENT: f"partnero-async/{__version__}",
        },
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trace_configs=more,
        request_class=_Request,
        response_class=_Response,
        trust_env=False,
    )
