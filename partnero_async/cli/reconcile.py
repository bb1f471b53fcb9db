"""`partnero reconcile`: what a file says against what the program holds."""

from __future__ import annotations

import asyncio
import csv
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, Literal, TextIO

from cyclopts import App, Parameter
from rich.console import Console

from ..bulk import ImportStopError, Reconciliation, Source, reconcile
from ..bulk.claim import check_folder
from ..bulk.whole import whole
from ..client import Partnero
from ._differences import summary, write_csv, write_json, write_table
from ._input import File, Input
from ._options import Concurrency, Limit, Switch
from ._runs import CALL_SECONDS

__all__ = ["app"]

EPILOGUE: Final = """\
Nothing is changed in the program. Exit codes: 0 file and program agree; 1 something
differs; 2 it could not be found out; 130 interrupted.
"""

app: App = App(
    name="reconcile",
    help="Compare a file of sales with what the program holds, and change nothing.",
    help_epilogue=EPILOGUE,
)

Form = Literal["table", "csv", "json"]
WRITERS: Final[Mapping[Form, Callable[[Reconciliation, TextIO], None]]] = {
    "table": write_table,
    "csv": write_csv,
    "json": write_json,
}


@app.command
def transactions(
    file: File,
    /,
    *,
    read: Input = Input(),  # noqa: B008 - it is frozen
    surplus: Switch = False,
    missing: Path | None = None,
    form: Annotated[Form, Parameter(name="--as")] = "table",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    concurrency: Concurrency = 16,
    limit: Limit = None,
) -> int:
    """Compare a file of sales with what the program holds, by their keys.

    It says which sales are missing, recorded more than once, or recorded with another
    amount, currency, customer, partner, action or date than the file has, what to do
    about each, and what the money adds up to. The file is given as for `partnero
    import transactions`, but only the key is needed: what it does not say is not
    compared. Where it names no partner, a sale has to be that of its customer's.

    Parameters
    ----------
    file
        The file; its first line names the columns.
    surplus
        Report sales of the program too that the file does not have.
    missing
        Write the rows that are missing to this CSV file, to be imported.
    form
        How the differences are written: a table shows the first of each kind.
    output
        Write the differences to this file.
    concurrency
        Requests at once.
    limit
        What the program is allowed, such as 120/min; learnt when left out.
    """
    _check_files(file, output, missing)
    source = read.source(file, "transactions")
    # What is half written is removed then, as it is on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    work = _reconcile(source, surplus=surplus, concurrency=concurrency, limit=limit)
    with asyncio.run(work) as found:
        again = _write_missing(found, missing, source) if missing else None
        _tell(found, form, output, again)
        return found.exit_code


def _check_files(file: Path, *written: Path | None) -> None:
    """See that files can be written, and which, before anything is read."""
    given = [path for path in written if path]
    places = [path.resolve() for path in (file, *given)]
    if any(one == other for one, other in combinations(places, 2)):
        raise ImportStopError("FILE, --output and --missing must be different files")
    for path in given:
        check_folder(path, "it")


async def _reconcile(
    source: Source, *, surplus: bool, concurrency: int, limit: str | None
) -> Reconciliation:
    async with Partnero(timeout=CALL_SECONDS, rate_limit=limit) as client:
        with Console(stderr=True).status("reading") as status:
            return await reconcile(
                client,
                source,
                surplus=surplus,
                concurrency=concurrency,
                on_progress=lambda what, count: status.update(f"{count} {what}"),
            )


# --- telling -----------------------------------------------------------------------


def _tell(
    found: Reconciliation, form: Form, output: Path | None, again: str | None
) -> None:
    if output:
        with whole(output) as file:
            WRITERS[form](found, file)
    else:
        WRITERS[form](found, sys.stdout)
    # What a program reads has nothing else in it; JSON has the summary itself.
    if output or form == "table":
        sys.stdout.write(summary(found, again))
    elif form == "csv":
        sys.stderr.write(summary(found, again))


def _write_missing(found: Reconciliation, path: Path, source: Source) -> str | None:
    """Write the rows that are missing; return the command that imports them."""
    if "missing" not in found.counts:
        return None
    with whole(path) as file:
        # CRLF makes the writer quote both kinds of line ends inside of cells.
        rows = csv.writer(file, lineterminator="\r\n")
        rows.writerow(found.header)
        rows.writerows(found.missing_rows())
    return shlex.join(
        [
            *("partnero", "import", "transactions", str(path)),
            *_options("--map", source.columns.items()),
            *_options("--set", source.constants.items()),
            *(part for name in source.ignore for part in ("--ignore", name)),
            *(["--decimal-comma"] if source.decimal_comma else []),
            *(["--date-format", source.date_format] if source.date_format else []),
        ]
    )


def _options(option: str, given: Iterable[tuple[str, str]]) -> list[str]:
    return [part for name, value in given for part in (option, f"{name}={value}")]
