"""A small file of each resource, for a program that has what its rows refer to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import attrs

from partnero_async import Partnero
from partnero_async.bulk import ResourceName
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import open_shop, write_csv

Cells = tuple[str, ...]


@attrs.frozen(kw_only=True)
class Example:
    """Rows that can be imported, and one that cannot be once they are."""

    resource: ResourceName
    program: str = "affiliate"
    header: Cells
    rows: Sequence[Cells]
    other: Cells
    """The first row with another value."""
    wrong: str
    """The field of that value."""

    def write(self, folder: Path, *rows: Cells) -> Path:
        """Write a file of these rows, or of others."""
        path = folder / f"{self.resource}.csv"
        return write_csv(path, rows or self.rows, header=self.header)

    def made_in(self, sandbox: Sandbox) -> int:
        """Count what was created, beside what was there from the start."""
        made = f"{self.resource}.create"
        before = BEFORE.get(self.resource, 0)
        return sum(each.operation == made for each in sandbox.ledger) - before


BEFORE: Final = {"partners": 2, "customers": 3, "referrals": 2, "coupons": 1}
"""What `opened` creates in a program that the resource belongs to."""

EXAMPLES: Final = (
    Example(
        resource="partners",
        header=("email", "name", "key", "tags"),
        rows=[
            ("a@example.com", "Ada", "ada", "one;two"),
            ("b@example.com", "Bob", "", ""),
            ("c@example.com", "", "cy", ""),
        ],
        other=("A@example.com", "Eve", "ada", ""),
        wrong="name",
    ),
    Example(
        resource="customers",
        header=("key", "partner.key", "email"),
        rows=[
            ("n1", "p1", "n1@example.com"),
            ("n2", "p2", ""),
            ("n3", "p1", "n3@example.com"),
        ],
        other=("n1", "p1", "else@example.com"),
        wrong="email",
    ),
    Example(
        resource="referrals",
        program="refer_a_friend",
        header=(
            *("id", "email", "key", "name"),
            *("referring_customer.key", "metadata.date_of_birth"),
        ),
        rows=[
            ("i1", "a@example.com", "k1", "Ada", "r1", "1991-07-19"),
            ("", "b@example.com", "", "Bob", "", ""),
            ("", "", "k3", "Cy", "r2", ""),
        ],
        other=("i1", "a@example.com", "k1", "Eve", "r1", "1991-07-19"),
        wrong="name",
    ),
    Example(
        resource="transactions",
        header=("key", "customer.key", "amount"),
        rows=[("s1", "c1", "1.25"), ("s2", "c2", "2.25"), ("s3", "c1", "3.25")],
        other=("s1", "c1", "9"),
        wrong="amount",
    ),
    Example(
        resource="leads",
        header=("name", "email", "partner.key", "cfields.1"),
        rows=[
            ("Ada L", "a@example.com", "p1", "Acme"),
            ("Ada L", "a@example.com", "p2", ""),
            ("Bob", "b@example.com", "p1", ""),
        ],
        other=("Eve", "A@example.com", "p1", "Acme"),
        wrong="name",
    ),
    Example(
        resource="subscribers",
        program="newsletter",
        header=("email", "name", "tos", "status", "referral.email"),
        rows=[
            ("a@example.com", "Ada", "true", "active", ""),
            ("b@example.com", "Bob", "", "suspended", "a@example.com"),
            ("c@example.com", "", "false", "", ""),
        ],
        other=("A@example.com", "Ada", "false", "", ""),
        wrong="tos",
    ),
    Example(
        resource="coupons",
        header=(
            *("uuid_code", "coupon_discount_type", "coupon_discount_amount"),
            *("coupon_duration_type", "coupon_duration_value"),
            *("redemption_specific_date_status", "redemption_specific_date_value"),
            "metadata.source",
        ),
        rows=[
            ("TEN", "percent", "10", "once", "", "", "", "old shop"),
            ("FIVE", "static", "5.50", "days", "30", "", "", ""),
            ("LATE", "percent", "1", "lifetime", "", "true", "2030-01-31", ""),
        ],
        other=("TEN", "percent", "11", "once", "", "", "", ""),
        wrong="coupon_discount_amount",
    ),
    Example(
        resource="promotion_codes",
        header=("code", "coupon_uuid", "first_time_order"),
        rows=[("HI", "BASE", "true"), ("HO", "BASE", ""), ("HE", "BASE", "false")],
        other=("HI", "BASE", "false"),
        wrong="first_time_order",
    ),
    Example(
        resource="partner_links",
        header=("key", "partner.email"),
        rows=[
            ("l1", "p1@example.com"),
            ("l2", "p2@example.com"),
            ("l3", "p1@example.com"),
        ],
        other=("l1", "p2@example.com"),
        wrong="partner",
    ),
    Example(
        resource="customer_links",
        program="refer_a_friend",
        header=("key", "customer.key", "customer.email"),
        rows=[("l1", "r1", ""), ("l2", "", "R2@example.com"), ("l3", "r1", "")],
        other=("l1", "r2", ""),
        wrong="customer",
    ),
)


@asynccontextmanager
async def opened(
    partnero: type[Partnero], program: str
) -> AsyncGenerator[tuple[Partnero, Sandbox]]:
    """Open a program of this type with what the rows refer to."""
    async with (
        Sandbox(programs=[program]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url, settle=0.05) as client,
    ):
        await furnish(client, program)
        yield client, sandbox


async def furnish(client: Partnero, program: str) -> None:
    """Create what the rows refer to."""
    if program == "affiliate":
        await open_shop(client)
        await client.partners.create(email="p2@example.com", key="p2")
        await client.coupons.create(
            uuid_code="BASE",
            coupon_discount_type="percent",
            coupon_discount_amount=Decimal(5),
            coupon_duration_type="once",
        )
    elif program == "refer_a_friend":
        for name in ("r1", "r2"):
            await client.referrals.create(key=name, email=f"{name}@example.com")
