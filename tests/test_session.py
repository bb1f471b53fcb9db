from __future__ import annotations

import asyncio
import gzip
import random
import socket
import ssl
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from opentelemetry.sdk.trace import TracerProvider

from partnero_async import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    ConnectionFailedError,
    DeadlineExceededError,
    Partnero,
    PartneroError,
    RefusedError,
    UnexpectedBodyError,
    ValidationError,
    _session,
)
from partnero_async._session import (
    LARGEST,
    SMALL,
    Flight,
    _ended_by_its_connection,
    _no_answer,
)
from partnero_async.retries import Outcome
from partnero_async.telemetry import OpenTelemetry
from tests.faulty import Act, Faulty, answer, drop, faulty, hang, raw, reset

KEY = "canary-5d41402abc4b2a76"
EMPTY_LIST = answer(b'{"data": [], "links": {"next": null}, "status": 1}')
CUSTOMER = answer(b'{"data": {"key": "c1"}, "status": 1}')


class NoJitter(random.Random):
    """Waits between attempts take no time: they have tests of their own."""

    def uniform(self, a: float, _b: float) -> float:
        """Draw the lower end."""
        return a


@asynccontextmanager
async def client_of(
    partnero: type[Partnero], server: Faulty, **settings: Any
) -> AsyncIterator[Partnero]:
    async with partnero(KEY, base_url=server.url, settle=0.001, **settings) as client:
        client._transport.line.rng = NoJitter()
        client._transport.program.know(None)  # it is not asked for
        yield client


async def read(client: Partnero) -> Any:
    return await client.customers.get("c1")


async def update(client: Partnero) -> Any:
    return await client.customers.update("c1", name="Ada")


async def delete(client: Partnero) -> Any:
    return await client.partners.delete("p1")


async def sell(client: Partnero) -> Any:
    return await client.transactions.create(key="s1", amount=10, customer={"key": "c1"})


READ, SELL = "GET /customers/c1", "POST /transactions"
LOOK = "GET /transactions?key=s1&limit=100"
UNREADABLE_HEAD = b"HTTP/1.1 2000000 What\r\n\r\n"


@pytest.mark.parametrize(
    "act", [pytest.param(drop, id="fin"), pytest.param(reset, id="reset")]
)
@pytest.mark.parametrize(
    ("use", "lines"),
    [
        pytest.param(read, [READ] * 4, id="get"),
        pytest.param(update, ["PUT /customers/c1"] * 4, id="put"),
        pytest.param(delete, ["DELETE /partners/p1"] * 4, id="delete"),
    ],
)
async def test_nothing_is_sent_a_second_time_in_secret(
    partnero: type[Partnero],
    use: Callable[[Partnero], Awaitable[Any]],
    lines: list[str],
    act: Act,
) -> None:
    """The server sees the attempts that the error tells of, and no others."""
    async with faulty([act]) as server, client_of(partnero, server) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await use(client)
        assert server.lines == lines
        assert len(caught.value.attempts) == len(lines)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(drop, id="fin"),
        pytest.param(reset, id="reset"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.2\r\n"), id="no-http"),
        pytest.param(raw(b"HTTP/1.1 200"), id="half-a-status-line"),
        pytest.param(raw(UNREADABLE_HEAD), id="odd-status"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), id="long-header"),
        pytest.param(answer(b"", status="502 Bad Gateway"), id="502"),
        pytest.param(
            answer(b"", status="302 Found", head=b"Location: /\r\n"), id="302"
        ),
    ],
)
async def test_sale_without_an_answer_is_sent_once(
    partnero: type[Partnero], act: Act
) -> None:
    """However the answer to a sale gets lost, there is one request and two looks."""
    async with (
        faulty([act, EMPTY_LIST]) as server,
        client_of(partnero, server) as client,
    ):
        with pytest.raises(AmbiguousWriteError):
            await sell(client)
        assert server.lines == [SELL, LOOK, LOOK]


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(answer(b'{"data":', length=100), id="half-a-body"),
        pytest.param(answer(b"\xff\xfe{}"), id="utf-16"),
        pytest.param(answer(b""), id="empty"),
        pytest.param(
            answer(b"\x1f\x8bgarbage", head=b"Content-Encoding: gzip\r\n"),
            id="bad-gzip",
        ),
        pytest.param(answer(b" " * (LARGEST + 1)), id="too-large"),
        pytest.param(
            answer(
                gzip.compress(b" " * (LARGEST + 1)), head=b"Content-Encoding: gzip\r\n"
            ),
            id="too-large-once-decoded",
        ),
    ],
)
async def test_sale_accepted_without_a_readable_body_was_applied(
    partnero: type[Partnero], act: Act
) -> None:
    """A success was seen: what cannot be read is looked up, and never sent again."""
    async with (
        faulty([act, EMPTY_LIST]) as server,
        client_of(partnero, server) as client,
    ):
        with pytest.raises(AppliedUnreadableError):
            await sell(client)
        assert server.lines == [SELL, LOOK]


