"""Rows that refer to others, which have to be there first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from partnero_async import Partnero
from partnero_async.bulk import Report, ResourceName
from tests.bulk.both import run_import
from tests.bulk.catalogue import opened
from tests.bulk.shop import write_csv

Rows = Sequence[Sequence[str]]


def why(report: Report) -> list[tuple[int, str | None, str]]:
    """Return number, code and reason of what was rejected."""
    return [(row.row, row.code, row.reason) for row in report.first_rejected]


async def test_customers_of_partners_that_were_rejected(
    client: Partnero, tmp_path: Path
) -> None:
    """The reason names the partner, who was to be there first; the others go on."""
    partners = write_csv(
        tmp_path / "p.csv",
        [("ada@example.com", "ada"), ("bob@example,com", "bob")],
        header=("email", "key"),
    )
    first = await run_import(client, "partners", partners)
    assert (first.done, first.rejected) == (1, 1)
    customers = write_csv(
        tmp_path / "c.csv",
        [("c1", "ada"), ("c2", "bob"), ("c3", "ada")],
        header=("key", "partner.key"),
    )
    report = await run_import(client, "customers", customers)
    assert report.done == 2
    ((row, code, reason),) = why(report)
    assert (row, code) == (2, "bad_request")
    assert "(it refers to partner.key 'bob', which has to be there first)" in reason


UNKNOWN = [
    pytest.param(
        "leads",
        "affiliate",
        ("name", "email", "partner.id"),
        ("Ada", "a@example.com", "nobody"),
        "not_found",
        "No partner has this id. (it refers to partner.id 'nobody', which has to",
        id="leads",
    ),
    pytest.param(
        "promotion_codes",
        "affiliate",
        ("code", "coupon_uuid"),
        ("HI", "NONE"),
        "not_found",
        "(it refers to coupon_uuid 'NONE', which has to be there first)",
        id="promotion codes",
    ),
    pytest.param(
        "partner_links",
        "affiliate",
        ("key", "partner.key"),
        ("l1", "p9"),
        "unknown_partner",
        "the program has no partner: partner.key 'p9'",
        id="links of partners",
    ),
    pytest.param(
        "customer_links",
        "refer_a_friend",
        ("key", "customer.email"),
        ("l1", "r@example.com"),
        "unknown_customer",
        "the program has no customer: customer.email 'r@example.com'",
        id="links of customers",
    ),
    pytest.param(
        "customer_links",
        "refer_a_friend",
        ("key", "customer.id"),
        ("l1", "r9"),
        "not_found",
        "No customer is called that. (it refers to customer.id 'r9', which",
        id="links of customers by id",
    ),
    pytest.param(
        "referrals",
        "refer_a_friend",
        ("email", "referring_customer.key"),
        ("a@example.com", "r9"),
        "bad_request",
        "(it refers to referring_customer.key 'r9', which has to be there first)",
        id="referrals",
    ),
]


@pytest.mark.parametrize(
    ("resource", "program", "header", "cells", "code", "reason"), UNKNOWN
)
async def test_who_is_not_there(
    *,
    partnero: type[Partnero],
    tmp_path: Path,
    resource: ResourceName,
    program: str,
    header: tuple[str, ...],
    cells: tuple[str, ...],
    code: str,
    reason: str,
) -> None:
    """A row that refers to nobody is rejected, and the reason names whom it means."""
    file = write_csv(tmp_path / "f.csv", [cells], header=header)
    async with opened(partnero, program) as (client, _):
        report = await run_import(client, resource, file)
    ((_, found, said),) = why(report)
    assert found == code
    assert reason in said


CHAINS = [
    pytest.param(
        "partners", "affiliate", ("email", "referring_partner.email"), id="partners"
    ),
    pytest.param(
        "subscribers", "newsletter", ("email", "referral.email"), id="subscribers"
    ),
]


@pytest.mark.parametrize(("resource", "program", "header"), CHAINS)
async def test_rows_that_refer_to_later_rows(
    partnero: type[Partnero],
    tmp_path: Path,
    resource: ResourceName,
    program: str,
    header: tuple[str, ...],
) -> None:
    """They wait for them, in any order, but not for nobody, nor in a ring."""
    names = [f"n{number}@example.com" for number in range(4)]
    chain = [*pairwise(names), (names[-1], "")]
    ring = [("a@example.com", "b@example.com"), ("b@example.com", "a@example.com")]
    rows = [*chain, *ring, ("z@example.com", "nobody@example.com")]
    file = write_csv(tmp_path / "f.csv", rows, header=header)
    async with opened(partnero, program) as (client, _):
        report = await run_import(client, resource, file)
    assert (report.done, report.rejected, report.exit_code) == (4, 3, 1)
    assert [row for row, *_ in why(report)] == [5, 6, 7]
    assert "which has to be there first" in why(report)[0][2]


async def test_referrals_that_refer_to_later_rows(
    partnero: type[Partnero], tmp_path: Path
) -> None:
    """Who referred a customer may stand below, named by id or key."""
    rows = [("a", "", "", "b"), ("b", "kb", "kc", ""), ("c", "kc", "", "")]
    header = ("id", "key", "referring_customer.key", "referring_customer.id")
    file = write_csv(tmp_path / "f.csv", rows, header=header)
    async with opened(partnero, "refer_a_friend") as (client, _):
        report = await run_import(client, "referrals", file)
        assert report.exit_code == 0
        assert (await client.referrals.get("a")).referring_customer == {"id": "b"}
