"""What the tests of imports share."""

from __future__ import annotations

import pytest

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import open_shop


@pytest.fixture
async def shop(client: Partnero, sandbox: Sandbox) -> Sandbox:
    """Return a program with a partner and three customers."""
    await open_shop(client)
    return sandbox
