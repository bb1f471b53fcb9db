"""Calls over a bad network, and proof that what goes wrong would be seen."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import attrs
import pytest

from partnero_async import Partnero
from partnero_async.retries import Action, decide
from tests.bench import network as bench
from tests.bench.figures import assert_met
from tests.bench.history import Told
from tests.bench.network import Trouble, measured, network
from tests.bench.relay import Toxics


@pytest.mark.timeout(300)
def test_bad_networks(seed: int) -> None:
    """Right values or typed errors, and one effect a key, wherever a call is cut."""
    assert_met(bench.run(full=False, seed=seed))


def test_sale_that_is_sent_again_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A client that takes a lost answer for a request that never came."""

    def rash(*known: Any) -> Action:
        action = decide(*known)
        return Action.RETRY if action is Action.SETTLE else action

    monkeypatch.setattr("partnero_async._call.decide", rash)
    *_, lied = asyncio.run(measured(0, 240, seed))
    assert any("took effect 2 times" in text for text in lied)


async def test_wrong_values_and_foreign_errors_are_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """And what failed where it had to succeed, and what was only said to be."""
    fine = Trouble("nothing")

    async def strange(*_: object) -> object:
        raise TypeError

    async with network(random.Random(seed)) as net:

        async def call(operation: Any, trouble: Trouble = fine) -> str:
            return "".join(await net.call(Partnero, operation, trouble))

        assert await call(bench.read) == ""
        broken = Trouble("reset", down=Toxics(reset_after=0))
        assert "ConnectionFailedError" in await call(bench.read, broken)
        broken = attrs.evolve(broken, harmless=False)
        assert await call(bench.read, broken) == ""
        monkeypatch.setitem(bench.OPERATIONS, bench.walk, lambda _: ["x"])
        assert "in place of" in await call(bench.walk)
        monkeypatch.setitem(bench.OPERATIONS, strange, lambda _: "x")
        assert "TypeError" in await call(strange, broken)
        assert net.lied() == []
        net.history.append(Told("k-of-nobody", returned="k-of-nobody"))
        assert len(net.lied()) == 1
