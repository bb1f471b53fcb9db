"""Differences as a table, as CSV and as JSON, and what to do about them."""

from __future__ import annotations

import csv
import json as codec
from collections.abc import Iterator, Sequence
from itertools import islice
from textwrap import wrap
from typing import Final, TextIO, get_args

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..bulk import Difference, DifferenceKind, Reconciliation, Totals
from ..bulk.differences import NEXT
from ..bulk.formulas import defused
from ..errors import one_line

__all__ = ["summary", "write_csv", "write_json", "write_table"]

LISTED: Final = 20
"""Differences of a kind that a table shows."""

COLUMNS: Final = ("row", "line", "key", "kind", "given", "recorded", "next")
KINDS: Final[Sequence[DifferenceKind]] = get_args(DifferenceKind)


def write_table(found: Reconciliation, out: TextIO) -> None:
    """Write the first differences of each kind."""
    if not found.counts:
        return
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("row", justify="right")
    for name in ("key", "what", "in the file", "in the program"):
        table.add_column(name, overflow="fold")
    for kind in KINDS:
        for difference in islice(found.differences(kind), LISTED):
            table.add_row(*_cells(difference))
        if (more := found.counts.get(kind, 0) - LISTED) > 0:
            table.add_row("", "", kind, f"{more} more", "")
    Console(file=out).print(table)


def _cells(difference: Difference) -> Iterator[Text]:
    row, _, *texts = (getattr(difference, name) for name in COLUMNS[:-1])
    key, kind, given, recorded = texts
    # Texts of files and servers are no markup.
    for value in (row, key, kind, given, recorded):
        yield Text("" if value is None else one_line(str(value)))


def write_csv(found: Reconciliation, out: TextIO) -> None:
    """Write a line for each difference; no cell is a formula."""
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    for difference in found.differences():
        values = (getattr(difference, name) for name in COLUMNS)
        lines.writerow("" if value is None else defused(str(value)) for value in values)


def write_json(found: Reconciliation, out: TextIO) -> None:
    """Write one object; amounts are texts, so that they stay exact."""
    about = codec.dumps(
        {**found.as_dict(), "next": {kind: NEXT[kind] for kind in found.counts}}
    )
    out.write(about[:-1] + ', "differences": [')
    comma = ""
    for difference in found.differences():
        out.write(comma + codec.dumps(difference.as_dict()))
        comma = ",\n"
    out.write("]}\n")


# --- what to do ----------------------------------------------------------------------


def summary(found: Reconciliation, again: str | None) -> str:
    """Say what came of it, what the money adds up to, and what to do.

    *again* is the command that imports the rows that are missing.
    """
    lines = [f"{found.rows} rows, {found.equal} of them as they are in the program"]
    counts = [kind for kind in KINDS if kind in found.counts]
    lines += [f"  {kind:10} {found.counts[kind]}" for kind in counts]
    lines += _money(found.money)
    if not found.asked_again:
        lines.append(SHIFTS)
    for kinds, step in _steps(counts):
        lines += wrap(f"{', '.join(kinds)}: {step}", width=88, subsequent_indent="  ")
        # To be copied, so in one piece.
        lines += [f"  {again}"] * bool(again and "missing" in kinds)
    return "\n".join(lines) + "\n"


SHIFTS: Final = (
    "More keys are missing, or there several times, than were asked for one by one."
    " A list shifts while it is read: if others were at work, reconcile again."
)


def _steps(kinds: Sequence[DifferenceKind]) -> list[tuple[list[str], str]]:
    steps: dict[str, list[str]] = {}
    for kind in kinds:
        steps.setdefault(NEXT[kind], []).append(kind)
    return [(kinds, step) for step, kinds in steps.items()]


def _money(money: Sequence[Totals]) -> list[str]:
    rows = [("", "in the file", "recorded", "difference")]
    for totals in money:
        sums = (totals.given, totals.recorded, totals.difference)
        given, recorded, difference = (f"{each:f}" for each in sums)
        rows.append((totals.units or "money", given, recorded, difference))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            ["", cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]
        )
        for cells in rows
    ]
