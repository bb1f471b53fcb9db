"""Hostile input: ids that would be paths, bodies that would fill the memory.

Section 6 of the reliability rules has no row of its own in their table; these are the
figures of the issue that built this bench.
"""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from contextlib import suppress
from itertools import product
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from partnero_async import Partnero, PartneroError, UsageError
from partnero_async._wire import request
from tests.awaited import AwaitedClient
from tests.bench.faults import BOMB, FLOOD
from tests.bench.figures import Figure
from tests.faulty import answer, faulty
from tests.reference import OPERATIONS
from tests.test_examples import Calm

IDS: Final = {"small": 500, "full": 5_000}
SENT: Final = {"small": 60, "full": 600}
MOST_MEMORY: Final = 64
"""MiB that reading a bomb may take: four times what is read of an answer at most."""

ROUTES: Final = tuple(
    f"{operation.method} {operation.route}"
    for operation in OPERATIONS
    if "{" in operation.route
)
NASTY: Final = (
    *("", ".", "..", " ", " .. ", "...", "%2e%2e", "a/../b", "/", "//", "a/b", "\\"),
    *(
        "?",
        "#",
        "a?b=c",
        "a#b",
        "%",
        "%2F",
        "%00",
        "\0",
        "\n",
        "\r\n",
        "\x7f",
        "\ud800",
    ),
    *(
        "é",
        "日本",
        "a b",
        "a+b",
        ":",
        "x:search",
        "{id}",
        "{",
        "@",
        "ada@example.com",
        ";",
    ),
    *(
        "\u2028",
        "\u202e",
        "\u3002",
        "\uff0e\uff0e",
        "\t",
        "&",
        "=",
        "*",
        "~",
        "'",
        '"',
        "<script>",
    ),
)
ids: Final = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.text(".%/\\ "))


def wrong_path(route: str, value: str) -> str | None:
    """Say what is wrong with the path that an id makes; None where nothing is."""
    names = re.findall(r"\{(\w+)\}", route)
    try:
        target = request(route, parts=dict.fromkeys(names, value)).target
    except UsageError:
        return None
    template = route.partition(" ")[2].split("/")
    parts = target.split("/")
    if len(parts) != len(template):
        return f"{route}: {value!r} makes {target}"
    for part, wanted in zip(parts, template, strict=True):
        literal = "{" not in wanted
        if part != wanted if literal else unquote(part) != value:
            return f"{route}: {value!r} makes {target}"
    plain = re.fullmatch(r"[\x21-\x7e]+", target) and not re.search(r"[?#\\ ]", target)
    dots = {".", ".."} & set(parts)
    return None if plain and not dots else f"{route}: {value!r} makes {target}"


def ids_times_routes(count: int, seed: int) -> list[str]:
    """Draw ids, and make the path of each route with each of them."""
    wrong: list[str] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(ids)
    def draw(value: str) -> None:
        wrong.extend(text for route in ROUTES if (text := wrong_path(route, value)))

    draw()
    return wrong


async def on_the_wire(count: int, seed: int) -> list[str]:
    """Send ids with both clients; a server says which paths came."""
    rng, wrong = random.Random(seed), list[str]()
    kinds: tuple[Any, ...] = (Partnero, AwaitedClient)
    async with faulty([answer(b'{"data": {}, "status": 1}')]) as server:
        for kind in kinds:
            async with kind(uuid4().hex, base_url=server.url) as client:
                client._transport.program.know(None)
                for _ in range(count // 2):
                    value = "".join(rng.choices(NASTY, k=rng.randrange(1, 3)))
                    refused = await _refused(client, value)
                    came = [unquote(line) for line in server.lines]
                    if came != ([] if refused else [f"DELETE /partners/{value}"]):
                        wrong.append(f"{value!r}: {came}")
                    server.ledger.clear()
    return wrong


async def _refused(client: Partnero, value: str) -> bool:
    try:
        await client.partners.delete(value)
    except UsageError:
        return True
    except PartneroError:
        return False
    return False


READER = """
import asyncio, sys
from pathlib import Path
from partnero_async import Partnero, PartneroError

def peak():
    # getrusage counts what the process was before it became this program.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

async def main(url):
    async with Partnero("key-of-a-test", base_url=url, timeout=60) as client:
        try:
            await client.request("POST", "/warm", json={})
        except PartneroError:
            pass
        before = peak()
        try:
            await client.request("POST", "/bomb", json={})
            print("read")
        except PartneroError as error:
            print(type(error).__name__)
        print(peak() - before)

asyncio.run(main(sys.argv[1]))
"""


async def memory(body: bytes, head: bytes) -> tuple[str, float]:
    """Read a body in a process of its own; return what came of it, and its memory."""
    warm = answer(b'{"data": {}, "status": 1}')
    async with faulty([warm, answer(body, head=head)]) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            READER,
            server.url,
            stdout=subprocess.PIPE,
        )
        said, _ = await process.communicate()
    came, peak = said.decode().split()
    return came, float(peak)


async def bombs() -> tuple[float, list[str]]:
    """Read what would fill the memory; return the most that it took."""
    most, wrong = 0.0, list[str]()
    for name, body, head in (
        ("gzip bomb", BOMB, b"Content-Encoding: gzip\r\n"),
        ("32 MB", b'{"data": "' + b"x" * FLOOD + b'"}', b""),
    ):
        came, peak = await memory(body, head)
        most = max(most, peak)
        if came != "AppliedUnreadableError":
            wrong.append(f"{name}: {came}")
    return most, wrong


