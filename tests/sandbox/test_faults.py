import asyncio
from typing import Any

import aiohttp
import pytest

SALE = {"key": "t", "amount": 1, "customer": {"key": "c1"}}


@pytest.mark.parametrize(
    ("when", "effects"),
    [pytest.param("before", 2, id="before"), pytest.param("after", 3, id="after")],
)
@pytest.mark.parametrize("how", [503, 429, "disconnect"])
async def test_next_call_fails(
    api: Any, sandbox: Any, when: Any, how: Any, effects: int
) -> None:
    """A status or a dropped connection, with or without the effect, and only once."""
    sandbox.fail_next("transactions.create", when=when, how=how)
    if how == "disconnect":
        with pytest.raises(aiohttp.ClientConnectionError):
            await api("POST", "/transactions", SALE)
    else:
        status, body = await api("POST", "/transactions", SALE)
        assert (status, body["status"]) == (how, 0)
    assert len(sandbox.ledger) == effects
    assert (await api("POST", "/transactions", SALE))[0] == 200


async def test_only_the_named_operation_fails(api: Any, sandbox: Any) -> None:
    """A batch shares the URL of a single sale and fails on its own; times count."""
    sandbox.fail_next("transactions.create_batch", times=2)
    batch = {"customer": {"key": "c1"}, "transactions": [{"amount": 1}]}
    assert (await api("POST", "/transactions", SALE))[0] == 200
    statuses = [(await api("POST", "/transactions", batch))[0] for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_unknown_operation_is_an_error(sandbox: Any) -> None:
    """A misspelt operation would fail nothing."""
    with pytest.raises(ValueError, match=r"partners\.destroy"):
        sandbox.fail_next("partners.destroy")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param({"when": "befor"}, "when='befor'", id="when"),
        pytest.param({"how": "nope"}, "how='nope'", id="how"),
        pytest.param({"how": 42}, "how=42", id="no status"),
    ],
)
def test_unknown_fault_is_an_error(sandbox: Any, fault: Any, reason: str) -> None:
    """A misspelt one would be another, and a test would test something else."""
    with pytest.raises(ValueError, match=reason):
        sandbox.fail_next("partners.create", **fault)


async def leave(sandbox: Any, api: Any, eventually: Any) -> None:
    """Send the creation of a partner and go away before the answer."""
    call = asyncio.create_task(api("POST", "/partners", {"email": "a@example.com"}))
    await eventually(lambda: sandbox.requests == 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.mark.parametrize("where", ["latency", "answer_latency"])
async def test_effect_takes_place_though_the_client_is_gone(
    serve: Any, eventually: Any, where: str
) -> None:
    """Latency lies before or after the effect, and nobody has to wait for it."""
    sandbox, api = await serve(**{where: 0.2})
    await leave(sandbox, api, eventually)
    await eventually(lambda: bool(sandbox.ledger))
    assert sandbox.ledger[0].operation == "partners.create"


async def test_disconnect_of_a_client_that_is_gone(serve: Any, eventually: Any) -> None:
    """There is no connection left to drop."""
    sandbox, api = await serve(answer_latency=0.2)
    sandbox.fail_next("partners.create", when="after", how="disconnect")
    await leave(sandbox, api, eventually)
    await eventually(lambda: bool(sandbox.ledger))
    await sandbox.close()
