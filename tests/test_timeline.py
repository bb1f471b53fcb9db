"""What was sent when during a call, and who is told of it."""

from __future__ import annotations

import asyncio
import logging
import re
import shlex
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from partnero_async import (
    AmbiguousWriteError,
    Partnero,
    PartneroError,
    RateLimitError,
    ServerError,
    UsageError,
)
from partnero_async.errors import Attempt
from partnero_async.sandbox import Sandbox
from tests.faulty import answer, drop, faulty, hang
from tests.scripted import (
    HANG,
    LOST,
    NOT_SENT,
    Play,
    Reply,
    Step,
    async_only,
    page,
    run_script,
    virtual_client,
)

SALE = {"key": "s1", "amount": 10, "customer": {"key": "c1"}}
PARTNER = {"id": "p1", "email": "ada@example.com"}


async def sell(client: Partnero) -> object:
    return await client.transactions.create(key="s1", amount=10, customer={"key": "c1"})


async def read(client: Partnero) -> object:
    return await client.partners.get("p1")


def failing(use: Callable[[Partnero], Awaitable[object]]) -> Any:
    async def run(client: Partnero) -> PartneroError:
        with pytest.raises(PartneroError) as caught:
            await use(client)
        return caught.value

    return run


# --- attempts ------------------------------------------------------------------------


def test_attempts_tell_the_whole_story(play: Play) -> None:
    """What was sent, what came back, what was decided, and what was waited for."""
    caught, script = play([NOT_SENT, LOST, page()], failing(sell), settle=1.0)
    story = [(a.operation, a.came_back, a.then) for a in caught.attempts]
    broke = "the connection broke before an answer"
    assert story == [
        ("POST /transactions", broke, "retry"),
        ("POST /transactions", broke, "settle"),
        ("GET /transactions", "200", "return"),
        ("GET /transactions", "200", "return"),
    ]
    waits = [(round(a.waited, 3), a.waited_for) for a in caught.attempts[2:]]
    assert waits == [(1.0, "a write under way"), (2.0, "a write under way")]
    assert [a.at for a in caught.attempts] == [seen.at for seen in script.seen]


def test_attempts_name_the_rate_limit(play: Play) -> None:
    """A wait at the gate is told apart from the attempt that it was for."""
    refused = Reply(429, {}, {"Retry-After": "5"})
    caught, _ = play([refused, Reply(403, {})], failing(read))
    second = caught.attempts[1]
    assert second.waited_for == "the rate limit"
    assert second.waited == pytest.approx(5.0)
    assert second.took == 0


def test_attempts_name_a_free_connection(play: Play) -> None:
    """So is a wait for one of the client's connections."""

    async def both(client: Partnero) -> PartneroError:
        first = asyncio.create_task(read(client))
        await asyncio.sleep(1)
        caught: PartneroError = await failing(read)(client)
        await first
        return caught

    slow = Reply(200, {"data": PARTNER, "status": 1}, after=3.0)
    caught, _ = play([slow, Reply(403, {})], both, max_connections=1)
    (only,) = caught.attempts
    assert only.waited_for == "a free connection"
    assert only.waited == pytest.approx(2.0)
    assert only.at == pytest.approx(2.0)


def test_long_waits_raise_with_the_time_to_return(play: Play) -> None:
    """Neither a 429 nor a 503 is waited for when it asks for more than two minutes."""
    for status, kind in ((429, RateLimitError), (503, ServerError)):
        later = Reply(status, {}, {"Retry-After": "300"})
        caught, script = play([later], failing(read), timeout=1000)
        assert isinstance(caught, kind)
        assert (script.ended, len(script.seen)) == (0.0, 1)
        assert caught.retry_at is not None


def test_wait_beyond_the_deadline_says_when_to_return(play: Play) -> None:
    """Nor is one that this call has no time for."""
    caught, script = play(
        [Reply(503, {}, {"Retry-After": "30"})], failing(read), timeout=10
    )
    assert isinstance(caught, ServerError)
    assert (script.ended, caught.retry_at is not None) == (0.0, True)


# --- curl ----------------------------------------------------------------------------


