"""A report as text: for people, on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..bulk import Listed, Money, Report
from ..errors import one_line

__all__ = ["amount", "next_steps", "text"]


def text(report: Report) -> str:
    """Say what came of an import, and what can be done about it."""
    lines = [f"{report.rows} rows of {report.resource}"]
    there = f" ({report.already_there} were there before)" * bool(report.already_there)
    lines.append(f"  done      {report.done}{there}")
    counts = {
        "rejected": report.rejected,
        "parked": report.parked + report.sent,
        "pending": report.pending,
    }
    lines += [f"  {name:9} {count}" for name, count in counts.items() if count]
    lines += [f"  recorded  {_recorded(money)}" for money in report.money]
    lines.append(
        f"{report.requests} requests, {report.throttled} of them refused for the rate"
        f" (429), {report.elapsed:.1f} s"
    )
    lines += _listing("rejected", report.first_rejected, of=report.rejected)
    lines += _listing("parked", report.first_parked, of=report.parked + report.sent)
    return "\n".join([*lines, *next_steps(report)]) + "\n"


def _recorded(money: Money) -> str:
    return one_line(
        f"{amount(money.recorded, money.units)} of {amount(money.given, money.units)}"
    )


def amount(value: Decimal, units: str | None) -> str:
    """Write money with its currency, exactly."""
    return f"{value:,f}{f' {units}' if units else ''}"


def _listing(what: str, rows: Sequence[Listed], *, of: int) -> list[str]:
    lines = [
        f"{what}: row {row.row}{f' ({row.key})' if row.key else ''}: {row.reason}"
        for row in rows
    ]
    more = [f"{what}: {of - len(rows)} more"] if of > len(rows) else []
    return [one_line(line) for line in [*lines, *more]]


def next_steps(report: Report) -> list[str]:
    """Say what is left to be done, and how."""
    steps: list[str] = []
    if report.rejects:
        steps.append(f"mend and import the rejected rows: {report.rejects}")
    if report.parked or report.sent:
        steps.append(
            f"look up what is in doubt: partnero import resolve {report.journal}"
        )
    if report.refused:
        steps.append(f"stopped, the API refuses: {report.refused}")
    if report.unreachable:
        steps.append(f"stopped for now: {report.unreachable}")
    if report.pending:
        steps.append("start the same import again to go on")
    return steps


# --- as a table --------------------------------------------------------------------


def table(report: Report) -> None:
    """Print what a journal says as a table, and what to do next below it."""
    from rich.console import Console  # noqa: PLC0415 - most commands need none
    from rich.table import Table  # noqa: PLC0415

    # Keys and reasons are other people's texts: nothing in them is markup.
    console = Console(markup=False, highlight=False, emoji=False)
    rows = Table("state", "why", "rows", "for example", box=None)
    for found in report.outcomes:
        rows.add_row(
            "in doubt" if found.state in ("parked", "sent") else found.state,
            found.code,
            str(found.rows),
            one_line(found.example.reason) if found.example else "",
        )
    console.print(f"{report.rows} rows of {report.resource}")
    console.print(rows)
    recorded = [f"recorded: {_recorded(money)}" for money in report.money]
    for line in [*recorded, *next_steps(report)]:
        console.print(line, soft_wrap=True)
