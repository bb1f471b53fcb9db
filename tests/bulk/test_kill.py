"""Killed imports: never a second sale, never a lost one."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient
from tests.bulk.both import resolve, run_import
from tests.bulk.shop import (
    end,
    environment,
    expected,
    open_shop,
    run,
    sale,
    sales_in,
    start,
    write_csv,
)

MOMENTS = 20
ROWS = 240
AT_ONCE = 3
"""Imports that are killed side by side."""


BOTH: tuple[Any, Any] = (Partnero, AwaitedClient)
"""Every second import that was killed is finished by the blocking form."""


@attrs.frozen
class Moment:
    """When a kill comes: after so many requests, and so many seconds more."""

    requests: int
    seconds: float


def moments(seed: int) -> list[Moment]:
    """Draw the moments; one is before anything is sent."""
    rng = random.Random(seed)
    drawn = [
        Moment(rng.randrange(ROWS + 10), rng.uniform(0, 0.06))
        for _ in range(MOMENTS - 1)
    ]
    return [Moment(0, 0.3), *drawn]


async def kill_at(
    process: asyncio.subprocess.Process, sandbox: Sandbox, at: Moment, before: int
) -> None:
    """Kill *process* at the moment, or find it at its end."""
    # Sleeping is how a test waits for a server's counter.
    while sandbox.requests - before < at.requests and process.returncode is None:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await asyncio.sleep(at.seconds)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def one_kill(folder: Path, at: Moment, kind: type[Partnero]) -> int:
    """Kill an import, finish and resolve it; return how many rows were parked."""
    folder.mkdir()  # noqa: ASYNC240 - a test has time
    file = write_csv(folder / "sales.csv", map(sale, range(ROWS)))
    async with Sandbox(latency=0.02, answer_latency=0.02) as sandbox:
        async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
            await open_shop(client)
        env = environment(sandbox)
        command = ("import", "transactions", file, "--concurrency", "16")
        process = await start(*command, env=env)
        await kill_at(process, sandbox, at, sandbox.requests)
        await end(process)
        async with kind(sandbox.api_key, base_url=sandbox.url) as client:
            parked = await finish(client, sandbox, file)
        assert sales_in(sandbox) == expected(range(ROWS))
    return parked


async def finish(client: Partnero, sandbox: Sandbox, file: Path) -> int:
    """Start the import again, then resolve it; return how many rows were parked."""
    again = await run_import(client, "transactions", file, settle=0.2)
    assert again.exit_code == (3 if again.parked else 0)
    assert again.done + again.parked == ROWS
    looked = await resolve(client, again.journal)
    assert (looked.done, looked.parked) == (again.done, again.parked)
    assert len(sales_in(sandbox)) == looked.done
    resolved = await resolve(client, again.journal, send_absent=True, settle=0.3)
    assert (resolved.done, resolved.exit_code) == (ROWS, 0)
    return again.parked


@pytest.mark.timeout(170)
async def test_a_killed_import_never_doubles_and_never_loses_a_sale(
    tmp_path: Path, seed: int
) -> None:
    """Killed anywhere, finished and resolved, the ledger holds each sale once."""
    print("seed", seed)
    permits = asyncio.Semaphore(AT_ONCE)

    async def kill(number: int, at: Moment) -> int:
        async with permits:
            return await one_kill(tmp_path / str(number), at, BOTH[number % 2])

    parked = await asyncio.gather(
        *(kill(number, at) for number, at in enumerate(moments(seed)))
    )
    print("parked rows:", parked)


FAIL_POINT = (sys.executable, str(Path(__file__).with_name("fail_point.py")))


@pytest.mark.parametrize(
    ("point", "in_doubt"),
    [
        pytest.param("before intent", 0, id="before intent"),
        pytest.param("before effect", 1, id="between intent and effect"),
        pytest.param("after effect", 0, id="between effect and outcome"),
        pytest.param("after outcome", 0, id="before the outcome is on the disk"),
    ],
)
async def test_killed_at_a_point(
    client: Partnero, shop: Sandbox, tmp_path: Path, point: str, in_doubt: int
) -> None:
    """One row at a time: only a row that was announced and never sent is in doubt."""
    file = write_csv(tmp_path / "sales.csv", map(sale, range(6)))
    command = ("import", "transactions", file, "--concurrency", "1")
    killed = await run(point, "4", *command, env=environment(shop), program=FAIL_POINT)
    assert killed.code == -signal.SIGKILL, killed
    report = await run_import(client, "transactions", file, settle=0.05)
    assert (report.done, report.parked) == (6 - in_doubt, in_doubt)
    assert len(sales_in(shop)) == 6 - in_doubt
    report = await resolve(client, report.journal, send_absent=True, settle=0.05)
    assert report.exit_code == 0
    assert sales_in(shop) == expected(range(6))
