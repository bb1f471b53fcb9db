"""What the tests of the synchronous side may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero
from tests.sync.silent import Silent


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run an empty program of its own for one test, in a thread."""
    with Sandbox().in_thread() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Partnero]:
    """Make a client of the test's own program."""
    with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        yield client


@pytest.fixture
def silent() -> Iterator[Silent]:
    """Run a server that does not answer."""
    with Silent() as silent:
        yield silent


@pytest.fixture
def waiting(silent: Silent) -> Iterator[Partnero]:
    """Make a client whose calls wait until they are cancelled."""
    with Partnero("key", base_url=silent.url) as client:
        yield client
