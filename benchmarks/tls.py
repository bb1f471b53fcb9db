"""What TLS 1.3 adds, what a kept connection saves, and what uvloop adds to both.

::

    python -m benchmarks.tls [--quick] [--seed N]
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import httpx
import msgspec
import requests
import trustme
import uvloop

from partnero_async import Partnero

from ._figures import Result, Table
from ._harness import Setting, costs_table, main, rounds
from ._peers import HEADERS
from ._server import KEY, canned

Loop = Callable[[], asyncio.AbstractEventLoop]


@contextmanager
def certificates() -> Iterator[tuple[str, str]]:
    """Make a certificate for loopback, and that of its authority."""
    authority = trustme.CA()
    with TemporaryDirectory() as folder:
        own, trusted = Path(folder) / "server.pem", Path(folder) / "ca.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            own
        )
        authority.cert_pem.write_to_path(trusted)
        yield str(own), str(trusted)


def trusting(authority: str) -> ssl.SSLContext:
    """Trust the one authority, and speak TLS 1.3."""
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def awaited(make: Callable[[], Awaitable[object]], loop: Loop) -> Callable[[], object]:
    """Run it on a loop of its own."""

    def run() -> object:
        with asyncio.Runner(loop_factory=loop) as runner:

            async def whole() -> object:
                return await make()

            return runner.run(whole())

    return run


def contestants(
    url: str, calls: int, *, context: ssl.SSLContext | None, authority: str
) -> dict[str, Callable[[], object]]:
    """Return clients that open, make some calls over one connection, and close."""

    async def ours() -> None:
        async with Partnero(KEY, base_url=url, tls=context) as client:
            for _ in range(calls):
                await client.partners.get("p0")

    async def bare() -> None:
        connector = aiohttp.TCPConnector(limit=0, ssl=context or True)
        async with aiohttp.ClientSession(
            headers=HEADERS, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            for _ in range(calls):
                async with session.get(f"{url}/partners/p0") as answer:
                    msgspec.json.decode(await answer.read())

    async def other() -> None:
        async with httpx.AsyncClient(verify=context or True, headers=HEADERS) as client:
            for _ in range(calls):
                (await client.get(f"{url}/partners/p0")).json()

    def threads() -> None:
        with requests.Session() as session:
            session.headers.update(HEADERS)
            for _ in range(calls):
                session.get(f"{url}/partners/p0", timeout=60, verify=authority).json()

    plain: Loop = asyncio.new_event_loop
    return {
        "bare aiohttp": awaited(bare, plain),
        "partnero_async": awaited(ours, plain),
        "bare aiohttp, uvloop": awaited(bare, uvloop.new_event_loop),
        "partnero_async, uvloop": awaited(ours, uvloop.new_event_loop),
        "httpx, async": awaited(other, plain),
        "requests": threads,
    }


async def opened(url: str, context: ssl.SSLContext, calls: int) -> int:
    """Return how many connections a client opens for calls one after the other."""

    async def asked() -> int:
        connector = aiohttp.TCPConnector(ssl=context)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{url}/opened") as answer,
        ):
            count: int = (await answer.json())["opened"]
            return count

    before = await asked()
    async with Partnero(KEY, base_url=url, tls=context) as client:
        for _ in range(calls):
            await client.partners.get("p0")
    return await asked() - before - 1  # the second question had one of its own


def measure(setting: Setting) -> Result:
    """Make calls over TLS and without, over a kept connection and over new ones."""
    result = Result()
    calls = setting.pick(100, 1000)
    count = setting.pick(3, 7)
    with certificates() as (own, authority):
        context = trusting(authority)

        def compare(title: str, url: str, calls: int, *, tls: bool) -> None:
            found = rounds(
                contestants(
                    url, calls, context=context if tls else None, authority=authority
                ),
                setting,
                count=count,
            )
            table = costs_table(title, found, calls=calls, beside="bare aiohttp")
            result.tables.append(table)

        with canned() as url:
            compare(f"Plain HTTP, {calls} calls, a call", url, calls, tls=False)
        with canned(certificate=own) as url:
            compare(f"TLS 1.3, {calls} calls, a call", url, calls, tls=True)
            compare("TLS 1.3, a client for one call", url, 1, tls=True)
            found = asyncio.run(opened(url, context, calls))
    row = (f"{calls} calls, one after the other", str(found))
    result.tables.append(Table("Connections opened", ("what", "connections"), [row]))
    return result


if __name__ == "__main__":
    main(measure)
