"""The other clients, each as its own documentation would have it used for speed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
import httpx
import msgspec
import requests
import urllib3
from partnero.authentication import Authentication
from partnero.partner_api import PartnerAPI

from ._server import KEY

HEADERS = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
AT_ONCE = 50

AsyncGet = Callable[[], Awaitable[object]]
Get = Callable[[], object]

decode = msgspec.json.decode


# --- the floors ----------------------------------------------------------------------


class Wire(asyncio.Protocol):
    """A connection, and nothing else: the floor of the machine."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[bytes] | None = None
        self._came = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what has come; it is whole when its length says so."""
        self._came += data
        head, end, body = self._came.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.rpartition(b"Content-Length: ")[2]):
            self._came = b""
            if self._answered:
                self._answered.set_result(body)

    async def exchange(self, request: bytes) -> bytes:
        """Send a request; return the body of its answer."""
        assert self._transport  # noqa: S101
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        """Close the connection."""
        if self._transport:
            self._transport.close()


class Floor:
    """Some connections, each taken by one call at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._where = parts.hostname or "", parts.port or 80
        line = f"GET {parts.path}/partners/p0 HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        head = "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items())
        self._request = f"{line}{head}\r\n".encode()
        self._free: list[Wire] = []

    async def get(self) -> object:
        """Get the one partner."""
        loop = asyncio.get_running_loop()
        if self._free:
            wire = self._free.pop()
        else:
            _, wire = await loop.create_connection(Wire, *self._where)
        body = await wire.exchange(self._request)
        self._free.append(wire)
        return decode(body)

    def close(self) -> None:
        """Close the connections."""
        for wire in self._free:
            wire.close()


async def bare_session() -> aiohttp.ClientSession:
    """Open aiohttp with what costs time left out: the floor of the stack."""
    return aiohttp.ClientSession(
        headers=HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
    )


def bare(session: aiohttp.ClientSession, url: str) -> AsyncGet:
    """Get the one partner with aiohttp alone, and a fast JSON codec."""

    async def get() -> object:
        async with session.get(f"{url}/partners/p0") as answer:
            return decode(await answer.read())

    return get


# --- what a user would pick instead --------------------------------------------------


def httpx_async(client: httpx.AsyncClient, url: str) -> AsyncGet:
    """Get the one partner with httpx, awaited."""

    async def get() -> object:
        return (await client.get(f"{url}/partners/p0")).json()

    return get


def pools() -> httpx.Limits:
    """Let httpx keep as many connections as calls are under way: its best."""
    return httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)


def httpx_sync(client: httpx.Client, url: str) -> Get:
    """Get the one partner with httpx."""
    return lambda: client.get(f"{url}/partners/p0").json()


def requests_sync(session: requests.Session, url: str) -> Get:
    """Get the one partner with requests."""
    session.headers.update(HEADERS)
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE)
    session.mount("http://", adapter)
    return lambda: session.get(f"{url}/partners/p0", timeout=60).json()


def urllib3_sync(pool: urllib3.PoolManager, url: str) -> Get:
    """Get the one partner with urllib3."""
    return lambda: decode(pool.request("GET", f"{url}/partners/p0").data)


def partnero_api(url: str) -> PartnerAPI:
    """Open the SDK that is on the package index."""
    Authentication.configure(api_key=KEY)
    return PartnerAPI(base_url=f"{url}/")


def partnero_sync(api: PartnerAPI) -> Get:
    """Get the one partner with `partnero` 0.4.0."""
    return lambda: api.get_partner(partner_id="p0")


# --- one after the other --------------------------------------------------------------


async def repeated(get: AsyncGet, calls: int) -> None:
    """Make calls, one after the other."""
    for _ in range(calls):
        await get()


def repeat(get: Get, calls: int) -> None:
    """Make calls, one after the other."""
    for _ in range(calls):
        get()
