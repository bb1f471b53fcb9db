"""Hostile ids and bodies, and proof that a mistake would be seen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from partnero_async import Partnero, _wire
from partnero_async._session import Flight, flying
from tests.bench import hostile
from tests.bench.faults import FLOOD
from tests.bench.figures import assert_met
from tests.bench.hostile import ids_times_routes, on_the_wire
from tests.faulty import answer, faulty


def test_hostile_input(seed: int) -> None:
    """No id leads to another resource, and no body fills the memory."""
    assert_met(hostile.run(full=False, seed=seed))


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(lambda _, value: value, id="as-it-is"),
        pytest.param(lambda _, value: value.replace("/", "%2F"), id="dots"),
    ],
)
def test_id_that_is_taken_for_a_path_is_caught(
    monkeypatch: pytest.MonkeyPatch, part: object, seed: int
) -> None:
    """Neither encoding nor refusing."""
    monkeypatch.setattr(_wire, "path_part", part)
    assert ids_times_routes(100, seed)
    assert asyncio.run(on_the_wire(60, seed))


def test_body_without_a_cap_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in another process is what this one would read."""
    program = hostile.READER.replace(
        "import asyncio,",
        f"from partnero_async import _session\n_session.LARGEST = {FLOOD * 2}\n"
        "import asyncio,",
    )
    monkeypatch.setattr(hostile, "READER", program)
    most, wrong = asyncio.run(hostile.bombs())
    assert most > hostile.MOST_MEMORY
    assert wrong


async def test_session_has_no_key_of_its_own() -> None:
    """What is sent past the one place that attaches the key goes without it."""
    good = answer(b'{"data": {}, "status": 1}')
    async with (
        faulty([good]) as server,
        Partnero("key-of-a-test", base_url=server.url) as client,
    ):
        await client.account.test()
        session = await client._transport.line.sessions.here()
        flying.set(Flight(0.0))
        async with session._http.get(f"{server.url}/elsewhere"):
            pass
    with_key, without = server.ledger
    assert b"Authorization: Bearer key-of-a-test\r\n" in with_key
    assert b"key-of-a-test" not in without


def test_redirect_that_is_followed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a client that lets its library decide, to another server and to the same."""
    real = aiohttp.ClientSession._request

    async def following(session: Any, *args: Any, **kwargs: Any) -> Any:
        return await real(session, *args, **{**kwargs, "allow_redirects": True})

    monkeypatch.setattr(aiohttp.ClientSession, "_request", following)
    wrong = asyncio.run(hostile.redirected())
    assert any("the other server was asked" in text for text in wrong)
    assert any("/lured" in text for text in wrong)


def test_header_that_breaks_a_call_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """By a client that takes any text for a number, and by one that waits for ever."""
    monkeypatch.setattr(
        "partnero_async._call.retry_after",
        lambda headers, _: float(headers.get("Retry-After", "0")),
    )
    wrong = asyncio.run(hostile.told_nonsense(0, seed))
    assert any("ValueError" in text for text in wrong)


async def test_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, partnero: type[Partnero], tmp_path: Path
) -> None:
    """Nor its passwords: whoever can set a variable does not get the key."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password lovelace\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    good = answer(b'{"data": {}, "status": 1}')
    async with faulty([good]) as proxy, faulty([good]) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with partnero("key-of-a-test", base_url=server.url) as client:
            await client.account.test()
    assert proxy.ledger == []
    assert b"Authorization: Bearer key-of-a-test\r\n" in server.ledger[0]
