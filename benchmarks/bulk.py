"""What an import takes: T24 in time, beside bare aiohttp, and T23 in requests.

::

    python -m benchmarks.bulk [--quick] [--seed N]

T24 imports a file without a limit, again and again. T23 moves the sales of
``examples/data`` into the sandbox.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import msgspec

from partnero_async import Partnero
from partnero_async.bulk import Report, Source, dry_run, run_import

from ._figures import Figure, Result, Table
from ._harness import Setting, costs_table, main, ratios, rounds
from ._server import KEY, QUICK, ROOT, SANDBOX, served

DATA = ROOT / "examples" / "data"
AT_ONCE = 32
BUYERS = 100
HEAD = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
DAY = 1706659200


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


async def called(url: str, rows: int) -> None:
    """Record the same sales with the client, as many at once, and keep no journal."""
    numbers = iter(range(rows))

    async def work(client: Partnero) -> None:
        for n in numbers:
            await client.transactions.create(
                key=f"s{n}",
                customer={"key": f"c{n % BUYERS}"},
                amount=Decimal(f"{n % 900}.25"),
                action="sale",
                created_at=DAY,
            )

    async with Partnero(KEY, base_url=url) as client:
        await asyncio.gather(*(work(client) for _ in range(AT_ONCE)))


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


def speed(setting: Setting) -> Result:
    """Import a file, and send the same with aiohttp alone."""
    rows = setting.pick(4_000, 100_000)
    with TemporaryDirectory() as folder, served(*QUICK) as url:
        file = Path(folder) / "sales.csv"
        write_sales(file, rows)

        def ours() -> None:
            report = asyncio.run(imported(url, file))
            assert report.done == rows, report  # noqa: S101

        costs = rounds(
            {
                "bare aiohttp": lambda: asyncio.run(bare(url, rows)),
                "the client, no journal": lambda: asyncio.run(called(url, rows)),
                "the check of the file alone": lambda: asyncio.run(
                    dry_run("transactions", file)
                ),
                "import": ours,
            },
            setting,
            count=setting.pick(3, 7),
        )
    what = f"import of {rows:,} rows, rows a second / bare aiohttp"
    found = ratios(costs["bare aiohttp"], costs["import"], "wall")
    return Result(
        [Figure.of("T24", what, found, target=0.50, stretch=0.70, at_least=True)],
        [
            costs_table(
                f"Import of {rows:,} rows, a row",
                costs,
                calls=rows,
                beside="bare aiohttp",
            )
        ],
    )


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
                report = await run_import(
                    client, name, source, journal=journal, rejects=rejects, **more
                )
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
    return sent / (customers + sales)


def grouped(setting: Setting) -> Result:
    """Count the requests of a move: customers and sales grouped, and singly."""
    with TemporaryDirectory() as name:
        found = asyncio.run(requests(Path(name) / "batch", fold=True))
        rows = [("grouped, customers folded in", found)]
        if not setting.quick:
            single = asyncio.run(requests(Path(name) / "single", fold=False))
            rows.append(("one by one", single))
    return Result(
        [
            Figure.of(
                "T23",
                "customers and sales of CDNOW, requests / rows, grouped and folded",
                [found],
                target=0.30,
                stretch=0.26,
            )
        ],
        [Table("Requests a row of a move of CDNOW", ("how", "requests a row"), rows)],
    )


def measure(setting: Setting) -> Result:
    """Measure the time of an import, and count the requests of another."""
    result = speed(setting)
    result.add(grouped(setting))
    return result


if __name__ == "__main__":
    main(measure)