async def test_refusal_with_half_a_body_is_a_refusal(partnero: type[Partnero]) -> None:
    """The status alone says no."""
    half = answer(b'{"mess', status="422 Unprocessable Content", length=100)
    async with faulty([half]) as server, client_of(partnero, server) as client:
        with pytest.raises(ValidationError):
            await sell(client)
        assert server.lines == [SELL]


async def test_refused_connection_was_not_sent(partnero: type[Partnero]) -> None:
    """Where nobody listens nothing is in doubt, even for a sale."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        server = Faulty([], f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")
        async with client_of(partnero, server) as client:
            with pytest.raises(ConnectionFailedError, match="no connection") as caught:
                await sell(client)
    assert caught.value.maybe_applied is False
    assert len(caught.value.attempts) == 4


async def test_address_that_is_none_was_not_sent(partnero: type[Partnero]) -> None:
    """A name that no resolver takes fails before anything leaves."""
    async with client_of(partnero, Faulty([], "https://a..b/v1")) as client:
        with pytest.raises(ConnectionFailedError, match="could not be sent") as caught:
            await sell(client)
    assert caught.value.maybe_applied is False


async def test_redirect_is_not_followed(partnero: type[Partnero]) -> None:
    """The key never reaches the address that a redirect names."""
    async with faulty([CUSTOMER]) as other:
        where = b"Location: " + other.url.encode() + b"/customers/c1\r\n"
        act = answer(b"", status="307 Temporary Redirect", head=where)
        async with faulty([act]) as server, client_of(partnero, server) as client:
            with pytest.raises(UnexpectedBodyError, match="not followed"):
                await read(client)
        assert other.ledger == []


async def test_hanging_server_is_left_at_the_deadline(partnero: type[Partnero]) -> None:
    """A call ends when its time is over, whatever the server does."""
    async with (
        faulty([hang]) as server,
        client_of(partnero, server, timeout=0.2) as client,
    ):
        with pytest.raises(DeadlineExceededError) as caught:
            await read(client)
        assert caught.value.elapsed == pytest.approx(0.2, abs=0.2)


async def test_request_says_what_it_accepts_and_who_sends(
    partnero: type[Partnero],
) -> None:
    """The head carries the key, JSON, and no cookie that was set."""
    cookie = answer(
        b'{"data": {"key": "c1"}, "status": 1}', head=b"Set-Cookie: a=b\r\n"
    )
    async with faulty([cookie]) as server, client_of(partnero, server) as client:
        await read(client)
        await read(client)
    head = server.ledger[1].decode()
    assert f"Authorization: Bearer {KEY}\r\n" in head
    assert "Accept: application/json\r\n" in head
    assert "Accept-Encoding: gzip, deflate\r\n" in head
    assert "User-Agent: partnero-async/" in head
    assert "cookie" not in head.lower()


@pytest.mark.parametrize("act", [drop, hang, answer(b"", status="500 Oops")])
async def test_key_is_in_no_error(partnero: type[Partnero], act: Act) -> None:
    """Neither an error, nor what caused it, nor a traceback's locals show the key."""
    async with (
        faulty([act]) as server,
        client_of(partnero, server, timeout=0.6) as client,
    ):
        with pytest.raises(PartneroError) as caught:
            await read(client)
    error = caught.value
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The frames of this file hold the key and the server's ledger themselves.
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if frame.filename != __file__]
    )
    text = "".join(shown.format())
    assert "_transport.py" in text
    assert "canary" not in f"{text} {error!r} {error} {error.__dict__}"


