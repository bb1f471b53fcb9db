"""What an import takes: T24 in time, beside bare aiohttp, and T23 in requests.

::

    python benchmarks/bulk.py [ROWS [ROUNDS]]

T24 imports a file of 100,000 rows, seven times. T23 moves the sales of
``examples/data`` into the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import msgspec
from _harness import ROUNDS, Figure, ratios, rounds, show, spread, table

from partnero_async import Partnero
from partnero_async.bulk import Report, Source, run_import

ROOT = Path(__file__).parents[1]
DATA = ROOT / "examples" / "data"
QUICK = (sys.executable, str(ROOT / "tests" / "bench" / "quick.py"))
SANDBOX = (sys.executable, "-m", "partnero_async.sandbox", "--port", "0", "--json")
ROWS = 100_000
AT_ONCE = 32
KEY = "benchmark"
BUYERS = 100
HEAD = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
DAY = 1706659200


@contextmanager
def served(*command: str) -> Iterator[str]:
    """Run a server on the last core, and this process on the first one."""
    cores = sorted(os.sched_getaffinity(0))
    with subprocess.Popen(  # noqa: S603 - programs of our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout  # noqa: S101 - asked for above
        os.sched_setaffinity(process.pid, {cores[-1]})
        os.sched_setaffinity(0, {cores[0]})
        try:
            yield process.stdout.readline().strip()
        finally:
            os.sched_setaffinity(0, cores)
            process.terminate()


# --- T24 -----------------------------------------------------------------------------


def write_sales(file: Path, rows: int) -> None:
    """Write the sales that both contestants send."""
    with file.open("w", encoding="utf-8") as out:
        out.write("key,customer.key,amount,created_at,action\n")
        for n in range(rows):
            out.write(f"s{n},c{n % BUYERS},{n % 900}.25,2024-01-31,sale\n")


def body(n: int) -> bytes:
    """Return what the importer sends for a row."""
    return (
        b'{"key":"s%d","customer":{"key":"c%d"},"amount":%d.25,"action":"sale",'
        b'"created_at":%d}' % (n, n % BUYERS, n % 900, DAY)
    )


async def bare(url: str, rows: int) -> None:
    """Post the same bodies with aiohttp alone, as many at once."""
    numbers = iter(range(rows))
    decode = msgspec.json.decode

    async def work(session: aiohttp.ClientSession) -> None:
        for n in numbers:
            async with session.post(
                f"{url}/transactions", data=body(n), headers=HEAD
            ) as answer:
                decode(await answer.read())

    jar, connector = aiohttp.DummyCookieJar(), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(AT_ONCE)))


async def imported(url: str, file: Path) -> Report:
    """Import a file, with a journal of its own."""
    with TemporaryDirectory(dir=file.parent) as folder:
        async with Partnero(KEY, base_url=url) as client:
            return await run_import(
                client,
                "transactions",
                file,
                journal=Path(folder) / "journal",
                concurrency=AT_ONCE,
            )


def speed(rows: int, count: int) -> list[Figure]:
    """Import a file, and send the same with aiohttp alone."""
    with TemporaryDirectory() as folder, served(*QUICK) as url:
        file = Path(folder) / "sales.csv"
        write_sales(file, rows)

        def ours() -> None:
            report = asyncio.run(imported(url, file))
            assert report.done == rows, report  # noqa: S101

        costs = rounds(
            {
                "bare aiohttp": lambda: asyncio.run(bare(url, rows)),
                "import": ours,
            },
            count=count,
        )
    show(f"{rows} rows, by row", costs, calls=rows)
    found = ratios(costs["bare aiohttp"], costs["import"], "wall")
    print("T24", spread(found))
    what = f"import of {rows} rows, rows a second / bare aiohttp"
    return [Figure("T24", what, found[len(found) // 2], 0.50, at_least=True)]


# --- T23 -----------------------------------------------------------------------------

SALES = Source(
    path=DATA / "transactions.csv",
    columns={
        "key": "Order",
        "customer.key": "Customer ID",
        "created_at": "Order date",
        "amount": "Total (USD)",
    },
    constants={"action": "sale"},
    ignore=["CDs"],
)
PARTNERS = Source(path=DATA / "partners.csv")
CUSTOMERS = Source(
    path=DATA / "customers.csv",
    columns={"key": "Customer ID", "email": "E-mail", "partner.key": "Referred by"},
    ignore=["First order"],
)


async def requests(folder: Path, *, fold: bool) -> float:
    """Move customers and sales to a new program; return requests by row of both."""
    folder.mkdir()  # noqa: ASYNC240
    with served(*SANDBOX) as line:
        ready = json.loads(line)
        async with Partnero(ready["api_key"], base_url=ready["url"]) as client:

            async def move(name: Any, source: Source, **more: Any) -> Report:
                journal = folder / f"{name}.journal"
                rejects = folder / f"{name}.rejects.csv"
                files = {"journal": journal, "rejects": rejects}
                report = await run_import(client, name, source, **files, **more)
                assert report.done == report.rows, report  # noqa: S101
                return report

            await move("partners", PARTNERS)
            if fold:
                options = {"batch": "all-fields", "customers": CUSTOMERS}
                moved = [await move("transactions", SALES, **options)]
            else:
                moved = [
                    await move("customers", CUSTOMERS),
                    await move("transactions", SALES),
                ]
            customers = len([c async for c in client.customers.list(limit=250)])
    sales = moved[-1].rows
    sent = sum(report.requests for report in moved)
    print(f"T23 {sent} requests for {customers} customers and {sales} sales")
    return sent / (customers + sales)


def grouped() -> list[Figure]:
    """Count the requests of a move: customers and sales, singly and grouped."""
    with TemporaryDirectory() as name:
        asyncio.run(requests(Path(name) / "single", fold=False))
        found = asyncio.run(requests(Path(name) / "batch", fold=True))
    what = "customers and sales of CDNOW, requests / rows, grouped and folded"
    return [Figure("T23", what, found, 0.30)]


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    rows, count = [*asked, ROWS, ROUNDS][:2] if len(asked) != 1 else [*asked, ROUNDS]
    table([*speed(rows, count), *grouped()])
