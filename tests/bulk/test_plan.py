"""Plans: columns to fields, and cells to calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from partnero_async.bulk import ColumnError, ResourceName, Source
from partnero_async.bulk.plan import Plan, RowError, plan_of

SALE = ("key", "customer.key", "amount")


def plan(
    resource: ResourceName = "transactions",
    header: Sequence[str] = SALE,
    **options: Any,
) -> Plan:
    """Make a plan for a file with *header*."""
    return plan_of(resource, Source(path="sales.csv", **options), header)


def test_columns_named_like_fields_need_no_map() -> None:
    """A column goes to the field of its name; dots lead into nested members."""
    entry = plan().read(["s1", "c1", "2.50"])
    assert entry.arguments == {
        "key": "s1",
        "customer": {"key": "c1"},
        "amount": Decimal("2.50"),
    }
    assert (entry.key, entry.amount, entry.buyer) == ("s1", Decimal("2.50"), "key:c1")
    assert not entry.creates_buyer


def test_map_set_and_ignore() -> None:
    """A shop's own columns are mapped, constants set, the rest is left out."""
    made = plan(
        header=("Order", "Customer ID", "Order date", "CDs", "Total (USD)"),
        columns={
            "key": "Order",
            "customer.key": "Customer ID",
            "created_at": "Order date",
            "amount": "Total (USD)",
        },
        constants={"action": "sale", "customer.name": "Ada"},
        ignore=["CDs"],
    )
    first = made.read(["o1", "c1", "1997-01-01", "2", "0.00"])
    second = made.read(["o2", "c2", "1997-01-02", "2", "1"])
    assert first.arguments == {
        "key": "o1",
        "customer": {"key": "c1", "name": "Ada"},
        "created_at": datetime(1997, 1, 1, tzinfo=UTC),
        "amount": Decimal("0.00"),
        "action": "sale",
    }
    assert second.arguments["customer"]["key"] == "c2"


def test_one_column_may_go_to_two_fields() -> None:
    """An e-mail address may be the key too."""
    made = plan(
        "customers",
        ("Mail", "partner.key"),
        columns={"key": "Mail", "email": "Mail"},
    )
    entry = made.read(["ada@example.com", "p1"])
    assert entry.arguments["key"] == entry.arguments["email"] == "ada@example.com"


def test_an_empty_cell_is_not_sent() -> None:
    """Nothing is sent for an empty cell."""
    made = plan(header=(*SALE, "action"))
    assert "action" not in made.read(["s1", "c1", "1", ""]).arguments


@pytest.mark.parametrize(
    ("header", "cells", "code", "reason"),
    [
        pytest.param(SALE, ["s1", "c1"], "cells", "2 cells, the header 3", id="few"),
        pytest.param(SALE, ["s1", "c1", "1", ""], "cells", "4 cells", id="many"),
        pytest.param(SALE, ["", "c1", "1"], "missing", "no key", id="no key"),
        pytest.param(
            SALE, ["s1", "", "1"], "missing", r"no customer\.key", id="no customer"
        ),
        pytest.param(
            SALE, ["s1", "c1", ""], "missing", "no amount and no reward", id="no amount"
        ),
        pytest.param(
            SALE, ["s1", "c1", "x"], "malformed", "amount: 'x'", id="no number"
        ),
        pytest.param(
            (*SALE, "customer.email"),
            ["s1", "c1", "1", "nope"],
            "malformed",
            "customer.email: 'nope'",
            id="malformed e-mail",
        ),
        pytest.param(
            (*SALE, "customer.email"),
            ["s1", "c1", "1", "a@b.com"],
            "ambiguous",
            "customer.key and customer.email",
            id="two ways to name the customer",
        ),
    ],
)
def test_rows_that_cannot_be_sent(
    header: Sequence[str], cells: Sequence[str], code: str, reason: str
) -> None:
    """A bad row is refused with a code and a reason."""
    with pytest.raises(RowError, match=reason) as caught:
        plan(header=header).read(cells)
    assert caught.value.code == code


def test_a_customer_that_is_created_may_have_key_and_email() -> None:
    """With create_customer the members of the customer are its values."""
    made = plan(
        header=(*SALE, "customer.email", "customer.partner.key"),
        constants={"create_customer": "true"},
    )
    entry = made.read(["s1", "c1", "1", "a@b.com", "p1"])
    assert entry.arguments["customer"]["partner"] == {"key": "p1"}
    assert entry.creates_buyer


@pytest.mark.parametrize(
    ("column", "cell", "customer"),
    [
        pytest.param("customer.email", "a@b.com", "email:a@b.com", id="email"),
        pytest.param("customer.id", "7", "id:7", id="id"),
    ],
)
def test_how_the_buyer_is_known(column: str, cell: str, customer: str) -> None:
    """The buyer has to be there, by whatever name."""
    made = plan(header=("key", column, "amount"))
    assert made.read(["s1", cell, "1"]).buyer == customer


