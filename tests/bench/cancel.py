"""C1: a call is cancelled at every step of its way, and leaves nothing behind.

The coroutine of the call counts how often it is suspended; at the k-th time, or a few
turns of the loop later, its task is cancelled. Then nothing may be held: no connection,
no task, no turn at the gate; and the client must work. In the same places the client is
closed: then the call ends with an error of the package, and holds nothing either.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Generator
from itertools import count
from typing import Any, Final
from uuid import uuid4

import attrs

from partnero_async import Partnero, PartneroError
from partnero_async._session import Session
from tests.bench.figures import Figure
from tests.bench.operations import Subject, subject
from tests.bench.server import Act, Exchange, Server
from tests.test_examples import Calm

CANCELLATIONS: Final = {"small": 600, "full": 3_000}
CLOSINGS: Final = {"small": 120, "full": 600}
TURNS: Final = 4
"""Turns of the loop after a suspension within which the cancellation comes."""
CONNECTIONS: Final = 3
PATIENCE: Final = 20.0
"""Seconds after which what was stopped goes on."""


class Counted(Coroutine[Any, Any, Any]):
    """A coroutine that says when it is suspended for the k-th time."""

    def __init__(
        self, work: Coroutine[Any, Any, Any], k: int, then: Callable[[], object]
    ) -> None:
        self._work = work
        self._left = k
        self._then = then

    def send(self, value: Any) -> Any:
        """Go on to the next suspension."""
        came = self._work.send(value)
        self._left -= 1
        if self._left == 0:
            self._then()
        return came

    def throw(self, *error: Any) -> Any:
        """Pass it on."""
        return self._work.throw(*error)

    def close(self) -> None:
        """Pass it on."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Be what a coroutine is; a task asks for `send` alone."""
        return self._work.__await__()


# --- what is cancelled ----------------------------------------------------------------


async def slow(exchange: Exchange) -> bool:
    """Answer well, after a while."""
    await asyncio.sleep(0.002)
    await exchange.send(exchange.good)
    return True


async def failing(exchange: Exchange) -> bool:
    """Fail, so that the call waits and repeats."""
    await exchange.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    return True


async def throttled(exchange: Exchange) -> bool:
    """Refuse, so that the call waits at the gate."""
    head = b"HTTP/1.1 429 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
    await exchange.send(head)
    return True


async def lost(_: Exchange) -> bool:
    """Say nothing, so that a write is in doubt."""
    return False


async def halved(exchange: Exchange) -> bool:
    """Send the body in two halves."""
    await exchange.send(exchange.good[:-9])
    await asyncio.sleep(0.002)
    await exchange.send(exchange.good[-9:])
    return True


@attrs.frozen
class Scenario:
    """A call, and the server that makes it long."""

    name: str
    about: Subject
    act: Act
    applies: bool = False
    window: int = 1
    crowd: int = 0
    """Other calls that hold the connections."""

    async def call(self, client: Partnero) -> object:
        """Make the call."""
        return await self.about.call(client, window=self.window)


def scenarios() -> list[Scenario]:
    """Return ways in which a call waits."""
    read, sell = subject("partners.get"), subject("transactions.create")
    listed = subject("partners.list")
    return [
        Scenario("answer", read, slow),
        Scenario("body", read, halved),
        Scenario("repeat", read, failing),
        Scenario("gate", read, throttled),
        Scenario("slot", read, slow, crowd=2 * CONNECTIONS),
        Scenario("sale", sell, slow, applies=True),
        Scenario("sale-in-doubt", sell, lost, applies=True),
        Scenario("sale-lost", sell, lost),
        Scenario("customer-in-doubt", subject("customers.create"), lost, applies=True),
        Scenario("list", listed, slow),
        Scenario("window", listed, slow, window=8),
        Scenario("two-step", subject("program.delete"), slow),
    ]


# --- how it is cancelled --------------------------------------------------------------

Way = Callable[[Coroutine[Any, Any, Any], int, int], Awaitable[object]]


SWALLOWED: Final = AssertionError("the cancellation was swallowed")


