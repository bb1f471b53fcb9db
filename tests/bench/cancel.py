"""C1: a call is cancelled at every step of its way, and leaves nothing behind.

The coroutine of the call counts how often it is suspended; at the k-th time, or a few
turns of the loop later, its task is cancelled. Then nothing may be held: no connection,
no task, no turn at the gate; and the client must work.
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
from tests.bench.figures import Figure
from tests.bench.operations import Subject, subject
from tests.bench.server import Act, Exchange, Server
from tests.test_examples import Calm

CANCELLATIONS: Final = {"small": 600, "full": 3_000}
TURNS: Final = 4
"""Turns of the loop after a suspension within which the cancellation comes."""
CONNECTIONS: Final = 3


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
    came = await asyncio.wait_for(_outcome(task), 20)
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


async def _held(client: Partnero) -> list[str]:
    """Return what the client still holds, after the loop has had a few turns."""
    for _ in range(50):
        found = await _holding(client)
        if not found:
            return []
        await asyncio.sleep(0.002)
    return found


async def _holding(client: Partnero) -> list[str]:
    line = client._transport.line
    session = await line.sessions.here()
    connector: Any = session._http.connector
    tasks = [task for task in asyncio.all_tasks() if _is_ours(task)]
    return [
        text
        for held, text in (
            (line.gate.in_flight, f"{line.gate.in_flight} turns at the gate"),
            (line.gate.waiting, f"{line.gate.waiting} in line at the gate"),
            (session.slots._value != CONNECTIONS, "slots"),
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
        scenario.about, act=scenario.act, applies=scenario.applies, prelude=True
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
        wrong = await _held(client)
        most = 2 if scenario.about.id == "program.delete" else 1
        if scenario.about.letter in "CDE" and server.effects > most:
            wrong.append(f"took effect {server.effects} times")
        if isinstance(came, BaseException) and not isinstance(came, PartneroError):
            wrong.append(f"raised {came!r}")
        if not await _works(client):
            wrong.append("does not work any more")
    named = [f"{scenario.name} {way.__name__} {k}+{turns}: {text}" for text in wrong]
    return came is asyncio.CancelledError, named


async def _works(client: Partnero) -> bool:
    try:
        async with asyncio.timeout(10):
            await client.account.test()
    except (PartneroError, TimeoutError):
        return False
    return True


async def swept(wanted: int, seed: int) -> tuple[int, list[str]]:
    """Cancel *wanted* calls at every step; return how many, and what is wrong."""
    rng = random.Random(seed)
    done, wrong = 0, list[str]()
    while done < wanted:
        for scenario in scenarios():
            for k in count():
                under_way, found = await cancelled(
                    scenario, rng.choice(WAYS), k, rng.randrange(TURNS)
                )
                wrong += found
                if not under_way:
                    break
                done += 1
    return done, wrong


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure C1."""
    done, wrong = asyncio.run(swept(CANCELLATIONS["full" if full else "small"], seed))
    return [
        Figure(
            "C1",
            f"{done} cancellations at every step: connections, tasks, permits held",
            f"{len(wrong)} held or wrong",
            "0",
            not wrong,
            wrong,
        )
    ]
