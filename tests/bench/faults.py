"""The faults: what goes wrong, and what that means to whoever has sent a request.

Transport, HTTP and body, as the project's reliability rules list them. Each says what
came of the request in the terms of those rules, from which `expected` derives what a
client may do: nothing of it is read from the client's code.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import attrs

from tests.bench.operations import Well
from tests.bench.server import Act, Exchange, reset, written

Came = Literal[
    "well",  # a good answer after all
    "unsent",  # proven: nothing has left
    "unusable",  # it never can be sent: the certificate
    "cut",  # broken off before it was read: unsent, or lost
    "lost",  # sent, no answer
    "failed",  # an answer, but not the API's word
    "redirected",
    "broken",  # a success whose body cannot be read
    "garbled",  # one or the other: the head came with what cannot be read
    "misfit",  # a success, and JSON that is not what was asked for
    "no-content",  # a success that says to be empty
    "refused",  # the API's no
    "throttled",  # for a moment
    "throttled-long",  # for longer than anybody waits
    "timeout",  # no answer before the deadline
    "unsent-timeout",  # no connection before the deadline
    "truncated-timeout",  # the head of a success, and no body before the deadline
]
"""What came of a request."""

FLOOD: Final = 33 * 1024 * 1024
BLANKS: Final = b" " * (64 * 1024)


@attrs.frozen(kw_only=True)
class Fault:
    """One way in which things go wrong."""

    name: str
    came: Came
    act: Act | None = None
    connect: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
    head_only: bool = False
    before: bytes | None = None
    """What comes unasked on the connection, after a call before it was answered well;
    None where there was no such call."""
    where: str = "server"
    """What stands at the other end: see `matrix`."""
    lists_only: bool = False
    objects_only: bool = False
    """Whether it is about a single record in ``data``."""


# --- how they are played -------------------------------------------------------------


def then_close(*pieces: bytes | Callable[[Exchange], bytes], keep: bool = False) -> Act:
    """Send bytes as they are, or made of the good answer, and close."""

    async def act(exchange: Exchange) -> bool:
        await exchange.send(
            *(p if isinstance(p, bytes) else p(exchange) for p in pieces)
        )
        return keep

    return act


def then_reset(*pieces: bytes | Callable[[Exchange], bytes]) -> Act:
    """Do the same, and break the connection off."""

    async def act(exchange: Exchange) -> bool:
        await then_close(*pieces)(exchange)
        await asyncio.sleep(0.02)  # or what was sent is thrown away with it
        exchange.reset()
        return False

    return act


def then_hang(*pieces: bytes | Callable[[Exchange], bytes]) -> Act:
    """Do the same, and stay without a word."""

    async def act(exchange: Exchange) -> bool:
        await then_close(*pieces)(exchange)
        await asyncio.sleep(60)
        return False

    return act


def body(
    content: bytes | Callable[[Exchange], bytes],
    *,
    status: str = "200 OK",
    kind: str = "application/json",
    more: str = "",
    length: int = 0,
) -> Act:
    """Answer with a body; *length* is added to its true length."""

    def made(exchange: Exchange) -> bytes:
        text = content if isinstance(content, bytes) else content(exchange)
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(text) + length}\r\n{more}\r\n"
        )
        return head.encode() + text

    return then_close(made, keep=length == 0)


def as_json(change: Callable[[dict[str, Any]], object]) -> Callable[[Exchange], bytes]:
    """Answer with the good answer, changed."""

    def made(exchange: Exchange) -> bytes:
        value = json.loads(exchange.body)
        change(value)
        return json.dumps(value).encode()

    return made


async def trickle(exchange: Exchange) -> bool:
    """Send a byte at a time, for ever: each comes in time, and the end never does."""
    head, _, _ = exchange.good.partition(b"\r\n\r\n")
    await exchange.send(head.replace(b"Content-Length: ", b"Content-Length: 9"))
    await exchange.send(b"\r\n\r\n")
    while True:
        await exchange.send(b" ")
        await asyncio.sleep(0.05)


async def slicer(exchange: Exchange) -> bool:
    """Send the good answer in pieces of one byte."""
    for byte in exchange.good[:60]:
        await exchange.send(bytes([byte]))
        await asyncio.sleep(0)
    await exchange.send(exchange.good[60:])
    return True


def half(exchange: Exchange) -> bytes:
    """Return the good answer up to the middle of its body."""
    return exchange.good[: -max(len(exchange.body) // 2, 1)]


def redirect(status: int, location: str | None) -> Act:
    """Point elsewhere."""
    line = f"Location: {location}\r\n" if location else ""
    return then_close(
        f"HTTP/1.1 {status} Elsewhere\r\n{line}Content-Length: 0\r\n\r\n".encode(),
        keep=True,
    )


def chunked(*chunks: bytes) -> Act:
    """Answer in chunks, as they are given; the head comes a moment before them."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )

    async def act(exchange: Exchange) -> bool:
        await exchange.send(head)
        await asyncio.sleep(0.01)
        await exchange.send(*chunks)
        return False

    return act


