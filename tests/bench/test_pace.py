"""The gate under a limit, on virtual time and on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from partnero_async import Partnero
from partnero_async.pacing import Gate
from tests.awaited import AwaitedClient
from tests.bench import pace
from tests.bench.figures import assert_met
from tests.bench.pace import used, wasteful
from tests.faulty import answer, faulty
from tests.test_pacing import Outcome, import_rows


@pytest.mark.timeout(240)
def test_a_rate_is_used_and_kept(seed: int) -> None:
    """With headers, with a rate that is told, and with neither."""
    assert_met(pace.run(full=False, seed=seed))


def test_waste_and_slowness_are_caught() -> None:
    """The worst run counts."""
    good, wasted, slow = (
        Outcome(12, 610, 10),
        Outcome(12, 700, 100),
        Outcome(20, 600, 0),
    )
    assert wasteful([good], "x", told=True).met
    assert not wasteful([good, wasted], "x", told=True).met
    assert not wasteful([good, slow], "x", told=True).met
    assert used("T", "x", [(11.9, good)], least=0.95, most=0.02).met
    assert not used("T", "x", [(11.9, good), (11, good)], least=0.95, most=0.02).met
    assert not used("T", "x", [(11.9, wasted)], least=0.95, most=0.02).met


async def test_clients_of_both_kinds_stand_in_one_line() -> None:
    """First come, first served; who gives up takes nobody else's turn."""
    release, good = asyncio.Event(), answer(b'{"data": {}, "status": 1}')

    async def held(writer: asyncio.StreamWriter) -> bool:
        await release.wait()
        return await good(writer)

    async with faulty([held, good]) as server:
        key, rate = uuid4().hex, "1/0.05s"  # one at a time, while its answer is out
        kinds: tuple[Any, ...] = (Partnero, AwaitedClient, Partnero)
        clients = [kind(key, base_url=server.url, rate_limit=rate) for kind in kinds]
        (gate,) = {client._transport.line.gate for client in clients}
        calls = [asyncio.ensure_future(clients[0].account.test())]
        await _until(lambda: len(server.ledger) == 1)
        for number in range(9):
            call = clients[number % 3].partners.get(f"p{number}")
            calls.append(asyncio.ensure_future(call))
            await _until(lambda: gate.waiting == len(calls) - 1)
        calls[4].cancel()
        await _until(lambda: gate.waiting == 8)
        release.set()
        await asyncio.gather(*calls, return_exceptions=True)
        for client in clients:
            await client.aclose()
    seen = [line.rpartition("/p")[2] for line in server.lines[1:]]
    assert seen == [str(number) for number in range(9) if number != 3]


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


def test_gate_that_rushes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that forgets what remains, and a hold that holds nobody."""
    monkeypatch.setattr(Gate, "_wait", lambda *_: 0.0)
    outcome = import_rows(pace._window(told=True), 600, 64, 1)
    assert not wasteful([outcome], "x", told=True).met
