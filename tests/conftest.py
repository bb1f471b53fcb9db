"""What every test may ask for."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import pytest

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient
from tests.scripted import Play, run_script


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a failed random test be run again as it was."""
    parser.addoption(
        "--seed", type=int, default=None, help="seed of the tests that draw at random"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw a seed where none was given."""
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(2**32)


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed, so that a failure can be repeated."""
    return f"seed: {config.option.seed} (repeat with --seed)"


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of this run."""
    return int(request.config.option.seed)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Run an empty program of its own for one test."""
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(params=["async", "sync"])
def partnero(request: pytest.FixtureRequest) -> type[Partnero]:
    """Return the class of clients to test: the asynchronous, and then the other one.

    So each test that makes its client with this, or asks for `client` or `play`, runs
    twice. The synchronous client is called in threads, and the test awaits them.
    """
    return Partnero if request.param == "async" else cast("Any", AwaitedClient)


@pytest.fixture
def play(partnero: type[Partnero]) -> Play:
    """Play a script to a client on virtual time: one of each kind, in turn."""
    return partial(run_script, partnero)


@pytest.fixture
def asking(play: Play) -> Play:
    """Play to a client that asks for the type of its program when it matters."""
    return partial(play, asks=True)


@pytest.fixture
async def client(partnero: type[Partnero], sandbox: Sandbox) -> AsyncIterator[Partnero]:
    """Make a client of the test's own program: one of each kind, in turn."""
    async with partnero(sandbox.api_key, base_url=sandbox.url) as client:
        yield client
