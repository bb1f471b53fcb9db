"""Both clients before the real sandbox, over a network with something wrong with it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from partnero_async import (
    AmbiguousWriteError,
    ConnectionFailedError,
    DeadlineExceededError,
    NoAnswerError,
    Partnero,
)
from partnero_async.sandbox import Sandbox
from tests.bench.relay import Relay, Toxics
from tests.faulty import Act, faulty, hang, raw


@pytest.fixture
async def relay(sandbox: Sandbox, seed: int) -> AsyncIterator[Relay]:
    """Stand between a client and the sandbox."""
    async with Relay(sandbox.url, random.Random(seed)).running() as relay:
        yield relay


@pytest.fixture
async def distant(
    relay: Relay, sandbox: Sandbox, partnero: type[Partnero]
) -> AsyncIterator[Partnero]:
    """Make a client behind it."""
    async with partnero(sandbox.api_key, base_url=relay.url, settle=0.01) as client:
        await client.partners.create(email="ada@example.com", key="ada")
        await client.customers.create("c1", partner={"key": "ada"})
        yield client


async def sell(client: Partnero, key: str) -> object:
    """Record a sale."""
    return await client.transactions.create(key=key, amount=10, customer={"key": "c1"})


def sold(sandbox: Sandbox) -> list[str | None]:
    """Return the keys of the sales that the sandbox has recorded."""
    return [e.key for e in sandbox.ledger if e.operation == "transactions.create"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(Toxics(latency=0.01), id="latency"),
        pytest.param(Toxics(jitter=0.02), id="jitter"),
        pytest.param(Toxics(slices=3), id="slices"),
        pytest.param(Toxics(slices=40, jitter=0.002), id="slices-that-wait"),
        pytest.param(Toxics(bandwidth=40_000), id="bandwidth"),
    ],
)
async def test_slow_networks_change_nothing(
    distant: Partnero, relay: Relay, sandbox: Sandbox, wrong: Toxics
) -> None:
    """The right values come, later; nothing is sent twice."""
    relay.up = relay.down = wrong
    before = sandbox.requests
    for number in range(3):
        await sell(distant, f"s{number}")
    keys = [sale.key async for sale in distant.transactions.list(limit=2)]
    assert keys == ["s2", "s1", "s0"]
    assert sandbox.requests == before + 5
    assert sold(sandbox) == ["s0", "s1", "s2"]


@pytest.mark.parametrize("after", [0, 1, 17, 60, 150])
async def test_answer_that_breaks_off_doubles_nothing(
    distant: Partnero, relay: Relay, sandbox: Sandbox, after: int
) -> None:
    """Wherever in its head it does, the sale is in doubt, and there once."""
    relay.down = Toxics(reset_after=after)
    with pytest.raises(NoAnswerError) as caught:
        await sell(distant, "s1")
    assert caught.value.maybe_applied
    relay.heal()
    await distant.account.test()
    assert sold(sandbox) == ["s1"]


async def test_request_that_breaks_off_is_never_seen(
    distant: Partnero, relay: Relay, sandbox: Sandbox
) -> None:
    """The server has no part of it, and the client cannot know."""
    relay.up = Toxics(reset_after=50)
    with pytest.raises(NoAnswerError):
        await sell(distant, "s1")
    relay.heal()
    await sell(distant, "s1")
    assert sold(sandbox) == ["s1"]


async def test_network_that_comes_back_is_used(
    distant: Partnero, relay: Relay, sandbox: Sandbox
) -> None:
    """A blackhole ends a call by its deadline, a sale in doubt; later calls work."""
    relay.up = Toxics(stall_after=0)
    hurried = distant.with_options(timeout=0.7)
    with pytest.raises(DeadlineExceededError):
        await hurried.account.test()
    with pytest.raises(AmbiguousWriteError):
        await sell(hurried, "s1")
    relay.heal()
    await distant.account.test()
    assert sold(sandbox).count("s1") <= 1
    await sell(distant, "s2")
    assert sold(sandbox).count("s2") == 1


async def test_server_that_is_gone_is_said(distant: Partnero, relay: Relay) -> None:
    """A relay that reaches nobody breaks each connection off."""
    relay.target = "http://127.0.0.1:9/v1"  # nobody listens there
    await distant.aclose()
    async with Partnero("key-of-a-test", base_url=relay.url) as other:
        with pytest.raises(ConnectionFailedError):
            await other.account.test()


# --- that it does what it says --------------------------------------------------------


async def received(
    toxics: Toxics, act: Act, *, patience: float = 10
) -> tuple[list[bytes], float, Exception | None]:
    """Send a word through a relay; return what came, how late, and what broke it."""
    async with (
        faulty([act]) as server,
        Relay(server.url, random.Random(1), down=toxics).running() as relay,
    ):
        where, came = urlsplit(relay.url), list[bytes]()
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        began, broke = time.monotonic(), None
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        try:
            async with asyncio.timeout(patience):
                while piece := await reader.read(1000):
                    came.append(piece)
        except (OSError, TimeoutError) as error:
            broke = error
        writer.close()
        return came, time.monotonic() - began, broke


async def test_relay_passes_all_on() -> None:
    """What comes is what was sent, to its end."""
    came, _, broke = await received(Toxics(), raw(b"a" * 900))
    assert (b"".join(came), broke) == (b"a" * 900, None)


async def test_slices_are_pieces_of_their_own() -> None:
    """The client does not get them at once."""
    came, _, broke = await received(Toxics(slices=3), raw(b"a" * 30))
    assert (b"".join(came), broke) == (b"a" * 30, None)
    assert len(came) >= 3


@pytest.mark.parametrize(
    "toxics", [Toxics(latency=0.1), Toxics(bandwidth=3_000)], ids=["late", "narrow"]
)
async def test_slow_relay_is_slow(toxics: Toxics) -> None:
    """A time is the least that it takes."""
    came, seconds, _ = await received(toxics, raw(b"a" * 300))
    assert len(b"".join(came)) == 300
    assert seconds >= 0.09


@pytest.mark.parametrize("after", [0, 1, 29, 30])
async def test_relay_breaks_off_after_so_many_bytes(after: int) -> None:
    """And with a reset, not an end."""
    came, _, broke = await received(Toxics(reset_after=after), raw(b"a" * 30))
    assert b"".join(came) == b"a" * after
    assert isinstance(broke, ConnectionResetError)


async def test_blackhole_says_nothing() -> None:
    """What came before it stays, and nothing ends."""
    kept, stalling = raw(b"a" * 30, keep=True), Toxics(stall_after=7)
    came, _, broke = await received(stalling, kept, patience=0.5)
    assert b"".join(came) == b"a" * 7
    assert isinstance(broke, TimeoutError)
    came, _, broke = await received(Toxics(), hang, patience=0.5)
    assert (came, type(broke)) == ([], TimeoutError)
