"""Killed imports: never a second sale, never a lost one."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import attrs
import pytest

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
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


async def kill_at(process: asyncio.subprocess.Process, sandbox: Sandbox, at: Moment, before: int) -> None:
    """Kill *process* at the moment, or find it at its end."""
    while sandbox.requests - before < at.requests and process.returncode is None:
        await asyncio.sleep(0.002)
    await asyncio.sleep(at.seconds)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def one_kill(folder: Path, at: Moment) -> int:
    """Kill an import, finish it, resolve it; return how many rows were parked."""
    folder.mkdir()
    file = write_csv(folder / "sales.csv", map(sale, range(ROWS)))
    async with Sandbox(latency=0.02, answer_latency=0.02) as sandbox:
        async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
            await open_shop(client)
        env = environment(sandbox)
        command = ("import", "transactions", file, "--concurrency", "16")
        process = await start(*command, env=env)
        await kill_at(process, sandbox, at, sandbox.requests)
        await end(process)
        again = await run(*command, "--settle", "0.2", env=env)
        assert again.code in (0, 3), again
        journal = folder / "sales.csv.journal"
        looked = await run("import", "resolve", journal, env=env)
        assert looked.code == again.code, looked
        assert len(sales_in(sandbox)) == len(set(sales_in(sandbox)))
        resolved = await run(
            "import", "resolve", journal, "--send-absent", "--settle", "0.3", env=env
        )
        assert resolved.code == 0, resolved
        assert sales_in(sandbox) == expected(range(ROWS))
    return looked.out.count("parked:")


@pytest.mark.timeout(170)
async def test_a_killed_import_never_doubles_and_never_loses_a_sale(
    tmp_path: Path, seed: int
) -> None:
    """Killed anywhere, finished and resolved, the ledger holds each sale once."""
    print("seed", seed)
    permits = asyncio.Semaphore(AT_ONCE)

    async def kill(number: int, at: Moment) -> int:
        async with permits:
            return await one_kill(tmp_path / str(number), at)

    parked = await asyncio.gather(
        *(kill(number, at) for number, at in enumerate(moments(seed)))
    )
    print("parked rows:", parked)
