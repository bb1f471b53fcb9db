"""`partnero import`: rows of a CSV file, one call each, resumable."""

from __future__ import annotations

import asyncio
import json as codec
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators

from ..bulk import (
    ImportStopError,
    Listed,
    Progress,
    Report,
    ResourceName,
    Source,
    fields_of,
    resolve,
    run_import,
)
from ..client import Partnero
from ..errors import one_line
from ._progress import shown

__all__ = ["Names", "Pairs", "Switch", "app", "pairs"]

INTERRUPTED = 130

CALL_SECONDS = 300.0
"""What a call may take: waiting for a slow rate limit is most of it."""

EPILOGUE = """\
Exit codes: 0 all rows are done; 1 some were rejected or are still to be sent, because
the API did not answer, asked for a long wait or refused the key on the way (start it
again to go on); 2 it could not start, or the key was refused and no row is done;
3 some rows are in doubt (`partnero import resolve JOURNAL` looks them up), whatever
else happened; 130 interrupted (start it again to go on).
"""

app: App = App(
    name="import",
    help="Import the rows of a CSV file; started again, it goes on where it stopped.",
    help_epilogue=EPILOGUE,
)

Pairs = Annotated[
    list[str] | None, Parameter(consume_multiple=True, negative="", metavar="F=V")
]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]
Concurrency = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=256))]
Seconds = Annotated[float, Parameter(validator=validators.Number(gte=0))]


def _command(resource: ResourceName) -> Callable[..., int]:
    """Make the command of one resource; its help names the columns it takes."""

    def command(
        file: Path,
        /,
        *,
        map: Pairs = None,  # noqa: A002 - the option's name
        set: Pairs = None,  # noqa: A002 - the option's name
        ignore: Names = None,
        journal: Path | None = None,
        rejects: Path | None = None,
        concurrency: Concurrency = 32,
        rate_limit: str | None = None,
        settle: Seconds = 5.0,
        json: Switch = False,
    ) -> int:
        source = Source(
            path=file,
            columns=pairs("--map", map),
            constants=pairs("--set", set),
            ignore=ignore or (),
        )

        async def work(
            client: Partnero, watch: Callable[[Progress], None], stop: asyncio.Event
        ) -> Report:
            return await run_import(
                client,
                resource,
                source,
                journal=journal,
                rejects=rejects,
                concurrency=concurrency,
                settle=settle,
                on_progress=watch,
                stop=stop,
            )

        return _to_the_end(work, rate_limit=rate_limit, as_json=json)

    command.__doc__ = _help(resource)
    return command


def _help(resource: ResourceName) -> str:
    columns = ", ".join(f"`{name}`" for name in fields_of(resource))
    return f"""Import {resource} from a CSV file in UTF-8.

    Columns: {columns}. An empty cell is not sent. Amounts are written 1234.56, dates
    2024-01-31 or 2024-01-31T12:00:00Z, several tags one;two.

    Parameters
    ----------
    file
        The CSV file; its first line names the columns.
    map
        `field=Column`: the field that a column goes to. A column that is named like a
        field needs none.
    set
        `field=value`: the same value for each row.
    ignore
        Columns to leave out.
    journal
        What was decided for each row, FILE.journal when left out. With it the same
        command goes on where it stopped.
    rejects
        The rows that were rejected and why, FILE.rejects.csv when left out. Mended, it
        can be imported like any other file.
    concurrency
        Requests at once.
    rate_limit
        What the program is allowed, such as 120/min; learnt when left out.
    settle
        Seconds that a request of a killed run may still take to arrive.
    json
        Print the report as one line of JSON.
    """


for name in ("partners", "customers", "transactions"):
    app.command(_command(name), name=name)


@app.command(name="resolve")
def resolve_journal(
    journal: Path,
    /,
    *,
    send_absent: Switch = False,
    settle: Seconds = 30.0,
    concurrency: Concurrency = 8,
    rate_limit: str | None = None,
    json: Switch = False,
) -> int:
    """Look up the rows that an import left in doubt.

    What is found is done. What is not found stays parked, and so does what is found
    more than once or with other values; each is listed with the reason.

    Parameters
    ----------
    journal
        The journal of the import.
    send_absent
        Send the rows that are proven absent: last sent long enough ago, and not found
        by two more look-ups.
    settle
        Seconds that have to have passed since a row was sent before it counts as
        absent.
    concurrency
        Requests at once.
    rate_limit
        What the program is allowed, such as 120/min; learnt when left out.
    json
        Print the report as one line of JSON.
    """

    async def work(
        client: Partnero, watch: Callable[[Progress], None], stop: asyncio.Event
    ) -> Report:
        return await resolve(
            client,
            journal,
            send_absent=send_absent,
            settle=settle,
            concurrency=concurrency,
            on_progress=watch,
            stop=stop,
        )

    return _to_the_end(work, rate_limit=rate_limit, as_json=json)


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Read the texts of an option that takes ``name=value``."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise ImportStopError(f"{option} {text!r}: write {option} field=...")
        if name in found:
            raise ImportStopError(f"{option} gives {name} twice")
        found[name] = value
    return found


# --- running -----------------------------------------------------------------------

Work = Callable[
    [Partnero, Callable[[Progress], None], asyncio.Event], Awaitable[Report]
]


def _to_the_end(work: Work, *, rate_limit: str | None, as_json: bool) -> int:
    report = asyncio.run(_run(work, rate_limit=rate_limit))
    sys.stdout.write(_json_line(report) if as_json else _text(report))
    if report.rejects_problem:
        problem = f"the rejected rows were not written: {report.rejects_problem}"
        sys.stderr.write(f"partnero: {one_line(problem)}\n")
    return report.exit_code


async def _run(work: Work, *, rate_limit: str | None) -> Report:
    stop = asyncio.Event()
    _listen(stop)
    async with Partnero(timeout=CALL_SECONDS, rate_limit=rate_limit) as client:
        with shown() as watch:
            return await work(client, watch, stop)


def _listen(stop: asyncio.Event) -> None:
    """Let the first signal end the run in order, and the second one at once."""

    def told() -> None:
        if stop.is_set():
            # The journal is made for being killed: what is in it is on the disk.
            os._exit(INTERRUPTED)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends it at once there
            loop.add_signal_handler(number, told)


# --- telling -----------------------------------------------------------------------


def _json_line(report: Report) -> str:
    return codec.dumps(report.as_dict()) + "\n"


def _text(report: Report) -> str:
    lines = [f"{report.rows} rows of {report.resource}"]
    there = f" ({report.already_there} were there before)" * bool(report.already_there)
    lines.append(f"  done      {report.done}{there}")
    counts = {
        "rejected": report.rejected,
        "parked": report.parked + report.sent,
        "pending": report.pending,
    }
    lines += [f"  {name:9} {count}" for name, count in counts.items() if count]
    lines.append(
        f"{report.requests} requests, {report.throttled} of them refused for the rate"
        f" (429), {report.elapsed:.1f} s"
    )
    lines += _listing("rejected", report.first_rejected, of=report.rejected)
    lines += _listing("parked", report.first_parked, of=report.parked)
    return "\n".join([*lines, *_next_steps(report)]) + "\n"


def _listing(what: str, rows: Sequence[Listed], *, of: int) -> list[str]:
    lines = [
        f"{what}: row {row.row}{f' ({row.key})' if row.key else ''}: {row.reason}"
        for row in rows
    ]
    more = [f"{what}: {of - len(rows)} more"] if of > len(rows) else []
    return [one_line(line) for line in [*lines, *more]]


def _next_steps(report: Report) -> list[str]:
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
