"""`partnero import`: rows of a file, one call each, resumable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

from cyclopts import App, Parameter

from ..bulk import (
    Batch,
    Forecast,
    Format,
    ImportStopError,
    Progress,
    Report,
    ResourceName,
    Source,
    SourceOptions,
    fields_of,
    load_mapping,
    mapping_names,
    plan_import,
    run_import,
)
from ..bulk.foresee import checked
from ..bulk.mapping_file import merged
from ..client import Partnero
from ._options import Concurrency, Limit, Seconds, Switch
from ._runs import foretell, run, to_the_end
from .journals import commands

__all__ = ["app"]

EPILOGUE = """\
Exit codes: 0 all rows are done; 1 some were rejected or are still to be sent, because
the API did not answer, asked for a long wait or refused the key on the way (start it
again to go on); 2 it could not start, or the key was refused and no row is done;
3 some rows are in doubt (`partnero import resolve JOURNAL` looks them up), whatever
else happened; 130 interrupted (start it again to go on).
"""

app: App = App(
    name="import",
    help="Import the rows of a file; started again, it goes on where it stopped.",
    help_epilogue=EPILOGUE,
)

File = Annotated[Path, Parameter(allow_leading_hyphen=True)]  # for standard input: -
Pairs = Annotated[
    list[str] | None, Parameter(consume_multiple=True, negative="", metavar="F=V")
]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]


def _command(resource: ResourceName) -> Callable[..., int]:
    """Make the command of one resource; its help names the columns it takes."""

    def command(
        file: File,
        /,
        *,
        mapping: str | None = None,
        map: Pairs = None,  # noqa: A002 - the option's name
        set: Pairs = None,  # noqa: A002 - the option's name
        ignore: Names = None,
        format: Format | None = None,  # noqa: A002 - the option's name
        encoding: str | None = None,
        delimiter: str | None = None,
        decimal_comma: Switch = False,
        date_format: str | None = None,
        journal: Path | None = None,
        rejects: Path | None = None,
        dry_run: Switch = False,
        plan: Switch = False,
        update: Switch = False,
        batch: Batch = "no",
        customers: Path | None = None,
        customers_mapping: str | None = None,
        concurrency: Concurrency = 32,
        limit: Limit = None,
        settle: Seconds = 5.0,
        report: Path | None = None,
        json: Switch = False,
    ) -> int:
        options: SourceOptions = {
            "columns": _pairs("--map", map),
            "constants": _pairs("--set", set),
            "ignore": ignore or [],
            **_given(
                format=format,
                encoding=encoding,
                delimiter=delimiter,
                decimal_comma=decimal_comma or None,
                date_format=date_format,
            ),
        }
        under = load_mapping(mapping, resource) if mapping else SourceOptions()
        source = Source(path=file, **merged(under, options))
        buyers = _buyers(customers, customers_mapping)

        if dry_run and not plan:
            return foretell(checked(resource, source), as_json=json)

        async def look(
            client: Partnero, watch: Callable[[Progress], None], stop: asyncio.Event
        ) -> Forecast:
            return await plan_import(
                client,
                resource,
                source,
                update=update,
                customers=buyers,
                concurrency=concurrency,
                on_progress=watch,
                stop=stop,
            )

        if plan:
            return foretell(run(look, limit=limit), as_json=json)

        async def work(
            client: Partnero, watch: Callable[[Progress], None], stop: asyncio.Event
        ) -> Report:
            return await run_import(
                client,
                resource,
                source,
                journal=journal,
                rejects=rejects,
                update=update,
                batch=batch,
                customers=buyers,
                concurrency=concurrency,
                settle=settle,
                on_progress=watch,
                stop=stop,
            )

        return to_the_end(work, limit=limit, page=report, as_json=json)

    command.__doc__ = _help(resource)
    return command


def _help(resource: ResourceName) -> str:
    columns = ", ".join(f"`{name}`" for name in fields_of(resource))
    return f"""Import {resource} from a file.

    Columns: {columns}. An empty cell is not sent. Amounts are written 1234.56, dates
    2024-01-31 or 2024-01-31T12:00:00Z, several tags one;two.

    Parameters
    ----------
    file
        CSV, whose first line names the columns, JSON Lines, Parquet or Arrow; text may
        be compressed with gzip. `-` is standard input, and needs --journal.
    mapping
        A TOML file with these options (columns, constants, ignore, format, ...), or the
        name of a ready one: {", ".join(mapping_names())}. What is given here wins.
    map
        `field=Column`: the field that a column goes to. A column that is named like a
        field needs none.
    set
        `field=value`: the same value for each row.
    ignore
        Columns to leave out.
    format
        Follows from the file's name when left out; CSV when that says nothing.
    encoding
        Of a text; UTF-8 when left out, or Windows-1252 for CSV that is not UTF-8.
    delimiter
        Between the columns of CSV, such as `;` or `tab`; found when left out.
    decimal_comma
        Amounts are written 1.234,56.
    date_format
        How dates are written, such as `%d.%m.%Y`; in UTC unless it has a zone (`%z`).
    journal
        What was decided for each row, FILE.journal when left out. With it the same
        command goes on where it stopped.
    rejects
        The rows that were rejected and why, FILE.rejects.csv when left out. Mended, it
        can be imported like any other file.
    dry_run
        Check all rows and send nothing; it needs no API key and leaves no journal.
    plan
        Look at what is there too, and show what would be created, updated, left alone
        and refused; nothing is changed.
    update
        Change what is there with other values to what its row says, as far as the API
        lets it be changed; without it such rows are rejected.
    batch
        Sales of a customer in one call: `documented` for those that have just a key, an
        amount and an action; `all-fields` for all, where the program takes them, which
        is tried on one batch first. For transactions only.
    customers
        A file of customers: those who buy and are not there are created with their
        first sale, which costs no request. For transactions only.
    customers_mapping
        Their mapping, like --mapping.
    concurrency
        Requests at once.
    limit
        What the program is allowed, such as 1000/min; learnt when left out.
    settle
        Seconds that a request of a killed run may still take to arrive.
    report
        A page to write, such as report.html: what came of it all, to look at.
    json
        Print the report as one line of JSON.
    """


for name in get_args(ResourceName):
    app.command(_command(name), name=name)
for name, command in commands.items():
    app.command(command, name=name)


def _buyers(file: Path | None, mapping: str | None) -> Source | None:
    if file is None:
        if mapping:
            raise ImportStopError("--customers-mapping is for a file: --customers FILE")
        return None
    options = load_mapping(mapping, "customers") if mapping else SourceOptions()
    return Source(path=file, **options)


def _given(**options: Any) -> SourceOptions:
    """Return the options that are given."""
    given = {name: value for name, value in options.items() if value is not None}
    return cast("SourceOptions", given)


def _pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise ImportStopError(f"{option} {text!r}: write {option} field=...")
        if name in pairs:
            raise ImportStopError(f"{option} gives {name} twice")
        pairs[name] = value
    return pairs