def headers(count: int, size: int) -> Act:
    """Answer well, under a head that is too large."""

    def made(exchange: Exchange) -> bytes:
        lines = b"".join(b"X-%d: %s\r\n" % (n, b"x" * size) for n in range(count))
        return exchange.good.replace(b"\r\n", b"\r\n" + lines, 1)

    return then_close(made)


def zipped(content: bytes, encoding: str = "gzip") -> Act:
    """Answer with a body that says it is compressed."""
    return body(content, more=f"Content-Encoding: {encoding}\r\n")


async def fin(_: asyncio.StreamWriter) -> None:
    """Accept, and close."""


async def rst(writer: asyncio.StreamWriter) -> None:
    """Accept, and break off."""
    reset(writer)


async def garbage(writer: asyncio.StreamWriter) -> None:
    """Speak no TLS where it is expected."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


async def flood(exchange: Exchange) -> bool:
    """Send the good answer with 32 MB of blanks in it, a piece at a time."""
    length = len(exchange.body) + FLOOD
    await exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length,
        exchange.body[:-1],
        *[BLANKS] * (FLOOD // len(BLANKS)),
        exchange.body[-1:],
    )
    return True


def _data(value: Any) -> Callable[[Exchange], bytes]:
    return as_json(lambda answer: answer.update(data=value))


def _missing(exchange: Exchange) -> bytes:
    return as_json(lambda answer: answer.pop("data", None))(exchange)


def _next(link: str) -> Callable[[Exchange], bytes]:
    return as_json(lambda answer: answer.update(links={"next": link}))


def _cycle(exchange: Exchange) -> bytes:
    host, port = exchange.writer.get_extra_info("sockname")
    return _next(f"http://{host}:{port}/v1/partners?page=1")(exchange)


REFUSAL = {"status": 0, "message": "no"}


def refusal(errors: Any) -> Act:
    """Refuse as the API does."""
    return body(
        json.dumps({**REFUSAL, "errors": errors}).encode(), status="422 Unprocessable"
    )


def throttled(seconds: int) -> Act:
    """Refuse for a time."""
    more = f"Retry-After: {seconds}\r\n"
    return body(b"{}", status="429 Too Many Requests", more=more)


DEEP = b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BOMB = gzip.compress(b'{"data": "' + b"x" * FLOOD + b'"}')

UNASKED = written(Well(200, b'{"data": {"key": "of another call"}, "status": 1}'))

# --- the list ------------------------------------------------------------------------

TRANSPORT: Final = (
    Fault(name="refused", came="unsent", where="nobody"),
    Fault(name="dns", came="unsent", where="no-host"),
    Fault(name="blackhole", came="unsent-timeout", where="blackhole"),
    Fault(name="tls-garbage", came="unsent", connect=garbage, where="no-tls"),
    Fault(name="tls-wrong-host", came="unusable", where="wrong-host"),
    Fault(name="tls-expired", came="unusable", where="expired"),
    Fault(name="accept-fin", came="cut", connect=fin),
    Fault(name="accept-rst", came="cut", connect=rst),
    Fault(name="rst-after-head", came="lost", head_only=True),
    Fault(name="fin-after-request", came="lost", act=then_close()),
    Fault(name="rst-after-request", came="lost", act=then_reset()),
    Fault(name="hang", came="timeout", act=then_hang()),
    Fault(name="half-status-line", came="lost", act=then_close(b"HTTP/1.1 2")),
    Fault(
        name="half-headers",
        came="lost",
        act=then_close(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    ),
    Fault(name="half-body-fin", came="broken", act=then_close(half)),
    Fault(name="half-body-rst", came="broken", act=then_reset(half)),
    Fault(name="half-body-hang", came="truncated-timeout", act=then_hang(half)),
    Fault(name="trickle", came="truncated-timeout", act=trickle),
    Fault(name="slicer", came="well", act=slicer),
    Fault(name="stale-keep-alive", came="lost", act=then_close(), before=b""),
    Fault(name="unasked-answer", came="well", before=UNASKED),
)

HTTP: Final = (
    Fault(name="banner", came="lost", act=then_close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")),
    Fault(name="status-299", came="well", act=body(lambda e: e.body, status="299 Odd")),
    Fault(
        name="status-599", came="failed", act=body(lambda e: e.body, status="599 Odd")
    ),
    Fault(
        name="status-418", came="refused", act=body(b'{"status":0}', status="418 Pot")
    ),
    Fault(name="status-99", came="lost", act=then_close(b"HTTP/1.1 99 Odd\r\n\r\n")),
    Fault(name="408", came="failed", act=body(b"", status="408 Timeout")),
    Fault(name="500-json", came="failed", act=body(b'{"status":0}', status="500 No")),
    Fault(
        name="502-html",
        came="failed",
        act=body(b"<html>", status="502 Bad Gateway", kind="text/html"),
    ),
    Fault(name="503-empty", came="failed", act=body(b"", status="503 Unavailable")),
    Fault(name="429", came="throttled", act=throttled(0)),
    Fault(name="429-for-long", came="throttled-long", act=throttled(500)),
    Fault(
        name="101",
        came="failed",
        act=then_close(
            b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        ),
    ),
    Fault(
        name="103-then-well",
        came="well",
        act=then_close(b"HTTP/1.1 103 Early Hints\r\n\r\n", lambda e: e.good),
    ),
    Fault(
        name="204-with-body",
        came="no-content",
        act=body(lambda e: e.body, status="204 No Content"),
    ),
    Fault(name="201-empty", came="broken", act=body(b"", status="201 Created")),
    Fault(
        name="206",
        came="well",
        act=body(lambda e: e.body, status="206 Partial Content"),
    ),
    Fault(name="301-same", came="redirected", act=redirect(301, "/v1/partners")),
    Fault(name="302-same", came="redirected", act=redirect(302, "/v1/test")),
    Fault(name="307-same", came="redirected", act=redirect(307, "/v1/partners")),
    Fault(
        name="301-foreign",
        came="redirected",
        act=redirect(301, "https://nowhere.invalid/"),
    ),
    Fault(
        name="302-foreign", came="redirected", act=redirect(302, "//nowhere.invalid/v1")
    ),
    Fault(
        name="307-foreign",
        came="redirected",
        act=redirect(307, "https://nowhere.invalid/"),
    ),
    Fault(name="302-nowhere", came="redirected", act=redirect(302, None)),
    Fault(name="308-loop", came="redirected", act=redirect(308, "?")),
    Fault(
        name="length-and-chunks",
        came="lost",
        act=then_close(
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ),
    Fault(name="bad-chunk-size", came="garbled", act=chunked(b"zz\r\n{}\r\n0\r\n\r\n")),
    Fault(name="no-last-chunk", came="garbled", act=chunked(b"2\r\n{}\r\n")),
    Fault(name="length-too-long", came="broken", act=body(lambda e: e.body, length=9)),
    Fault(
        name="length-too-short", came="garbled", act=body(lambda e: e.body, length=-2)
    ),
    Fault(name="header-of-100-kb", came="lost", act=headers(1, 100_000)),
    Fault(name="10000-headers", came="lost", act=headers(10_000, 1)),
    Fault(
        name="nul-in-header",
        came="lost",
        act=then_close(b"HTTP/1.1 200 OK\r\nX-A: \0\r\nContent-Length: 2\r\n\r\n{}"),
    ),
)

BODY: Final = (
    Fault(name="empty", came="broken", act=body(b"")),
    Fault(name="blank", came="broken", act=body(b" \r\n ")),
    Fault(name="html", came="failed", act=body(b"<html>Sign in", kind="text/html")),
    Fault(name="plain-text", came="failed", act=body(b"fine", kind="text/plain")),
    Fault(name="bom", came="broken", act=body(lambda e: b"\xef\xbb\xbf" + e.body)),
    Fault(
        name="utf-16",
        came="broken",
        act=body(lambda e: e.body.decode().encode("utf-16")),
    ),
    Fault(name="bad-utf-8", came="broken", act=body(b'{"data": {"name": "\xff"}}')),
    Fault(name="wrong-type", came="well", act=body(lambda e: e.body, kind="text/html")),
    Fault(name="broken-gzip", came="broken", act=zipped(b"\x1f\x8b\x08 no")),
    Fault(name="bomb", came="broken", act=zipped(BOMB)),
    Fault(
        name="double-gzip",
        came="broken",
        act=zipped(gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
    ),
    Fault(
        name="deflate",
        came="well",
        act=body(lambda e: zlib.compress(e.body), more="Content-Encoding: deflate\r\n"),
    ),
    Fault(name="32-mb", came="broken", act=flood),
    Fault(name="100000-deep", came="broken", act=body(DEEP)),
    Fault(
        name="5000-digits",
        came="broken",
        act=body(b'{"data": {"id": ' + b"9" * 5000 + b"}}"),
    ),
    Fault(name="nan", came="broken", act=body(b'{"data": {"amount": NaN}}')),
    Fault(
        name="1e400", came="well", act=body(lambda e: e.body[:-1] + b', "x": 1e400}')
    ),
    Fault(
        name="duplicate-keys",
        came="well",
        act=body(lambda e: e.body[:-1] + b', "status": 0, "status": 1}'),
    ),
    Fault(name="trailing-data", came="broken", act=body(lambda e: e.body + b" {}")),
    Fault(name="scalar", came="broken", act=body(b"1")),
    Fault(name="array", came="broken", act=body(b"[]")),
    Fault(
        name="lone-surrogate",
        came="broken",
        act=body(b'{"data": {"name": "\\ud800"}}'),
    ),
    Fault(name="data-missing", came="misfit", objects_only=True, act=body(_missing)),
    Fault(name="data-null", came="misfit", objects_only=True, act=body(_data(None))),
    Fault(name="data-wrong", came="misfit", objects_only=True, act=body(_data("x"))),
    Fault(
        name="status-0",
        came="refused",
        act=body(b'{"status": 0, "message": "no"}'),
    ),
    Fault(name="errors-as-list", came="refused", act=refusal(["no"])),
    Fault(name="errors-as-text", came="refused", act=refusal("no")),
    Fault(name="errors-nested", came="refused", act=refusal({"a": {"b": ["no"]}})),
    Fault(name="401", came="refused", act=body(b"{}", status="401 Unauthorized")),
    Fault(name="404-html", came="refused", act=body(b"<p>", status="404 Not Found")),
    Fault(
        name="next-foreign",
        came="misfit",
        lists_only=True,
        act=body(_next("https://nowhere.invalid/v1/partners?page=2")),
    ),
    Fault(
        name="next-relative",
        came="misfit",
        lists_only=True,
        act=body(_next("?page=2")),
    ),
    Fault(name="next-cyclic", came="misfit", lists_only=True, act=body(_cycle)),
    Fault(
        name="next-script",
        came="misfit",
        lists_only=True,
        act=body(_next("javascript:alert(1)")),
    ),
)

FAULTS: Final = (*TRANSPORT, *HTTP, *BODY)
