"""Every test of the async client's calls, run again with the synchronous one."""

from __future__ import annotations

import pytest

from partnero_sync import Partnero
from tests import test_client
from tests.sync.awaited import AwaitedClient

globals().update(
    {
        name: test
        for name, test in vars(test_client).items()
        if name.startswith("test_") or name == "shop"
    }
)


@pytest.fixture
def client(client: Partnero) -> AwaitedClient:
    """Let the tests await the synchronous client."""
    return AwaitedClient(client)
