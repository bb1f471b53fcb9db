"""Every resource that can be imported: the same promises, for each of its class."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, get_args

import attrs
import pytest

from partnero_async import Partnero
from partnero_async.bulk import ImportStopError, ResourceName, Source
from partnero_async.bulk.kinds import Kind, kind_of
from partnero_async.bulk.plan import Entry
from partnero_async.bulk.referrers import Referrers
from partnero_async.bulk.scan import open_plan
from partnero_async.sandbox import Sandbox
from tests.bulk.both import resolve, run_import
from tests.bulk.catalogue import EXAMPLES, Cells, Example, opened
from tests.bulk.shop import read_csv, write_csv
from tests.bulk.test_doubt import killed
from tests.scripted import async_only


@attrs.frozen
class Case:
    """An example, the program that it is for, and a folder."""

    example: Example
    client: Partnero
    sandbox: Sandbox
    folder: Path

    @property
    def kind(self) -> Kind:
        """Return what is tested."""
        return kind_of(self.example.resource)

    @property
    def made(self) -> int:
        """Return how many records were created."""
        return self.example.made_in(self.sandbox)

    async def load(self, *rows: Cells, journal: str = "j") -> Any:
        """Import the rows of the example, or others."""
        return await run_import(
            self.client,
            self.example.resource,
            self.example.write(self.folder, *rows),
            journal=self.folder / journal,
            settle=0.01,
        )

    def entries(self, *rows: Cells) -> list[Entry]:
        """Read the rows of the example, or others."""
        file = self.example.write(self.folder, *rows)
        plan, _ = open_plan(self.example.resource, Source(path=file))
        return [plan.read(cells) for cells in read_csv(file)[1:]]


@pytest.fixture(params=EXAMPLES, ids=lambda example: example.resource)
async def case(
    request: pytest.FixtureRequest, partnero: type[Partnero], tmp_path: Path
) -> AsyncIterator[Case]:
    """Open a program for each resource in turn."""
    example: Example = request.param
    async with opened(partnero, example.program) as (client, sandbox):
        yield Case(example, client, sandbox, tmp_path)


def test_there_is_an_example_of_each_resource() -> None:
    """A resource that is added is tested like the others."""
    assert [example.resource for example in EXAMPLES] == list(get_args(ResourceName))


async def test_what_cannot_be_imported(client: Partnero, tmp_path: Path) -> None:
    """A resource without an import is named, with those that have one."""
    unknown: Any = "payouts"
    with pytest.raises(ImportStopError, match=r"'payouts' cannot be .* partners, cust"):
        await run_import(client, unknown, EXAMPLES[0].write(tmp_path))


async def test_all_rows_are_created_once(case: Case) -> None:
    """Imported, and imported again without its journal: nothing is doubled."""
    first = await case.load()
    assert (first.done, first.already_there, first.exit_code) == (3, 0, 0), first
    assert case.made == 3
    again = await case.load(journal="another")
    assert (again.done, again.already_there, again.exit_code) == (3, 3, 0), again
    assert case.made == 3


async def test_other_values_are_a_conflict(case: Case) -> None:
    """What is there with other values is rejected, and the field is named."""
    await case.load()
    report = await case.load(case.example.other, journal="another")
    assert (report.done, report.rejected) == (0, 1)
    (row,) = report.first_rejected
    assert row.code == "conflict"
    assert row.reason == f"{row.key} is there with another {case.example.wrong}"
    assert case.made == 3


async def test_two_rows_with_one_key(case: Case) -> None:
    """The second is rejected, and both are named."""
    report = await case.load(*case.example.rows, case.example.other)
    assert (report.done, report.rejected) == (3, 1)
    (row,) = report.first_rejected
    assert (row.row, row.code) == (4, "duplicate")
    assert row.reason == f"{row.key} is the key of row 1 too"


async def test_a_killed_run(case: Case) -> None:
    """What was under way is sent again where that is harmless, else looked up."""
    first, *_ = case.entries()
    resource = getattr(case.client, case.example.resource)
    await resource.create(**first.arguments)
    journal = await killed(
        case.client, case.example.resource, case.example.write(case.folder), rows=3
    )
    report = await case.load(journal=journal.name)
    assert report.already_there == 0
    if case.kind.once:
        assert (report.done, report.exit_code, case.made) == (3, 0, 3)
        return
    assert (report.done, report.parked, case.made) == (1, 2, 1)
    assert {row.code for row in report.first_parked} == {"absent"}
    resolved = await resolve(case.client, journal, send_absent=True, settle=0.01)
    assert (resolved.done, resolved.exit_code, case.made) == (3, 0, 3)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_connection_that_breaks(
    case: Case, when: Literal["before", "after"]
) -> None:
    """The row is there once in the end, whether the request arrived or not."""
    operation = f"{case.example.resource}.create"
    case.sandbox.fail_next(operation, when=when, how="disconnect")
    report = await case.load()
    if report.parked:
        assert not case.kind.once
        resolved = await resolve(case.client, report.journal, settle=0.01)
        assert (resolved.done, resolved.parked) == (
            (3, 0) if when == "after" else (2, 1)
        )
        report = await resolve(
            case.client, report.journal, send_absent=True, settle=0.01
        )
    assert (report.done, report.already_there, report.exit_code) == (3, 0, 0)
    assert case.made == 3


async def test_a_row_in_doubt_is_looked_up(case: Case) -> None:
    """Found as it is, it is done; with other values, or not at all, it is parked."""
    await case.load(case.example.rows[0])
    await case.load(case.example.rows[1], journal="another")
    rows = (case.example.other, *case.example.rows[1:])
    file = case.example.write(case.folder, *rows)
    journal = await killed(case.client, case.example.resource, file, rows=3)
    report = await resolve(case.client, journal)
    assert (report.done, report.parked, case.made) == (1, 2, 2)
    codes = [(row.row, row.code) for row in report.first_parked]
    assert codes == [(1, "different"), (3, "absent")]


@async_only
async def test_what_is_listed_meets_its_row(case: Case) -> None:
    """A plan finds each row among all that is listed, and what differs of it."""
    await case.load()
    entries, referrers = case.entries(), Referrers(case.client)
    listed = case.kind.listed(case.client)
    records = [] if listed is None else await listed.collect()
    for entry in entries:
        name = case.kind.name_of(entry.arguments)
        assert entry.claim.startswith(name)
        met = [each for each in records if name in case.kind.names_in(each)]
        if listed is None:
            met = list(await case.kind.find(referrers, entry.arguments))
        differing = [
            await case.kind.differing(referrers, entry.arguments, each) for each in met
        ]
        assert differing.count([]) == 1
    (other,) = case.entries(case.example.other)
    for record in await case.kind.find(referrers, other.arguments):
        wrong = await case.kind.differing(referrers, other.arguments, record)
        assert wrong == [case.example.wrong]


@async_only
async def test_what_can_be_changed_is_changed(case: Case) -> None:
    """An update ends the difference, where the API has one that does."""
    await case.load()
    referrers = Referrers(case.client)
    (other,) = case.entries(case.example.other)
    (record, *_) = await case.kind.find(referrers, other.arguments)
    changes = case.kind.changes_for(other.arguments, record, [case.example.wrong])
    if changes is None:
        assert case.example.wrong not in case.kind.updates
        return
    await case.kind.update(case.client, record, changes)
    (record, *_) = await case.kind.find(referrers, other.arguments)
    assert await case.kind.differing(referrers, other.arguments, record) == []


TYPES = ("affiliate", "refer_a_friend", "newsletter")


@pytest.mark.parametrize("program", TYPES)
@pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if each.resource not in ("coupons", "promotion_codes")],
    ids=lambda example: example.resource,
)
async def test_a_key_of_another_type_of_program(
    partnero: type[Partnero], tmp_path: Path, example: Example, program: str
) -> None:
    """It stops before a row is sent, and each stays to be sent with another key."""
    if program == example.program or (
        (example.resource, program) == ("transactions", "refer_a_friend")
    ):
        return
    async with opened(partnero, program) as (client, sandbox):
        before = len(sandbox.ledger)
        report = await run_import(client, example.resource, example.write(tmp_path))
        assert len(sandbox.ledger) == before
    assert (report.pending, report.rejected, report.exit_code) == (3, 0, 2)
    assert report.unreachable is None
    assert "this key belongs to a" in (report.refused or "")


async def test_a_key_that_may_not_list(
    partnero: type[Partnero], tmp_path: Path
) -> None:
    """Keys may be limited in rights: one that may only write imports all the same."""
    example = EXAMPLES[0]
    async with opened(partnero, "affiliate") as (client, sandbox):
        sandbox.fail_next("partners.list", how=403)
        report = await run_import(client, example.resource, example.write(tmp_path))
        assert (report.done, report.exit_code) == (3, 0)
        assert sandbox.requests_by_route["GET /partners"] == 1


async def test_a_refusal_that_is_no_duplicate(
    partnero: type[Partnero], tmp_path: Path
) -> None:
    """A row of which nothing is there has the API's reason, and no other."""
    header = ("key", "partner.key", "domain_id", "is_additional")
    file = write_csv(tmp_path / "l.csv", [("l1", "p1", "9", "true")], header=header)
    async with opened(partnero, "affiliate") as (client, _):
        report = await run_import(client, "partner_links", file)
    (rejected,) = report.first_rejected
    assert rejected.code == "validation"
    assert rejected.reason == "domain_id: No domain has this id."
