"""Move a real sales history into Partnero: the main job, end to end.

    make demo            (or: python examples/demo.py [FOLDER])

Starts the sandbox (the API on this machine: no account, no network), imports the
partners of ``examples/data``, shows the plan for its sales, and imports them: those of
a customer together, and the customer with the first of them. Then it compares what the
sandbox holds with the file, sale by sale. What it keeps is in ``.demo``, or in FOLDER,
with a page about the import; run it again and it finds everything there.
"""

from __future__ import annotations

import asyncio
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
    Batch,
    JournalError,
    Progress,
    Report,
    ResourceName,
    Source,
    plan_import,
    run_import,
)
from partnero_async.bulk.page import write
from partnero_async.models import Transaction

HERE = Path(__file__).parent
DATA = HERE / "data"
KEPT = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / ".demo"
PAGE = KEPT / "report.html"
PARTNERS = Source(path=DATA / "partners.csv")
CUSTOMERS = Source(
    path=DATA / "customers.csv",
    columns={"key": "Customer ID", "email": "E-mail", "partner.key": "Referred by"},
    ignore=["First order"],
)
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


async def main() -> int:
    """Import the files, report, compare; return the exit code."""
    console = Console()
    KEPT.mkdir(exist_ok=True)
    async with sandbox() as (url, key), Partnero(key, base_url=url) as client:
        console.print(f"The sandbox serves the Partnero API at [bold]{url}[/]")
        try:
            reports = [await move(client, "partners", PARTNERS, console)]
            await show_plan(client, console)
            reports.append(
                await move(
                    client,
                    "transactions",
                    SALES,
                    console,
                    batch="all-fields",
                    customers=CUSTOMERS,
                )
            )
        except JournalError as error:
            # Such as where the sandbox was deleted and the journals were kept.
            reason = f"{error}: remove the folder {KEPT}, then run this again"
            console.print(reason, markup=False, soft_wrap=True)
            return 2
        if reports[-1].requests:
            write(reports[-1], PAGE)
        sales = await client.transactions.list(limit=250).collect(window=4)
        console.print(summary(reports), best_partners(sales, await names(client)))
        console.print(f"How it went, to look at: {PAGE}", soft_wrap=True)
        wrong = [*unfinished(reports), *await differences(client)]
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


async def show_plan(client: Partnero, console: Console) -> None:
    """Say what importing the sales would do; nothing is changed."""
    with await plan_import(client, "transactions", SALES, customers=CUSTOMERS) as plan:
        (money,) = plan.money
        console.print(
            f"  plan: {plan.create:,} of {plan.rows:,} sales are new,"
            f" {plan.leave:,} there already, {plan.refuse:,} refused;"
            f" {money.pending:,} of {money.given:,} to be sent",
            soft_wrap=True,
        )


async def move(
    client: Partnero,
    name: ResourceName,
    source: Source,
    console: Console,
    *,
    batch: Batch = "no",
    customers: Source | None = None,
) -> Report:
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
        client,
        name,
        source,
        journal=KEPT / f"{name}.journal",
        batch=batch,
        customers=customers,
        on_progress=show,
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


async def differences(client: Partnero) -> list[str]:
    """Compare what the sandbox holds with the sales of the file, one by one."""
    with await client.reconcile(SALES, surplus=True) as found:
        return [f"{count:,} {kind}" for kind, count in found.counts.items()]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