async def test_curl_repeats_the_request(partnero: type[Partnero]) -> None:
    """The command sends the very same request, with a key of its user's."""
    refused = answer(b'{"message": "no"}', status="403 Forbidden")
    async with (
        faulty([refused]) as server,
        partnero("canary-key-1234", base_url=server.url) as client,
    ):
        with pytest.raises(PartneroError) as caught:
            await client.partners.update("p'1 é", name="O'Hara")
        command = caught.value.curl()
        assert command is not None
        assert "canary" not in command
        shell = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            command.replace("curl ", "printf '%s\\n' ", 1),
            env={"PARTNERO_API_KEY": "mine"},
            stdout=asyncio.subprocess.PIPE,
        )
        words = (await shell.communicate())[0].decode().splitlines()
    head, _, body = server.ledger[0].partition(b"\r\n\r\n")
    assert words[:3] == ["-X", "PUT", f"{server.url}/partners/p%271%20%C3%A9"]
    assert words[2].endswith(head.split()[1].decode().removeprefix("/v1"))
    assert words[3:5] == ["-H", "Authorization: Bearer mine"]
    assert words[-2:] == ["--data-raw", body.decode()]


def test_curl_of_a_write_in_doubt_looks_it_up(play: Play) -> None:
    """A command that is pasted without a thought does not pay twice."""
    caught, _ = play([LOST, page()], failing(sell))
    command = shlex.split(caught.curl() or "")
    assert command[:3] == ["curl", "-X", "GET"]
    assert re.fullmatch(r"https://api\.test/v1/transactions\?.*key=s1.*", command[3])


def test_curl_of_what_was_not_sent_is_none(play: Play) -> None:
    """There is nothing to repeat, and nothing in the error's repr of what was sent."""
    assert UsageError("no").curl() is None
    caught, _ = play([Reply(403, {})], failing(sell))
    assert repr(caught.sent) == "Sent(method='POST')"


# --- hooks ---------------------------------------------------------------------------


@attrs.define
class Told:
    """What the hooks of a client were told."""

    attempts: list[Attempt] = attrs.field(factory=list[Attempt])
    ambiguous: list[AmbiguousWriteError] = attrs.field(
        factory=list[AmbiguousWriteError]
    )

    @property
    def hooks(self) -> dict[str, Any]:
        """Return the settings that make a client tell this."""
        return {
            "on_attempt": self.attempts.append,
            "on_ambiguous": self.ambiguous.append,
        }


async def test_hooks_are_told_of_attempts_and_doubts(partnero: type[Partnero]) -> None:
    """Each attempt, whatever came of it; each write in doubt, before it is raised."""
    told = Told()
    steps = [answer(b'{"data": {}, "status": 1}'), drop, answer(b'{"data": []}')]
    async with (
        faulty(steps) as server,
        partnero(
            "key-of-a-test", base_url=server.url, settle=0.01, **told.hooks
        ) as client,
    ):
        await client.account.test()
        with pytest.raises(AmbiguousWriteError) as caught:
            await sell(client)
    assert [(a.operation, a.came_back) for a in told.attempts] == [
        ("GET /test", "200"),
        ("POST /transactions", "the connection broke before an answer"),
        ("GET /transactions", "200"),
        ("GET /transactions", "200"),
    ]
    assert told.ambiguous == [caught.value]
    assert told.ambiguous[0].key == "s1"


@async_only
@pytest.mark.parametrize(
    ("steps", "doubts"),
    [
        pytest.param([HANG], 1, id="sent"),
        pytest.param([LOST, page()], 1, id="looked-up"),
        pytest.param([NOT_SENT], 0, id="not-sent"),
        pytest.param([Reply(429, {}, {"Retry-After": "50"})], 0, id="held"),
    ],
)
def test_hook_is_told_of_a_write_that_is_cancelled(
    play: Play, steps: list[Step], doubts: int
) -> None:
    """The caller's cancellation goes on; what may have been applied is not lost."""
    told = Told()

    async def cancelled(client: Partnero) -> None:
        task = asyncio.create_task(sell(client))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    play(steps, cancelled, **told.hooks)
    assert [error.key for error in told.ambiguous] == ["s1"] * doubts
    assert all("cancelled" in str(error) for error in told.ambiguous)