# --- TLS ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_untrusted_certificate_is_final(
    partnero: type[Partnero], tls: ssl.SSLContext
) -> None:
    """A certificate that is not trusted does not get better by trying again."""
    async with (
        faulty([CUSTOMER], tls=tls) as server,
        client_of(partnero, server) as client,
    ):
        with pytest.raises(ConnectionFailedError, match="not trusted") as caught:
            await read(client)
        assert len(caught.value.attempts) == 1
        assert server.ledger == []


async def test_own_authority_is_trusted(
    partnero: type[Partnero], tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    """`tls=` is for a certificate authority of one's own."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with (
        faulty([CUSTOMER], tls=tls) as server,
        client_of(partnero, server, tls=trusting) as client,
    ):
        assert (await read(client)).key == "c1"


# --- loops ----------------------------------------------------------------------


def test_one_client_serves_loop_after_loop() -> None:
    """A client of a module works in a second `asyncio.run`, and leaves no noise."""
    program = """
import asyncio
from partnero_async import Partnero
from partnero_async.sandbox import Sandbox

client = None

async def main():
    global client
    async with Sandbox(api_key="sandbox-key") as sandbox:
        client = client or Partnero("sandbox-key", base_url=sandbox.url)
        transport = client._transport
        object.__setattr__(client._settings, "base_url", sandbox.url)
        await client.account.test()
        print(len(transport.line.sessions._by_loop))

for _ in range(3):
    asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["1", "1", "1"]


async def test_client_that_was_never_used_closes(partnero: type[Partnero]) -> None:
    """Closing what never opened is nothing."""
    async with partnero(KEY):
        pass


async def test_many_tasks_share_the_connections(partnero: type[Partnero]) -> None:
    """No more requests are under way than the client was allowed."""
    busy = 0
    most = 0

    async def act(writer: asyncio.StreamWriter) -> bool:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return await CUSTOMER(writer)

    async with (
        faulty([act]) as server,
        client_of(partnero, server, max_connections=3) as client,
    ):
        await asyncio.gather(*[read(client) for _ in range(30)])
    assert most <= 3
    assert len(server.ledger) == 30


# --- how a body is sent ---


def test_aiohttp_that_is_locked_is_known() -> None:
    """With another one a body takes a task more: see whether it may be known too."""
    assert _session.IN_ONE_WRITE


@pytest.mark.parametrize("size", [1, SMALL - 100, SMALL + 100])
@pytest.mark.parametrize("known", [True, False], ids=["known", "another-aiohttp"])
@pytest.mark.parametrize("traced", [False, True], ids=["alone", "traced"])
async def test_body_arrives_whole_and_once(
    monkeypatch: pytest.MonkeyPatch, size: int, *, known: bool, traced: bool
) -> None:
    """Large or small, traced or not, with an aiohttp that is known or with another."""
    monkeypatch.setattr(_session, "IN_ONE_WRITE", known)
    telemetry = OpenTelemetry(TracerProvider()) if traced else None
    async with (
        faulty([CUSTOMER]) as server,
        client_of(Partnero, server, telemetry=telemetry) as client,
    ):
        await client.customers.update("c1", name="x" * size)
        await client.customers.get("c1")
    written, _ = server.ledger
    assert written.endswith(b'\r\n\r\n{"update":{"name":"%s"}}' % (b"x" * size))
    assert server.lines == ["PUT /customers/c1", READ]


async def test_small_body_needs_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves with its head."""

    async def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(aiohttp.ClientRequest, "write_bytes", refuse)
    async with faulty([CUSTOMER]) as server, client_of(Partnero, server) as client:
        await update(client)
    assert server.ledger[0].endswith(b'{"update":{"name":"Ada"}}')


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note when a request is given to its connection, and when it leaves."""
    seen = list[str]()
    send, leave = _session._Request.send, _session._leave

    def given(request: Any, connection: Any) -> Any:
        seen.append("given")
        return send(request, connection)

    def leaves(connection: Any) -> Any:
        seen.append("leaves")
        return leave(connection)

    monkeypatch.setattr(_session._Request, "send", given)
    monkeypatch.setattr(_session, "_leave", leaves)
    return seen


async def test_requests_of_one_turn_leave_together(seen: list[str]) -> None:
    """Who answers is woken once for them; the first finds nobody to wait for."""
    async with faulty([CUSTOMER]) as server, client_of(Partnero, server) as client:
        await asyncio.gather(*[read(client) for _ in range(4)])  # so they are connected
        seen.clear()
        await asyncio.gather(*[read(client) for _ in range(4)])
    assert seen == ["given", "leaves", *["given"] * 3, *["leaves"] * 3]


async def test_sale_cancelled_before_it_leaves_is_in_no_doubt(seen: list[str]) -> None:
    """It had a connection, and waited for others to leave with."""
    async with faulty([CUSTOMER]) as server, client_of(Partnero, server) as client:
        await asyncio.gather(*[read(client) for _ in range(2)])
        seen.clear()
        first = asyncio.create_task(read(client))
        sale = asyncio.create_task(sell(client))
        await asyncio.sleep(0)
        assert seen == ["given", "leaves", "given"]
        sale.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await sale
        await first
    assert caught.value.__cause__ is None
    assert server.lines == [READ] * 3


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_large_body_may_be_refused_before_it_is_read() -> None:
    """A server that does not take so much says so, and reads no further."""
    served: list[asyncio.StreamWriter] = []

    async def refuse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        served.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        await answer(b'{"message": "too large"}', status="413 Too Large")(writer)

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        server = Faulty([], f"http://127.0.0.1:{port}/v1")
        async with client_of(Partnero, server, timeout=5) as client:
            with pytest.raises(RefusedError) as caught:
                await client.customers.update("c1", name="x" * 16_000_000)
            for writer in served:
                writer.transport.abort()
    assert caught.value.status == 413
    assert len(caught.value.attempts) == len(served) == 1


# --- how it ends ---


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (aiohttp.ClientConnectionResetError("closing"), "the connection broke before"),
        (aiohttp.ClientPayloadError("garbled"), "the answer is not HTTP"),
    ],
)
def test_what_broke_is_told(error: Exception, why: str) -> None:
    """A connection that went while a request was written is no answer without HTTP."""
    failure = _no_answer(error, Flight(0.0, left=True))
    assert failure.outcome is Outcome.LOST
    assert failure.why.startswith(why)
    before = _no_answer(error, Flight(0.0))
    assert before.outcome is Outcome.NOT_SENT
    assert before.why == f"it could not be sent ({type(error).__name__})"


