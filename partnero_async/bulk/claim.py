"""Whose a journal is: the files, program, resource and columns it was started with."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, cast

import attrs

from ..client import Partnero
from ..errors import NotFoundError
from .fields import ResourceName
from .plan import Plan, plan_of
from .rejects import reopen_conflicts
from .source import Source
from .stops import ImportStopError, JournalError
from .store import Store
from .whole import part_of

__all__ = [
    "check_folder",
    "claim",
    "files_of",
    "fingerprint",
    "plan_in",
    "program_of",
]


def files_of(
    source: Source,
    journal: Path | str | None,
    rejects: Path | str | None,
    *,
    customers: Path | None = None,
    page: Path | None = None,
) -> tuple[Path, Path]:
    """Return where the journal and the rejected rows are.

    Raises `ImportStopError` where one file would be written over another: over what is
    read, *customers* too, or by the *page* about the import.
    """
    file = source.file
    if not file and not journal:
        raise JournalError(
            f"there is no file beside which the journal of {source.name} could be:"
            " name one (--journal)"
        )
    path = Path(journal or f"{file}.journal")
    beside = path.parent / (file or path).name
    rejected = Path(rejects or f"{beside}.rejects.csv")
    written = [path, Path(f"{path}-wal"), rejected, part_of(rejected)]
    written += [page, part_of(page)] if page else []
    names = [name for name in (file, customers) if name]
    for new in written:
        for name in names:
            if _is_same(name, new):
                raise ImportStopError(
                    f"{new} would be written over {name}: the file, its journal, its"
                    " rejects file and its page must be different files"
                )
        names.append(new)
    return path, rejected.absolute()


def _is_same(one: Path, other: Path) -> bool:
    if one.resolve() == other.resolve():
        return True
    # One file may have several names, such as one for each spelling of its case.
    return one.exists() and other.exists() and one.samefile(other)


def check_folder(file: Path, what: str = "the rejected rows") -> None:
    """See that a file can be made, while nothing has been sent yet."""
    folder = file.parent
    if not folder.is_dir():
        raise ImportStopError(f"{file}: there is no folder {folder}")
    # A device would be replaced by the file.
    other = file.exists() and not file.is_file()
    if other or not os.access(folder, os.W_OK | os.X_OK):
        raise ImportStopError(f"{file}: {what} cannot be written there")


async def program_of(client: Partnero) -> str:
    """Check the key, and say what it opens."""
    try:
        account = await client.account.test()
    except NotFoundError:
        # The key check is known from one source only. The address has to do.
        return repr(client)
    program = account.program
    return (program and program.pub_id) or repr(client)


def fingerprint(source: Source, header: tuple[str, ...]) -> str:
    """Return how rows become calls, as the journal keeps it: a text of JSON."""
    return json.dumps(
        {
            "header": header,
            "columns": dict(source.columns),
            "constants": dict(source.constants),
            "ignore": sorted(source.ignore),
            **_spelled(source),
        },
        sort_keys=True,
    )


def _spelled(source: Source) -> dict[str, Any]:
    """Return the options of spelling that are given: most imports have none."""
    options = attrs.asdict(source.spelling)
    return {name: value for name, value in options.items() if value}


def claim(store: Store, about: dict[str, str], plan: Plan) -> float:
    """Make the journal that of this import, or see that it is; say when it began."""
    if store.meta("sha256") is not None and _stays(store, about):
        with store.explained():
            if about["update"] and not store.meta("update"):
                reopen_conflicts(store, plan)
            # What may be given otherwise; customers stay those that were given once.
            store.keep(update=about["update"], batch=about["batch"])
    else:
        # Nothing took effect under it: its rows are read anew.
        store.drop("sha256")
        store.keep(**about, began=str(time.time()))
    return float(store.meta("began") or 0)


def _stays(store: Store, about: dict[str, str]) -> bool:
    """Say whether its rows stay as they were read: not where they may be read anew.

    Raises `JournalError` where they would have to be, and some of them took effect, and
    for a journal of something else.
    """
    if store.meta("resource") != about["resource"]:
        raise JournalError(
            f"{store.path} is the journal of {store.meta('resource')}: name another"
            " one (--journal)"
        )
    _check_program(store, about["program"])
    kept, now = (
        json.loads(text) for text in (store.meta("mapping") or "", about["mapping"])
    )
    if kept == now:
        return True
    if not store.took_effect():
        return False
    # A header that differs is a file that differs, and said so by the scan.
    if {**kept, "header": 0} != {**now, "header": 0}:
        raise JournalError(
            f"{store.path} was started with other --map, --set, --ignore,"
            " --decimal-comma or --date-format: give the same again, or a new journal"
        )
    return True


def _check_program(store: Store, program: str) -> None:
    if store.meta("program") != program:
        raise JournalError(
            f"{store.path} belongs to the program {store.meta('program')},"
            f" and this API key to {program}"
        )


def plan_in(store: Store, program: str) -> Plan:
    """Read from the journal how its rows become calls.

    Raises `JournalError` for a journal of another program than *program*.
    """
    _check_program(store, program)
    mapping = json.loads(store.meta("mapping") or "")
    source = Source(
        path=store.path,
        columns=mapping["columns"],
        constants=mapping["constants"],
        ignore=mapping["ignore"],
        decimal_comma=mapping.get("decimal_comma", False),
        date_format=mapping.get("date_format"),
    )
    resource = cast("ResourceName", store.meta("resource"))
    plan = plan_of(resource, source, mapping["header"])
    return attrs.evolve(plan, defused=bool(store.meta("defused")))
