"""What a client outlives, and what it does not: event loops, and forks."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from textwrap import dedent

import pytest

from partnero_async import Partnero, UsageError, pacing
from partnero_async._line import Line
from partnero_async.models.partners import Partner
from partnero_async.pacing import Gate
from partnero_async.pages import Pages
from partnero_async.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a program with five partners, in a thread."""
    with Sandbox().in_thread() as sandbox:
        asyncio.run(_fill(sandbox))
        yield sandbox


async def _fill(sandbox: Sandbox) -> None:
    async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        for number in range(5):
            await client.partners.create(email=f"p{number}@example.com")


async def _next_of(listed: Pages[Partner], resume: str | None) -> list[str | None]:
    return [partner.email async for partner in listed.items(resume=resume)]


def test_walk_ends_with_its_loop_and_says_so(sandbox: Sandbox) -> None:
    """A loop ends what it has begun: going on in the next would miss the rest."""
    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    listed = client.partners.list(limit=2)
    walk = listed.items()

    async def begin() -> str | None:
        return (await anext(walk)).email

    async def go_on() -> None:
        with pytest.raises(UsageError, match="another event loop"):
            await anext(walk)
        with pytest.raises(UsageError, match="another event loop"):
            async for _ in walk:
                pass

    first = asyncio.run(begin())
    asyncio.run(go_on())
    rest = asyncio.run(_next_of(listed, walk.checkpoint()))
    assert [first, *rest] == [f"p{number}@example.com" for number in (4, 3, 2, 1, 0)]


def told_by(program: str, sandbox: Sandbox) -> str:
    """Run a Python program to its good end, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(program)],
        env={"PARTNERO_API_KEY": sandbox.api_key, "PARTNERO_BASE_URL": sandbox.url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


FORKED = """
    import asyncio, os, signal, sys
    from partnero_async import Partnero, UsageError

    client = Partnero()

    async def use(client):
        await client.account.test()

    async def in_child():
        try:
            await use(client)
        except UsageError as error:
            print(error, flush=True)
        await client.aclose()
        async with Partnero() as new:
            await use(new)
        print("a new one works", flush=True)

    async def main():
        {before}
        pid = os.fork()
        if pid == 0:
            signal.alarm(10)
            asyncio._set_running_loop(None)
            asyncio.run(in_child())
            os._exit(0)
        await asyncio.to_thread(os.waitpid, pid, 0)
        await use(client)
        await client.aclose()
        print("the parent's, too", flush=True)

    asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("before", "complaints"),
    [
        pytest.param("await use(client)", 1, id="used"),
        pytest.param("pass", 0, id="not-yet-used"),
    ],
)
def test_forked_child_needs_a_client_of_its_own(
    sandbox: Sandbox, before: str, complaints: int
) -> None:
    """Where the parent has used it: its connections are the parent's to write to."""
    output = told_by(FORKED.format(before=before), sandbox)
    *said, works, parent = output.splitlines()
    assert (works, parent) == ("a new one works", "the parent's, too")
    assert len(said) == complaints
    assert all("make a new client after the fork" in line for line in said)


UNTOUCHED = """
    import asyncio, os, signal, threading
    from partnero_async import Partnero

    busy = Partnero(rate_limit="1/min")
    untouched = Partnero(rate_limit="1/min", timeout=5)
    account = untouched.account

    async def in_child():
        await account.test()

    async def main():
        gate = busy._transport.line.gate
        await gate.enter()
        thread = threading.Thread(target=gate._lock.acquire)
        thread.start()
        thread.join()
        pid = os.fork()
        if pid == 0:
            signal.alarm(10)
            asyncio._set_running_loop(None)
            asyncio.run(in_child())
            os._exit(0)
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    asyncio.run(main())
"""


def test_untouched_client_waits_for_nothing_of_the_parent(sandbox: Sandbox) -> None:
    """What is in flight in the parent never lands in the child, nor is a lock freed."""
    told_by(UNTOUCHED, sandbox)


@pytest.mark.parametrize("given", [True, False], ids=["given", "shared"])
def test_untouched_line_begins_anew_in_a_child(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, given: bool
) -> None:
    """Children draw delays of their own; what the caller gave is kept."""
    gate, rng = (Gate(), random.Random(1)) if given else (None, None)
    settings = Partnero(sandbox.api_key, base_url=sandbox.url)._settings
    line = Line(settings, gate=gate, rng=rng)
    before = line.gate, line.rng
    monkeypatch.setattr(os, "getpid", lambda: -1)
    pacing._gates.forget()
    line.check("GET /test")
    assert (line.gate is before[0], line.rng is before[1]) == (given, given)


async def test_other_process_may_not_call_and_closes_nothing(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    """What a child does to its copy of the client leaves the connections alone."""
    client = Partnero(sandbox.api_key, base_url=sandbox.url)
    await client.account.test()
    session = await client._transport.line.sessions.here()
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        with pytest.raises(UsageError, match="make a new client after the fork"):
            await client.account.test()
        await client.aclose()
    assert not session._http.closed
    await client._transport.line.sessions.close()
