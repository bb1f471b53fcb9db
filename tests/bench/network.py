"""C8 and M1 over a bad network: clients and the sandbox, with a relay between them.

The oracle is the sandbox's ledger, and values that are known before.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import asynccontextmanager
from itertools import chain, count, product
from typing import Any, Final

import attrs

from partnero_async import Partnero, PartneroError
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient
from tests.bench.figures import Figure
from tests.bench.history import Told, check
from tests.bench.relay import Relay, Toxics
from tests.test_examples import Calm

RESETS: Final = {"small": 240, "full": 3_000}
ROUNDS: Final = {"small": 1, "full": 5}
"""How often each operation is called through each toxic, with each client."""
AT_ONCE: Final = 8
SIDES: Final[tuple[Any, ...]] = (Partnero, AwaitedClient)
SHORT: Final = 1.2
"""Seconds that a call has where it is held up for ever."""
LONG: Final = 30.0
HEAD: Final = 180
"""Bytes of a head, about."""
PATIENCE: Final = 20.0
"""Seconds past the deadline after which a call hangs."""

# --- what is called -------------------------------------------------------------------

EMAILS: Final = [f"p{number}@example.com" for number in range(5)]
PARTNER: Final[Any] = {"email": EMAILS[0]}


Operation = Callable[[Partnero, str], Awaitable[object]]


def _name(operation: Operation) -> str:
    return getattr(operation, "__name__", repr(operation))


async def read(client: Partnero, _: str) -> object:
    """Read a partner."""
    return (await client.partners.find(email=EMAILS[0])).email


async def walk(client: Partnero, _: str) -> object:
    """Walk a list of some pages."""
    return [partner.email async for partner in client.partners.list(limit=2)]


async def join(client: Partnero, key: str) -> object:
    """Create a customer, whose key is taken once."""
    return (await client.customers.create(key, partner=PARTNER)).key


async def sell(client: Partnero, key: str) -> object:
    """Record a sale, whose key may be taken more than once."""
    sale = await client.transactions.create(key=key, amount=10, customer={"key": "c"})
    return sale.key


OPERATIONS: Final[dict[Operation, Callable[[str], object]]] = {
    read: lambda _: EMAILS[0],
    walk: lambda _: EMAILS[::-1],
    join: lambda key: key,
    sell: lambda key: key,
}
"""Operations, and the right value of each."""
WRITES: Final = (join, sell)

# --- what is done to them -------------------------------------------------------------


@attrs.frozen
class Trouble:
    """What a network does during one call."""

    name: str
    up: Toxics = attrs.field(factory=Toxics)
    down: Toxics = attrs.field(factory=Toxics)
    most_resets: float = math.inf
    lifted: float | None = None
    """Seconds after which it is over."""
    harmless: bool = True
    """Whether the call must succeed."""
    timeout: float = LONG


def troubles() -> list[Trouble]:
    """Return every toxic, each way and both."""
    slow, line = Toxics(latency=0.05, jitter=0.05), Toxics(bandwidth=20_000)
    bytewise, pieces = Toxics(slices=1), Toxics(slices=7)
    bad = Toxics(latency=0.02, jitter=0.02, slices=40, bandwidth=50_000)
    hole, amid = Toxics(stall_after=0), Toxics(stall_after=60)
    ended: dict[str, Any] = {"harmless": False, "timeout": SHORT}
    return [
        Trouble("latency", slow, slow),
        Trouble("bandwidth", line, line),
        Trouble("bytes", bytewise, bytewise),
        Trouble("slices", pieces, pieces),
        Trouble("all", bad, bad),
        Trouble("lifted", down=amid, lifted=0.3),
        Trouble("blackhole-up", hole, **ended),
        Trouble("blackhole-down", down=hole, **ended),
        Trouble("blackhole-amid", down=amid, **ended),
    ]


Case = tuple[Any, Operation, Trouble]
"""A client, a call of it, and what the network does."""


@attrs.define
class Network:
    """A sandbox behind relays, and what callers were told."""

    sandbox: Sandbox
    rng: random.Random
    history: list[Told] = attrs.field(factory=list[Told])
    resets: int = 0
    _keys: Iterator[int] = attrs.field(factory=count)

    async def call(
        self, side: Any, operation: Operation, trouble: Trouble
    ) -> list[str]:
        """Make one call through a relay of its own; return what is wrong."""
        relay = Relay(
            self.sandbox.url,
            self.rng,
            attrs.evolve(trouble.up),
            attrs.evolve(trouble.down),
            trouble.most_resets,
        )
        settings = {"timeout": trouble.timeout, "settle": 0.01}
        async with (
            relay.running(),
            side(self.sandbox.api_key, base_url=relay.url, **settings) as client,
        ):
            client._transport.line.rng = Calm()
            client._transport.program.know(None)
            lifting = asyncio.create_task(_lift(relay, trouble.lifted))
            wrong = await self._called(client, operation, trouble)
            lifting.cancel()
            relay.heal()
            if not await _works(client):
                wrong.append("does not work any more")
        self.resets += relay.resets
        name = f"{_name(operation)} [{side.__name__}] {trouble.name}"
        return [f"{name}: {text}" for text in wrong]

    async def _called(
        self, client: Partnero, operation: Operation, trouble: Trouble
    ) -> list[str]:
        key = f"k{next(self._keys)}"
        right, came, failed = OPERATIONS[operation](key), None, None
        try:
            async with asyncio.timeout(trouble.timeout + PATIENCE):
                came = await operation(client, key)
        except Exception as error:  # noqa: BLE001 - it is looked at, here and there
            failed = error
        if operation in WRITES:
            self.history.append(Told(key, failed, str(came)))
        if failed is None:
            return [] if came == right else [f"{came!r} in place of {right!r}"]
        foreign = trouble.harmless or not isinstance(failed, PartneroError)
        return [repr(failed)] if foreign else []

    def lied(self) -> list[str]:
        """Hold what callers were told against the ledger."""
        effects = Counter(str(effect.key) for effect in self.sandbox.ledger)
        return check(self.history, effects)


async def _lift(relay: Relay, after: float | None) -> None:
    if after is not None:
        await asyncio.sleep(after)
        relay.heal()


async def _works(client: Partnero) -> bool:
    try:
        async with asyncio.timeout(SHORT + PATIENCE):
            await client.account.test()
    except (PartneroError, TimeoutError):
        return False
    return True


@asynccontextmanager
async def network(rng: random.Random) -> AsyncIterator[Network]:
    """Run a sandbox in which there is something to read."""
    async with (
        Sandbox() as sandbox,
        Partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        for email in EMAILS:
            await client.partners.create(email=email)
        await client.customers.create("c", partner=PARTNER)
        yield Network(sandbox, rng)


# --- all of it ------------------------------------------------------------------------


Lengths = Mapping[Operation, Mapping[str, int]]
"""How many bytes each operation sends ("up") and gets ("down")."""


async def _length(net: Network, operation: Operation) -> dict[str, int]:
    """Return how many bytes an operation sends, and how many it gets."""
    relay = Relay(net.sandbox.url, net.rng)
    async with (
        relay.running(),
        Partnero(net.sandbox.api_key, base_url=relay.url) as client,
    ):
        client._transport.program.know(None)
        await operation(client, f"length-{_name(operation)}")
    return {"up": relay.passed_up, "down": relay.passed_down}


def broken(lengths: Lengths, rng: random.Random) -> Case:
    """Draw a client, an operation, and the byte at which its connection breaks."""
    operation, way = rng.choice(list(OPERATIONS)), rng.choice(("up", "down"))
    once = rng.random() < 0.5
    length = lengths[operation][way]
    # An answer that breaks off in its head says nothing of what was done; one that does
    # in its body does. A head is the shorter part.
    after = rng.randint(0, rng.choice((min(HEAD, length), length)))
    trouble = Trouble(
        f"reset {'once' if once else 'for ever'} after {after} bytes {way}",
        most_resets=1 if once else math.inf,
        # A sale whose answer is lost is in doubt, and is not sent again.
        harmless=once and operation is not sell,
        up=Toxics(reset_after=after if way == "up" else None),
        down=Toxics(reset_after=after if way == "down" else None),
    )
    return rng.choice(SIDES), operation, trouble


async def all_of(net: Network, cases: Iterable[Case]) -> list[str]:
    """Make calls, several at once; return what is wrong."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> list[str]:
        async with slots:
            return await net.call(*case)

    found = await asyncio.gather(*map(one, cases))
    await asyncio.sleep(0.2)  # for what arrives late
    return list(chain(*found))


