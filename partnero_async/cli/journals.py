"""`partnero import status|resume|retry-rejects|resolve`: what a journal is good for."""

from __future__ import annotations

import asyncio
import json as codec
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..bulk import (
    ImportStopError,
    Progress,
    Report,
    resolve,
    resume,
    retry_rejects,
)
from ..bulk.again import read_status
from ..client import Partnero
from ..errors import one_line
from . import INTERRUPTED
from ._options import Concurrency, Limit, Seconds, Switch
from ._runs import Work, run, tell, to_the_end
from ._telling import amount, table

__all__ = ["commands"]

Watch = Callable[[Progress], None]
Codes = Annotated[
    list[str] | None,
    Parameter(name="--code", consume_multiple=True, negative=""),
]


def status(journal: Path, /, *, json: Switch = False) -> int:
    """Show what a journal says: done, rejected, pending, in doubt, and why.

    It needs no API key and sends nothing. The exit code is that of an import that ended
    like this.

    Parameters
    ----------
    journal
        The journal of an import; no import may be using it.
    json
        Print the report as one line of JSON.
    """
    report = read_status(journal)
    if json:
        sys.stdout.write(f"{codec.dumps(report.as_dict())}\n")
    else:
        table(report)
    return report.exit_code


def resume_import(
    journal: Path,
    /,
    *,
    concurrency: Concurrency = 32,
    limit: Limit = None,
    settle: Seconds = 5.0,
    json: Switch = False,
) -> int:
    """Go on with an import; its file is not needed any more.

    Parameters
    ----------
    journal
        The journal of the import.
    concurrency
        Requests at once.
    limit
        What the program is allowed, such as 1000/min; learnt when left out.
    settle
        Seconds that a request of a killed run may still take to arrive.
    json
        Print the report as one line of JSON.
    """

    async def work(client: Partnero, watch: Watch, stop: asyncio.Event) -> Report:
        return await resume(
            client,
            journal,
            concurrency=concurrency,
            settle=settle,
            on_progress=watch,
            stop=stop,
        )

    return to_the_end(work, limit=limit, as_json=json)


def retry(
    journal: Path,
    /,
    *,
    code: Codes = None,
    update: Switch = False,
    concurrency: Concurrency = 32,
    limit: Limit = None,
    settle: Seconds = 5.0,
    json: Switch = False,
) -> int:
    """Try the rejected rows again, and go on with what is pending.

    Each is checked anew, and sent if there is nothing wrong with it any more, such as
    once its customer exists. Rows that have to be mended are mended in the rejects
    file, and that is imported.

    Parameters
    ----------
    journal
        The journal of the import.
    code
        Take only rows that were rejected for this reason, such as unknown_customer.
    update
        Change what is there with other values (rejected as conflict) to what its row
        says, as far as the API lets it be changed.
    concurrency
        Requests at once.
    limit
        What the program is allowed, such as 1000/min; learnt when left out.
    settle
        Seconds that a request of a killed run may still take to arrive.
    json
        Print the report as one line of JSON.
    """

    async def work(client: Partnero, watch: Watch, stop: asyncio.Event) -> Report:
        return await retry_rejects(
            client,
            journal,
            codes=code or (),
            update=update or None,
            concurrency=concurrency,
            settle=settle,
            on_progress=watch,
            stop=stop,
        )

    return to_the_end(work, limit=limit, as_json=json)


def resolve_journal(
    journal: Path,
    /,
    *,
    send_absent: Switch = False,
    yes: Switch = False,
    settle: Seconds = 30.0,
    concurrency: Concurrency = 8,
    limit: Limit = None,
    json: Switch = False,
) -> int:
    """Look up the rows that an import left in doubt.

    What is found is done. What is found more than once or with other values stays
    parked, and is listed. What is not found stays parked too, unless it is sent again:
    on a terminal that is asked, anywhere else it takes --send-absent --yes.

    Parameters
    ----------
    journal
        The journal of the import.
    send_absent
        Send the rows that are proven absent: last sent long enough ago, and not found
        by two more look-ups. On a terminal it asks first.
    yes
        Do not ask.
    settle
        Seconds that have to have passed since a row was sent before it counts as
        absent.
    concurrency
        Requests at once.
    limit
        What the program is allowed, such as 1000/min; learnt when left out.
    json
        Print the report as one line of JSON.
    """
    if yes and not send_absent:
        raise ImportStopError("--yes goes with --send-absent: there is nothing else")
    can_ask = sys.stdin.isatty() and sys.stderr.isatty()
    if send_absent and not yes and not can_ask:
        raise ImportStopError(
            "--send-absent sends sales again, and there is no terminal to ask on:"
            " add --yes"
        )

    def resolving(*, send: bool) -> Work[Report]:
        async def work(client: Partnero, watch: Watch, stop: asyncio.Event) -> Report:
            return await resolve(
                client,
                journal,
                send_absent=send,
                settle=settle,
                concurrency=concurrency,
                on_progress=watch,
                stop=stop,
            )

        return work

    if yes or not can_ask:
        return to_the_end(resolving(send=yes), limit=limit, as_json=json)
    report = run(resolving(send=False), limit=limit)
    # Asked between two runs: while one is going on, Ctrl-C would not end the question.
    if _wants_them_sent(report):
        return to_the_end(resolving(send=True), limit=limit, as_json=json)
    return tell(report, as_json=json)


def _wants_them_sent(report: Report) -> bool:
    absent = report.reasons.get("absent", 0)
    if not absent or report.exit_code == INTERRUPTED:
        return False
    rows = [row for row in report.first_parked if row.code == "absent"]
    for row in rows:
        sys.stderr.write(f"{one_line(f'row {row.row}: {row.reason}')}\n")
    if absent > len(rows):
        sys.stderr.write(f"and {absent - len(rows)} more\n")
    sums = [amount(money.absent, money.units) for money in report.money if money.absent]
    worth = one_line(f", {' and '.join(sums)} in all" if sums else "")
    sys.stderr.write(f"{absent} rows are not there{worth}. Send them now? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


commands: Mapping[str, Callable[..., int]] = {
    "status": status,
    "resume": resume_import,
    "retry-rejects": retry,
    "resolve": resolve_journal,
}