MOVED: Final = ("301", "302", "303", "307", "308")


async def redirected() -> list[str]:
    """Redirect reads and sales, here and elsewhere; say who was asked that should not.

    An address elsewhere must see nothing, and one on the same server neither.
    """
    wrong: list[str] = []
    kinds: tuple[Any, ...] = (Partnero, AwaitedClient)
    good = answer(b'{"data": {}, "status": 1}')
    async with faulty([good]) as other:
        for kind, status, near in product(kinds, MOVED, (True, False)):
            wrong.extend(await _redirected(kind, status, None if near else other.url))
            if other.ledger:
                wrong.append(f"{status}: the other server was asked {other.lines}")
                other.ledger.clear()
    return wrong


async def _redirected(kind: Any, status: str, elsewhere: str | None) -> list[str]:
    where = (elsewhere or "/v1") + "/lured"
    act = answer(b"", status=f"{status} Moved", head=f"Location: {where}\r\n".encode())
    async with (
        faulty([act]) as server,
        kind(uuid4().hex, base_url=server.url, settle=0.01) as client,
    ):
        client._transport.program.know(None)
        client._transport.line.rng = Calm()
        for call in (
            client.partners.get("p1"),
            client.transactions.create(amount=1, customer={"key": "c1"}),
        ):
            with suppress(PartneroError):
                await call
        return [f"{status}: {line}" for line in server.lines if "lured" in line]


HEADERS: Final = (
    *(b"Retry-After", b"X-RateLimit-Limit", b"X-RateLimit-Remaining"),
    *(b"X-RateLimit-Reset", b"Date", b"X-Request-Id", b"Content-Type"),
)
VALUES: Final = (
    *(b"", b"inf", b"-inf", b"nan", b"-5", b"0", b"1e400", b"9" * 5_000, b"3600"),
    *(b"Fri, 31 Dec 9999 23:59:59 GMT", b"Mon, 01 Jan 0001 00:00:00 +2359"),
    *(b"Wed, 99 Mar 2026 99:99:99 GMT", "\u0663".encode(), b"\xff\xfe", b"\x1b[2J"),
)
TOLD: Final = {"small": 80, "full": 1_000}
"""Calls that are answered with hostile values of headers."""
SHORT: Final = 0.7
PATIENCE: Final = 10.0
"""Seconds past its deadline after which a call waits for what a header says: how late a
call may be is measured in `deadlines`, with care for a machine that is shared."""


async def told_nonsense(count: int, seed: int) -> list[str]:
    """Answer calls with hostile values of headers; return what did not end well.

    Each value of each header once, alone and with a 429, and `count` calls with pairs.
    They have to end with an error of the package, or a value, and by their deadline.
    """
    rng, slots = random.Random(seed), asyncio.Semaphore(16)
    kinds: tuple[Any, ...] = (Partnero, AwaitedClient)
    drawn = [
        (rng.choice(kinds), "429 No", {name: value})
        for name in HEADERS
        for value in VALUES
    ]
    drawn += [
        (
            rng.choice(kinds),
            rng.choice(("200 OK", "429 No", "503 No")),
            {name: rng.choice(VALUES) for name in rng.choices(HEADERS, k=2)},
        )
        for _ in range(count)
    ]

    async def one(kind: Any, status: str, headers: dict[bytes, bytes]) -> str | None:
        async with slots:
            wrong = await _told_nonsense(kind, status, headers)
        return wrong and f"{status} {headers}: {wrong}"

    return [wrong for wrong in await asyncio.gather(*(one(*d) for d in drawn)) if wrong]


async def _told_nonsense(
    kind: Any, status: str, headers: dict[bytes, bytes]
) -> str | None:
    head = b"".join(b"%s: %s\r\n" % pair for pair in headers.items())
    act = answer(b'{"data": {}, "status": 1}', status=status, head=head)
    async with (
        faulty([act]) as server,
        kind(uuid4().hex, base_url=server.url, timeout=SHORT) as client,
    ):
        try:
            async with asyncio.timeout(SHORT + PATIENCE):
                await client.account.test()
        except PartneroError as error:
            return "unprintable" if UNPRINTABLE.search(str(error)) else None
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            return repr(error)
    return None


UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure what hostile input comes to."""
    size = "full" if full else "small"
    paths = ids_times_routes(IDS[size], seed)
    sent = asyncio.run(on_the_wire(SENT[size], seed))
    most, unread = asyncio.run(bombs())
    lured = asyncio.run(redirected())
    misled = asyncio.run(told_nonsense(TOLD[size], seed))
    return [
        Figure(
            "ids",
            f"{IDS[size]} ids x {len(ROUTES)} routes: a path of another resource",
            f"{len(paths) + len(sent)}",
            "0",
            not paths and not sent,
            [*paths, *sent],
        ),
        Figure(
            "head",
            f"{TOLD[size]} answers with hostile headers: crashes, waits past the end",
            f"{len(misled)}",
            "0",
            not misled,
            misled,
        ),
        Figure(
            "away",
            "redirects of five kinds, here and elsewhere: followed",
            f"{len(lured)}",
            "0",
            not lured,
            lured,
        ),
        Figure(
            "bomb",
            "peak memory of reading a gzip bomb or 32 MB",
            f"{most:.0f} MiB",
            f"at most {MOST_MEMORY} MiB",
            most <= MOST_MEMORY and not unread,
            unread,
        ),
    ]
