"""What the tests of imports share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import open_shop


@pytest.fixture
async def other() -> AsyncIterator[Partnero]:
    """Return a client of a second program, which is empty."""
    async with (
        Sandbox() as second,
        Partnero(second.api_key, base_url=second.url) as client,
    ):
        yield client


@pytest.fixture
async def shop(client: Partnero, sandbox: Sandbox) -> Sandbox:
    """Return a program with a partner and three customers."""
    await open_shop(client)
    return sandbox