@pytest.mark.parametrize(
    ("header", "options", "reason"),
    [
        pytest.param(
            (*SALE, "Amonut"),
            {},
            r"column 'Amonut' is no field; did you mean amount\?"
            r".*--ignore 'Amonut'",
            id="misspelt column",
        ),
        pytest.param((*SALE, "Zzzz"), {}, "there are customer.key, ", id="far away"),
        pytest.param(
            ("Order;Total",),
            {},
            "separated by ';'; say so with --delimiter",
            id="semicolons",
        ),
        pytest.param(
            SALE,
            {"columns": {"ammount": "amount"}},
            r"--map ammount=.*mean amount\?",
            id="map of no field",
        ),
        pytest.param(
            SALE,
            {"constants": {"acton": "sale"}},
            r"--set acton=.*mean action\?",
            id="set of no field",
        ),
        pytest.param(
            SALE,
            {"columns": {"action": "Kye"}},
            r"no such column; did you mean key\?",
            id="map of no column",
        ),
        pytest.param(
            SALE,
            {"ignore": ["Kye"]},
            r"--ignore 'Kye'.*did you mean key\?",
            id="ignore of no column",
        ),
        pytest.param(
            SALE,
            {"columns": {"key": "key"}, "constants": {"key": "1"}},
            "both --map and --set",
            id="map and set",
        ),
        pytest.param(
            (*SALE, "Order"),
            {"columns": {"key": "Order"}},
            "column 'key': --map gives this field; leave it out with --ignore 'key'",
            id="mapped over a column of its name",
        ),
        pytest.param(
            SALE,
            {"constants": {"amount": "1"}},
            "column 'amount': --set gives",
            id="set over a column of its name",
        ),
        pytest.param(
            SALE,
            {"constants": {"created_at": "soon"}},
            "--set created_at: 'soon'",
            id="malformed constant",
        ),
        pytest.param(
            ("key", "amount"),
            {},
            "no column for customer.key or customer.email",
            id="nothing names the customer",
        ),
    ],
)
def test_columns_that_do_not_fit(
    header: Sequence[str], options: Mapping[str, Any], reason: str
) -> None:
    """What is misspelt is named, with the nearest name and the way out."""
    with pytest.raises(ColumnError, match=reason):
        plan(header=header, **options)


def test_the_columns_of_a_rejects_file_are_left_out() -> None:
    """A rejects file can be fed as it is."""
    header = ("reject_row", "reject_code", "reject_reason", *SALE)
    assert plan(header=header).read(["1", "x", "y", "s1", "c1", "1"]).key == "s1"


@pytest.mark.parametrize(
    ("resource", "header", "row"),
    [
        pytest.param(
            "referrals",
            ("email", "referring_customer.id", "referring_customer.key"),
            ("a@b.com", "r1", "r1"),
            id="referrals",
        ),
        pytest.param(
            "subscribers",
            ("email", "referral.id", "referral.email"),
            ("a@b.com", "r1", "b@b.com"),
            id="subscribers",
        ),
    ],
)
def test_two_ways_to_name_who_referred(
    resource: ResourceName, header: Sequence[str], row: Sequence[str]
) -> None:
    """Which of two names the API follows is not known, so one is needed."""
    with pytest.raises(RowError, match="a row may name one of them"):
        plan(resource, header).read(row)


def test_members_of_a_free_mapping() -> None:
    """Any name will do behind ``metadata.``, in columns and constants."""
    made = plan(
        "leads",
        ("name", "email", "partner.key", "cfields.12", "Country"),
        columns={"cfields.13": "Country"},
        constants={"cfields.14": "yes"},
    )
    arguments = made.read(["Ada", "a@b.com", "p1", "Acme; Co", "CH"]).arguments
    assert arguments["cfields"] == {"14": "yes", "12": "Acme; Co", "13": "CH"}
    with pytest.raises(ColumnError, match=r"mean cfields\.NAME\?"):
        plan("leads", ("name", "email", "partner.key", "cfileds.12"))


def test_a_cell_that_is_no_choice() -> None:
    """The choices are named, with the nearest."""
    made = plan("subscribers", ("email", "status"))
    with pytest.raises(RowError) as caught:
        made.read(["a@b.com", "aktive"])
    assert caught.value.reason == (
        "status: 'aktive' is none of active, rejected, suspended; did you mean active?"
    )


@pytest.mark.parametrize(
    ("resource", "header", "missing"),
    [
        pytest.param("referrals", ("name",), "id or email or key", id="referrals"),
        pytest.param("leads", ("name", "email"), r"partner\.key or", id="leads"),
        pytest.param(
            "promotion_codes", ("coupon_uuid",), "no column for code", id="codes"
        ),
        pytest.param(
            "coupons",
            ("coupon_discount_type",),
            "no column for uuid_code",
            id="coupons",
        ),
    ],
)
def test_a_key_is_needed(
    resource: ResourceName, header: Sequence[str], missing: str
) -> None:
    """What has no key cannot be looked up, so the import wants one."""
    with pytest.raises(ColumnError, match=missing):
        plan(resource, header)
