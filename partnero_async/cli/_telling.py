"""A report as text: for people, on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..bulk import Forecast, Listed, Money, Outcome, Report
from ..errors import one_line

__all__ = ["amount", "next_steps", "plan", "table", "text"]


def _read_as(report: Report | Forecast) -> str:
    """Say what a file was taken for, where that was no matter of course."""
    usual = {"utf-8", "utf-8-sig", ",", "csv"}
    taken = [value for value in report.read_as.values() if value not in usual]
    return f", read as {', '.join(taken)}" if taken else ""


def text(report: Report) -> str:
    """Say what came of an import, and what can be done about it."""
    lines = [f"{report.rows} rows of {report.resource}{_read_as(report)}"]
    of_these = {
        "were there before": report.already_there,
        "changed what was there": report.updated,
    }
    told = ", ".join(f"{count} {what}" for what, count in of_these.items() if count)
    lines.append(f"  done      {report.done}{f' ({told})' if told else ''}")
    counts = {
        "rejected": report.rejected,
        "parked": report.parked + report.sent,
        "pending": report.pending,
    }
    lines += [f"  {name:9} {count}" for name, count in counts.items() if count]
    lines += [f"  recorded  {_recorded(money)}" for money in report.money]
    lines += [f"            {unread}" for unread in _unread(report)]
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


def _unread(report: Report) -> list[str]:
    """Say what the sums do not have."""
    rows = report.unread_amounts
    which = "1 row whose amount" if rows == 1 else f"{rows} rows whose amounts"
    return [f"without {which} cannot be read"] if rows else []


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
        steps.append(
            "mend the rejected rows, and import them with the same options:"
            f" {report.rejects}"
        )
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
    lines = [f"recorded: {_recorded(money)}" for money in report.money]
    lines += _unread(report)
    rows = [
        (
            "in doubt" if found.state in ("parked", "sent") else found.state,
            found.code or "",
            str(found.rows),
            found.example.reason if found.example else "",
        )
        for found in report.outcomes
    ]
    _print(
        f"{report.rows} rows of {report.resource}",
        ("state", "why", "rows", "for example"),
        rows,
        [*lines, *next_steps(report)],
    )


def plan(forecast: Forecast) -> None:
    """Print what an import would do as a table, with samples below it."""
    looked = forecast.looked
    steps = {
        "create" if looked else "send": (forecast.create, "new to the program"),
        "update": (forecast.update, "there with other values, which would be changed"),
        "leave": (forecast.leave, "there as they are"),
        "park": (forecast.park, "there more than once: look into them first"),
    }
    rows = [
        (step, str(count), why if looked else "if they are not there yet")
        for step, (count, why) in steps.items()
        if count
    ]
    rows += [
        ("refuse", str(found.rows), _why(found))
        for found in forecast.outcomes
        if found.state == "rejected"
    ]
    _print(
        f"{forecast.rows} rows of {forecast.resource}, nothing was sent"
        f"{_read_as(forecast)}",
        ("step", "rows", "why"),
        rows,
        [*map(_worth, forecast.money), *_samples(forecast)],
    )


def _why(found: Outcome) -> str:
    example = f": {found.example.reason}" if found.example else ""
    return f"{found.code}{example}"


def _worth(money: Money) -> str:
    units = money.units
    parts = {
        "to be sent": money.pending,
        "there already": money.recorded,
        "not sent": money.given - money.pending - money.recorded,
    }
    told = [f"{amount(value, units)} {what}" for what, value in parts.items() if value]
    total = f"amounts: {amount(money.given, units)} in {money.rows} rows"
    return one_line(f"{total}; {', '.join(told)}" if told else total)


def _samples(forecast: Forecast) -> list[str]:
    lines = _listing("update", forecast.first_changed, of=forecast.update)
    for name, rows in forecast.by_field.items():
        # How many there are of a field is not counted.
        lines += _listing(f"refuse ({name})" if name else "refuse", rows, of=0)
    return lines


def _print(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    lines: Sequence[str],
) -> None:
    from rich.console import Console  # noqa: PLC0415 - most commands need none
    from rich.table import Table  # noqa: PLC0415

    # Keys and reasons are other people's texts: nothing in them is markup.
    console = Console(markup=False, highlight=False, emoji=False)
    shown = Table(*columns, box=None)
    for cells in rows:
        shown.add_row(*map(one_line, cells))
    console.print(title)
    console.print(shown)
    for line in lines:
        console.print(line, soft_wrap=True)