async def by_task(work: Coroutine[Any, Any, Any], k: int, turns: int) -> object:
    """Cancel the task."""
    loop = asyncio.get_running_loop()
    asked = False

    def cancel(left: int) -> None:
        nonlocal asked
        if left:
            loop.call_soon(cancel, left - 1)
        else:
            asked = task.cancel()

    task = loop.create_task(Counted(work, k, lambda: cancel(turns)))
    if k == 0:
        cancel(0)
    came = await asyncio.wait_for(_outcome(task), PATIENCE)
    return SWALLOWED if asked and came is not asyncio.CancelledError else came


async def _outcome(task: asyncio.Task[Any]) -> object:
    await asyncio.wait([task])
    if task.cancelled():
        return asyncio.CancelledError
    return task.exception() or task.result()


async def by_timeout(work: Coroutine[Any, Any, Any], k: int, turns: int) -> object:
    """Have the caller's own time run out."""
    try:
        async with asyncio.timeout(0.0005 * (k + turns)) as limit:
            came = await work
    except TimeoutError:
        return asyncio.CancelledError
    except PartneroError as error:
        return error
    return SWALLOWED if limit.expired() else came


class SiblingError(Exception):
    """What the sibling in a task group fails with."""


async def by_group(work: Coroutine[Any, Any, Any], k: int, turns: int) -> object:
    """Have a sibling in a task group fail."""

    async def fail() -> None:
        for _ in range(k + turns):
            await asyncio.sleep(0)
        raise SiblingError

    task: asyncio.Task[Any] | None = None
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            group.create_task(fail())
    except* SiblingError:
        pass
    except* PartneroError:
        pass
    if task is None:
        work.close()
        return asyncio.CancelledError
    return await _outcome(task)


WAYS: Final[tuple[Way, ...]] = (by_task, by_task, by_timeout, by_group)

# --- what is left ---------------------------------------------------------------------


Lent = tuple[Session, Any]
"""What calls are lent: a session, and the connections behind it."""


async def _lent(client: Partnero) -> Lent:
    session = await client._transport.line.sessions.here()
    return session, session._http.connector


async def _held(client: Partnero, lent: Lent) -> list[str]:
    """Return what the client still holds, after the loop has had a few turns."""
    for _ in range(50):
        found = _holding(client, lent)
        if not found:
            return []
        await asyncio.sleep(0.002)
    return found


def _holding(client: Partnero, lent: Lent) -> list[str]:
    gate, (session, connector) = client._transport.line.gate, lent
    tasks = [task for task in asyncio.all_tasks() if _is_ours(task)]
    return [
        text
        for held, text in (
            (gate.in_flight, f"{gate.in_flight} turns at the gate"),
            (gate.waiting, f"{gate.waiting} in line at the gate"),
            (session.slots.free != CONNECTIONS, "slots"),
            (connector._acquired, f"{len(connector._acquired)} connections"),
            (tasks, f"tasks: {tasks}"),
        )
        if held
    ]


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "/partnero_async/" in code.co_filename


async def cancelled(
    scenario: Scenario, way: Way, k: int, turns: int
) -> tuple[bool, list[str]]:
    """Cancel a call there; return whether it was under way, and what is wrong."""
    server = Server(
        scenario.about, act=scenario.act, applies=scenario.applies, before=b""
    )
    async with (
        server.running(),
        Partnero(
            uuid4().hex,
            base_url=server.url,
            max_connections=CONNECTIONS,
            settle=0.002,
        ) as client,
    ):
        client._transport.line.rng = Calm()
        client._transport.program.know(None)
        crowd = [
            asyncio.create_task(subject("partners.get").call(client))
            for _ in range(scenario.crowd)
        ]
        came = await way(scenario.call(client), k, turns)
        if way is not by_task:  # the task is the caller's own, and goes on
            await asyncio.sleep(0)
        await asyncio.gather(*crowd)
        wrong = await _held(client, await _lent(client))
        if scenario.about.letter in "CDE" and server.effects > _most(scenario):
            wrong.append(f"took effect {server.effects} times")
        if isinstance(came, BaseException) and not isinstance(came, PartneroError):
            wrong.append(f"raised {came!r}")
        if not await _works(client):
            wrong.append("does not work any more")
    named = [f"{scenario.name} {way.__name__} {k}+{turns}: {text}" for text in wrong]
    return came is asyncio.CancelledError, named


