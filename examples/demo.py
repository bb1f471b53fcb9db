"""Move a real sales history into Partnero: the main job, end to end.

    make demo            (or: python examples/demo.py [FOLDER])

Starts the sandbox (the API on this machine: no account, no network), imports partners,
customers and transactions from ``examples/data``, reports what came of it, and checks
that what the sandbox now holds equals the files. What it keeps is in ``.demo``, or
in FOLDER; run it again and it finds everything there.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from partnero_async import Partnero
from partnero_async.bulk import (
    JournalError,
    Progress,
    Report,
    ResourceName,
    Source,
    run_import,
)
from partnero_async.models import Transaction

HERE = Path(__file__).parent
DATA = HERE / "data"
KEPT = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / ".demo"
JOBS: dict[ResourceName, Source] = {
    "partners": Source(path=DATA / "partners.csv"),
    "customers": Source(
        path=DATA / "customers.csv",
        columns={
            "key": "Customer ID",
            "email": "E-mail",
            "partner.key": "Referred by",
        },
        ignore=["First order"],
    ),
    "transactions": Source(
        path=DATA / "transactions.csv",
        columns={
            "key": "Order",
            "customer.key": "Customer ID",
            "created_at": "Order date",
            "amount": "Total (USD)",
        },
        constants={"action": "sale"},
        ignore=["CDs"],
    ),
}


async def main() -> int:
    """Import the three files, report, check; return the exit code."""
    console = Console()
    KEPT.mkdir(exist_ok=True)
    async with sandbox() as (url, key), Partnero(key, base_url=url) as client:
        console.print(f"The sandbox serves the Partnero API at [bold]{url}[/]")
        try:
            reports = [await move(client, name, console) for name in JOBS]
        except JournalError as error:
            # Such as where the sandbox was deleted and the journals were kept.
            reason = f"{error}: remove the folder {KEPT}, then run this again"
            console.print(reason, markup=False, soft_wrap=True)
            return 2
        sales = [sale async for sale in client.transactions.list(limit=250)]
        console.print(summary(reports), best_partners(sales, await names(client)))
        wrong = [*unfinished(reports), *differences(await held(client, sales))]
    if wrong:
        console.print("[red]The sandbox does not hold what the files say:[/]", *wrong)
        return 1
    if all(nothing_sent(report) for report in reports):
        console.print("Everything is there already: nothing was changed.")
    console.print("[green]The sandbox holds what the files say, to the cent.[/]")
    return 0


@asynccontextmanager
async def sandbox() -> AsyncGenerator[tuple[str, str]]:
    """Serve the API from another process, and keep its state in a file."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "partnero_async.sandbox"),
        *("--port", "0", "--db", str(KEPT / "sandbox.db"), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101 - it was asked for above
    try:
        ready = json.loads(await process.stdout.readline())
        yield ready["url"], ready["api_key"]
    finally:
        process.terminate()
        await process.wait()


async def move(client: Partnero, name: ResourceName, console: Console) -> Report:
    """Import one file, and say how far it is."""
    said = 0.0

    def show(progress: Progress) -> None:
        nonlocal said
        now = time.monotonic()
        if (
            progress.rows and now - said >= 1
        ):  # a line a second reads well, on a terminal and in a log
            said = now
            decided = progress.done + progress.rejected + progress.parked
            console.print(f"  {name}: {decided:,} of {progress.rows:,}", style="dim")

    report = await run_import(
        client, name, JOBS[name], journal=KEPT / f"{name}.journal", on_progress=show
    )
    console.print(f"  {name}: {report.done:,} of {report.rows:,} done")
    return report


def nothing_sent(report: Report) -> bool:
    """Tell whether a file was there already, by its journal or by the API's word."""
    return not report.requests or report.already_there == report.rows


def summary(reports: Iterable[Report]) -> Table:
    """Lay out what came of the imports."""
    table = Table("", "rows", "done", "rejected", "requests", "429s", "seconds")
    for column in table.columns[1:]:
        column.justify = "right"
    for report in reports:
        table.add_row(
            report.resource,
            f"{report.rows:,}",
            f"{report.done:,}",
            f"{report.rejected:,}",
            f"{report.requests:,}",
            f"{report.throttled:,}",
            f"{report.elapsed:.1f}",
        )
    return table


def best_partners(sales: Iterable[Transaction], names: dict[str, str]) -> Table:
    """Lay out the ten partners who earned most."""
    earned: defaultdict[str, Decimal] = defaultdict(Decimal)
    for sale in sales:
        for reward in sale.rewards or []:
            earned[reward.partner or "nobody"] += reward.amount or 0
    best = sorted(earned.items(), key=lambda item: -item[1])[:10]
    table = Table("partner", "earned", "", title="Who earned most")
    table.columns[1].justify = "right"
    most = float(best[0][1]) if best else 0.0
    for partner, amount in best:
        bar = Bar(most, 0, float(amount), width=40, color="green")
        table.add_row(names.get(partner, partner), f"{amount:,.2f}", bar)
    return table


async def names(client: Partnero) -> dict[str, str]:
    """Read the partners' names, by id."""
    return {
        str(partner.id): f"{partner.name} {partner.surname}"
        async for partner in client.partners.list()
    }


def unfinished(reports: Iterable[Report]) -> list[str]:
    """Name the imports that are not done to the last row."""
    return [
        f"{report.resource}: {report.done:,} of {report.rows:,} rows are done"
        for report in reports
        if report.done != report.rows
    ]


Holdings = dict[str, int | Decimal]


async def held(client: Partnero, sales: list[Transaction]) -> Holdings:
    """Count what the sandbox holds."""
    return {
        "partners": len([p async for p in client.partners.list(limit=250)]),
        "customers": len([c async for c in client.customers.list(limit=250)]),
        "transactions": len(sales),
        "sum of the amounts": sum((s.amount or Decimal(0) for s in sales), Decimal(0)),
    }


def differences(holdings: Holdings) -> list[str]:
    """Compare what the sandbox holds with the files."""
    orders = rows("transactions")
    total = sum((Decimal(order["Total (USD)"]) for order in orders), Decimal(0))
    wanted: Holdings = {
        "partners": len(rows("partners")),
        "customers": len(rows("customers")),
        "transactions": len(orders),
        "sum of the amounts": total,
    }
    return [
        f"{what}: {holdings[what]:,} instead of {wanted[what]:,}"
        for what in wanted
        if holdings[what] != wanted[what]
    ]


def rows(name: ResourceName) -> list[dict[str, str]]:
    """Read a file of the sales history."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
