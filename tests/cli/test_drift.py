"""`partnero drift` as a process, against the sandbox and an API that has moved on."""

from __future__ import annotations

import json
import os

import pytest

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import environment, run
from tests.faulty import answer, faulty

ACCOUNT = answer(b'{"data": {"program": {"pub_id": "P1"}}, "status": 1}')
NEWS = answer(b'{"data": [{"tier": 3}], "links": {"next": null}, "status": 1}')
MISFIT = answer(b'{"data": [{"key": 7}], "links": {"next": null}, "status": 1}')
ABSENT = answer(b'{"status": 0}', status="404 Not Found")


def elsewhere(url: str) -> dict[str, str]:
    """Return the environment of a command that talks to *url*, with some key."""
    return {**os.environ, "PARTNERO_API_KEY": "key", "PARTNERO_BASE_URL": url}


@pytest.mark.parametrize("kind", ["affiliate", "refer_a_friend", "newsletter"])
async def test_the_sandbox_does_not_drift(kind: str) -> None:
    """What the sandbox answers is what was published, whatever the program."""
    async with Sandbox(programs=[kind]) as sandbox:
        async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
            if kind == "affiliate":
                await client.partners.create(email="ada@example.com", key="ada")
                await client.customers.create("c1", partner={"key": "ada"})
                await client.transactions.create(amount=9, customer={"key": "c1"})
            if kind == "refer_a_friend":
                await client.referrals.create(email="ada@example.com")
            if kind == "newsletter":
                await client.subscribers.create(email="ada@example.com")
        ended = await run("drift", env=environment(sandbox))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("No drift")


async def test_what_is_new_is_reported() -> None:
    """Exit code 1, and a line for each finding, or for what does not fit at all."""
    async with faulty([ACCOUNT, ABSENT, ABSENT, NEWS, MISFIT, ABSENT]) as server:
        env = elsewhere(server.url)
        ended = await run("drift", env=env)
        assert "GET /partners?limit=100&page=1" in server.lines
    assert ended.code == 1
    assert "unknown field: Partner.tier (number), 1 times" in ended.out
    assert "does not fit" in ended.err


async def test_report_as_json() -> None:
    """One line, for whoever watches for drift every night."""
    async with faulty([ACCOUNT, ABSENT, ABSENT, NEWS, ABSENT]) as server:
        env = elsewhere(server.url)
        ended = await run("drift", "--json", env=env)
    findings = json.loads(ended.out)["findings"]
    assert findings[-1] == {
        "what": "unknown field",
        "where": "Partner.tier",
        "detail": "number",
        "times": 1,
    }


async def test_wrong_key_is_one_line(sandbox: Sandbox) -> None:
    """Exit code 2, as for every command."""
    ended = await run("drift", env=elsewhere(sandbox.url))
    assert ended.code == 2
    assert ended.err.count("\n") == 1