@async_only
def test_hook_is_not_told_of_a_read_that_is_cancelled(play: Play) -> None:
    """Nothing is in doubt then."""
    told = Told()

    async def cancelled(client: Partnero) -> None:
        task = asyncio.create_task(read(client))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    play([HANG], cancelled, **told.hooks)
    assert told.ambiguous == []


async def test_hook_that_raises_loses_nothing(
    partnero: type[Partnero], sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer comes, and the log says which hook it was."""

    def broken(_: Attempt) -> None:
        raise ZeroDivisionError

    async with partnero(
        sandbox.api_key, base_url=sandbox.url, on_attempt=broken
    ) as client:
        await client.account.test()
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.name == "partnero"
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


async def test_bad_hooks_are_refused(partnero: type[Partnero]) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="on_attempt"):
        partnero("key-of-a-test", on_attempt="print")  # type: ignore[arg-type]


# --- other settings for some calls ---------------------------------------------------


async def test_view_has_its_own_settings(
    partnero: type[Partnero], sandbox: Sandbox
) -> None:
    """And the connections, the counts and the life of the client that it is made of."""
    told = Told()
    async with partnero(sandbox.api_key, base_url=sandbox.url) as client:
        view = client.with_options(timeout=5.0, **told.hooks)
        await client.account.test()
        await view.account.test()
        assert [a.operation for a in told.attempts] == ["GET /test"]
        assert view.stats is client.stats
        assert client.stats.requests == 2
    with pytest.raises(UsageError, match="closed"):
        await view.account.test()


async def test_view_has_less_time(partnero: type[Partnero]) -> None:
    """The client that it is made of still has its own."""
    async with (
        faulty([hang]) as server,
        partnero("key-of-a-test", base_url=server.url) as client,
    ):
        with pytest.raises(PartneroError) as caught:
            await client.with_options(timeout=0.6).account.test()
        assert (caught.value.elapsed or 9) < 5
        assert client._settings.timeout == 60


async def test_view_keeps_what_is_not_given(partnero: type[Partnero]) -> None:
    """Also of a view, and bad values are refused as by the client."""
    client = virtual_client(partnero, timeout=7.0, strict=True)
    view = client.with_options(settle=2.0).with_options(strict=False)
    changed = attrs.evolve(client._settings, settle=2.0, strict=False)
    assert view._settings == changed
    with pytest.raises(UsageError, match="timeout=-1"):
        client.with_options(timeout=-1)


# --- what a server echoes ------------------------------------------------------------


async def test_key_that_a_server_echoes_is_masked(partnero: type[Partnero]) -> None:
    """Some proxies show the request that they refuse."""
    key = "canary-1f0c9e77"
    body = b'{"message": "no Bearer K", "errors": {"K": ["K"]}}'
    echo = answer(
        body.replace(b"K", key.encode()),
        status="403 Forbidden",
        head=f"X-Request-Id: r-{key}\r\n".encode(),
    )
    async with (
        faulty([echo]) as server,
        partnero(key, base_url=server.url) as client,
    ):
        with pytest.raises(PartneroError) as caught:
            await client.account.test()
    error = caught.value
    assert error.fields == {"***": ["***"]}
    assert error.request_id == "r-***"
    assert key not in f"{error} {error!r} {vars(error)}"


# --- closed meanwhile ----------------------------------------------------------------


def test_call_in_line_when_the_client_is_closed_sends_nothing_more() -> None:
    """It ends with a typed error, and its attempts are those that were sent.

    The other client cancels its calls when it is closed: see `tests.sync`.
    """

    async def close_amid(client: Partnero) -> PartneroError:
        call = asyncio.create_task(failing(read)(client))
        await asyncio.sleep(1)
        await client.aclose()
        caught: PartneroError = await call
        return caught

    refused = Reply(429, {}, {"Retry-After": "8"})
    caught, script = run_script(Partnero, [refused], close_amid)
    assert "closed meanwhile" in str(caught)
    assert len(caught.attempts) == len(script.seen) == 1