async def closed(scenario: Scenario, k: int, turns: int) -> tuple[bool, list[str]]:
    """Close the client there; return whether the call went on, and what is wrong."""
    server = Server(scenario.about, act=scenario.act, applies=scenario.applies)
    async with (
        server.running(),
        Partnero(
            uuid4().hex,
            base_url=server.url,
            max_connections=CONNECTIONS,
            settle=0.002,
        ) as client,
    ):
        client._transport.line.rng = Calm()
        client._transport.program.know(None)
        lent = await _lent(client)
        crowd = [
            asyncio.create_task(_outcome_of(subject("partners.get").call(client)))
            for _ in range(scenario.crowd)
        ]
        under_way, came, late = await _closed_at(
            client, scenario.call(client), k, turns
        )
        crowded = await asyncio.gather(*crowd)
        wrong = await _held(client, lent) + late
    for each in (came, *crowded):
        if isinstance(each, BaseException) and not isinstance(each, PartneroError):
            wrong.append(f"raised {each!r}")
    if scenario.about.letter in "CDE" and server.effects > _most(scenario):
        wrong.append(f"took effect {server.effects} times")
    named = [f"{scenario.name} closed {k}+{turns}: {text}" for text in wrong]
    return under_way, named


async def _closed_at(
    client: Partnero, work: Coroutine[Any, Any, Any], k: int, turns: int
) -> tuple[bool, object, list[str]]:
    reached = asyncio.Event()
    task = asyncio.create_task(_outcome_of(Counted(work, k, reached.set)))
    there = asyncio.create_task(reached.wait())
    if k:
        await asyncio.wait([task, there], return_when=asyncio.FIRST_COMPLETED)
    there.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    under_way = not task.done()
    await client.aclose()
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if done:
        return under_way, task.result(), []
    task.cancel()
    return under_way, None, [f"goes on {PATIENCE} s after the client was closed"]


async def _outcome_of(work: Awaitable[object]) -> object:
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - it is looked at
        return error


def _most(scenario: Scenario) -> int:
    return 2 if scenario.about.id == "program.delete" else 1  # it has two steps


async def _works(client: Partnero) -> bool:
    try:
        async with asyncio.timeout(10):
            await client.account.test()
    except (PartneroError, TimeoutError):
        return False
    return True


Stop = Callable[[Scenario, int, int], Awaitable[tuple[bool, list[str]]]]
"""Stops a call somewhere; tells whether it was under way, and what is wrong."""


async def swept(
    wanted: int, seed: int, stop: Stop | None = None
) -> tuple[int, list[str]]:
    """Stop *wanted* calls at every step; return how many, and what is wrong.

    They are cancelled, one way or another, where *stop* is left out.
    """
    rng = random.Random(seed)
    done, wrong = 0, list[str]()
    while done < wanted:
        for scenario in scenarios():
            for k in count():
                turns, way = rng.randrange(TURNS), rng.choice(WAYS)
                under_way, found = await (
                    stop(scenario, k, turns)
                    if stop
                    else cancelled(scenario, way, k, turns)
                )
                wrong += found
                if not under_way:
                    break
                done += 1
    return done, wrong


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure C1."""
    size = "full" if full else "small"
    done, wrong = asyncio.run(swept(CANCELLATIONS[size], seed))
    ended, unended = asyncio.run(swept(CLOSINGS[size], seed, closed))
    return [
        Figure(
            "C1",
            f"{done} cancellations at every step: connections, tasks, permits held",
            f"{len(wrong)} held or wrong",
            "0",
            not wrong,
            wrong,
        ),
        Figure(
            "C1",
            f"{ended} calls whose client is closed, at every step: hang or hold",
            f"{len(unended)} held or wrong",
            "0",
            not unended,
            unended,
        ),
    ]
