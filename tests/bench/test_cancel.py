"""Nothing is held after a cancellation, and proof that it would be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from partnero_async._call import Call
from partnero_async.pacing import Gate
from tests.bench import cancel
from tests.bench.cancel import closed, swept
from tests.bench.figures import assert_met


@pytest.mark.timeout(300)
def test_cancelled_calls_leave_nothing_behind(seed: int) -> None:
    """Wherever they are cancelled, and however."""
    assert_met(cancel.run(full=False, seed=seed))


def _no_leave(gate: Gate, status: int | None, *answer: Any) -> None:
    if status is not None:
        Gate_leave(gate, status, *answer)


Gate_leave: Callable[..., None] = Gate.leave


def test_turn_that_is_not_given_back_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A gate that nobody leaves without an answer."""
    monkeypatch.setattr(Gate, "leave", _no_leave)
    _, wrong = asyncio.run(swept(30, seed))
    assert any("turns at the gate" in text for text in wrong)


def test_call_that_holds_a_turn_when_its_client_closes_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Or that ends with an error of its own."""
    monkeypatch.setattr(Gate, "leave", _no_leave)
    monkeypatch.setattr("partnero_async._call.ClientClosedError", _ForeignError)
    _, wrong = asyncio.run(swept(60, seed, closed))
    assert any("turns at the gate" in text for text in wrong)
    assert any("raised _ForeignError" in text for text in wrong)


class _ForeignError(Exception):
    operation = key = status = request_id = sent = None
    maybe_applied = False

    def mask(self, _: object) -> None:
        """Do as the errors of the package do."""


def test_cancellation_that_is_swallowed_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A call that goes on as if nothing had been said never ends as cancelled."""
    real = Call._attempt

    async def stubborn(call: Call) -> Any:
        try:
            return await real(call)
        except asyncio.CancelledError:
            return await real(call)

    monkeypatch.setattr(Call, "_attempt", stubborn)
    _, wrong = asyncio.run(swept(20, seed))
    assert any("swallowed" in text for text in wrong)