async def measured(rounds: int, resets: int, seed: int) -> tuple[list[str], ...]:
    """Return what is wrong with toxics, with resets, and with what was told."""
    rng = random.Random(seed)
    async with network(rng) as net:
        toxic = await all_of(net, [*product(SIDES, OPERATIONS, troubles())] * rounds)
        lengths = {operation: await _length(net, operation) for operation in OPERATIONS}
        drawn = [broken(lengths, rng) for _ in range(resets)]
        reset_ = await all_of(net, drawn)
        if net.resets < resets // 2:
            reset_.append(f"{net.resets} connections were reset: no test")
        return toxic, reset_, net.lied()


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure C8 and M1 through a relay."""
    size = "full" if full else "small"
    rounds, resets = ROUNDS[size], RESETS[size]
    toxic, broke, lied = asyncio.run(measured(rounds, resets, seed))
    calls = len(SIDES) * len(OPERATIONS) * len(troubles()) * rounds
    return [
        _figure("C8", f"{calls} calls through a relay with toxics", toxic),
        _figure("C8", f"{resets} calls cut off at any byte, each way", broke),
        _figure("M1", "writes through the relay: one effect a key", lied),
    ]


def _figure(name: str, what: str, wrong: list[str]) -> Figure:
    return Figure(name, what, f"{len(wrong)} wrong", "0 wrong", not wrong, wrong)