@pytest.mark.parametrize("how", ["no connection", "lost", "cancelled", "closed"])
async def test_body_ends_with_its_connection(how: str) -> None:
    """Also where that was gone before anybody could ask to be told of its end."""
    loop = asyncio.get_running_loop()
    content = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
    closed = None if how == "lost" else loop.create_future()
    protocol = SimpleNamespace(closed=closed)
    connection = None if how == "no connection" else SimpleNamespace(protocol=protocol)
    response: Any = SimpleNamespace(content=content, connection=connection)
    with _ended_by_its_connection(response):
        if closed is not None:
            closed.cancel() if how == "cancelled" else closed.set_result(None)
        await asyncio.sleep(0)
    assert isinstance(content.exception(), aiohttp.ClientPayloadError)


async def test_answers_leave_nothing_on_their_connection() -> None:
    """One connection serves a program for days: what each answer left would add up."""

    async def act(writer: asyncio.StreamWriter) -> bool:
        body = b'{"data": {"key": "c1"}, "status": 1}'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body))
        await writer.drain()
        await asyncio.sleep(0.01)  # so that the body comes by itself
        writer.write(body)
        return True

    async with faulty([act]) as server, client_of(Partnero, server) as client:
        left: list[int] = []
        for _ in range(4):
            await read(client)
            (line,) = client._transport.line.sessions._by_loop.values()
            connector: Any = line[0]._http.connector
            ((kept, _),) = (each for idle in connector._conns.values() for each in idle)
            left.append(len(kept.closed._callbacks or []))
    assert len(set(left)) == 1, left
