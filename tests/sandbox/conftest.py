"""A sandbox with a clock that stands still, and a caller that speaks plain HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest

from partnero_async.sandbox import Sandbox

Api = Callable[..., Awaitable[tuple[int, Any]]]
Serve = Callable[..., Awaitable[tuple[Sandbox, Api]]]

# 2026-03-04T09:15:30Z
NOW = 1772615730.0


class Clock:
    """Unix seconds that change only when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stand still at 2026-03-04T09:15:30Z."""
    return Clock()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait up to five seconds for something that no event announces."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the server has no hook for tests
                await asyncio.sleep(0.001)

    return wait


@pytest.fixture
async def serve(clock: Clock) -> AsyncIterator[Serve]:
    """Start sandboxes with any settings; close them after the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> tuple[Sandbox, Api]:
            sandbox = Sandbox(**{"clock": clock, **settings})
            await stack.enter_async_context(sandbox)
            headers = {"Authorization": f"Bearer {sandbox.api_key}"}
            session = aiohttp.ClientSession(headers=headers)
            await stack.enter_async_context(session)

            async def call(
                method: str,
                path: str,
                body: Any = None,
                *,
                key: str | None = None,
                **options: Any,
            ) -> tuple[int, Any]:
                if key is not None:
                    options["headers"] = {"Authorization": f"Bearer {key}"}
                if body is not None:
                    options["data"] = msgspec.json.encode(body)
                async with session.request(
                    method, sandbox.url + path, **options
                ) as answer:
                    raw = await answer.read()
                    kind = answer.headers.get("Content-Type")
                    assert kind == ("application/json" if raw else None)
                    decoder = msgspec.json.Decoder(float_hook=Decimal)
                    return answer.status, decoder.decode(raw) if raw else None

            return sandbox, call

        yield start


@pytest.fixture
async def running(serve: Serve) -> tuple[Sandbox, Api]:
    """Start a sandbox with partner pt1 (key mk) and customer c1, and nothing else."""
    sandbox, api = await serve()
    partner = {"email": "Marisol@example.org", "id": "pt1", "key": "mk"}
    assert (await api("POST", "/partners", {**partner, "tags": ["blog"]}))[0] == 201
    customer = {"key": "c1", "email": "tomasz@example.com", "partner": {"key": "mk"}}
    assert (await api("POST", "/customers", customer))[0] == 200
    return sandbox, api


@pytest.fixture
def sandbox(running: tuple[Sandbox, Api]) -> Sandbox:
    """Give the running sandbox."""
    return running[0]


@pytest.fixture
def api(running: tuple[Sandbox, Api]) -> Api:
    """Give the caller of the running sandbox: (status, decoded body)."""
    return running[1]
