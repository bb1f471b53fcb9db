"""Fields: they follow from the signatures of the create methods."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

from partnero_async.bulk import ResourceName, cells, fields_of
from partnero_async.bulk.fields import exclusive
from partnero_async.bulk.kinds import kind_of

RESOURCES: tuple[ResourceName, ...] = get_args(ResourceName)
NOT_OF_A_ROW = {"self", "if_exists", "transaction", "promotion_codes"}


@pytest.mark.parametrize("resource", RESOURCES)
def test_each_parameter_is_a_field(resource: ResourceName) -> None:
    """A parameter that is added to the create method is a column at once."""
    parameters = set(inspect.signature(kind_of(resource).create).parameters)
    tops = {field.path[0] for field in fields_of(resource).values()}
    assert tops == parameters - NOT_OF_A_ROW


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_is_needed_is_a_field(resource: ResourceName) -> None:
    """The rules about rows speak of fields that exist."""
    known = set(fields_of(resource))
    for group in (*kind_of(resource).needed, *exclusive(resource)):
        assert known.issuperset(group)


@pytest.mark.parametrize(
    ("resource", "name", "parse"),
    [
        pytest.param("transactions", "amount", cells.money, id="money"),
        pytest.param("transactions", "created_at", cells.moment, id="moment"),
        pytest.param("transactions", "rewarded", cells.flag, id="flag"),
        pytest.param("transactions", "customer.key", cells.identifier, id="nested key"),
        pytest.param(
            "transactions", "customer.created_at", cells.moment_text, id="text moment"
        ),
        pytest.param("transactions", "customer.partner.email", cells.email, id="deep"),
        pytest.param("partners", "tags", cells.tags, id="tags"),
        pytest.param("partners", "name", cells.text, id="text"),
        pytest.param("coupons", "uuid_code", cells.code, id="code"),
        pytest.param("coupons", "coupon_duration_value", cells.integer, id="number"),
        pytest.param("coupons", "metadata.source", cells.text, id="metadata"),
        pytest.param("leads", "cfields.12", cells.text, id="a form's own field"),
        pytest.param("leads", "cfields.a.b", cells.text, id="a name with a dot"),
        pytest.param(
            "coupons", "redemption_specific_date_value", cells.day, id="day or text"
        ),
        pytest.param("referrals", "metadata.date_of_birth", cells.day, id="deep day"),
    ],
)
def test_the_type_of_a_parameter_says_how_it_is_read(
    resource: ResourceName, name: str, parse: object
) -> None:
    """Types and names of parameters choose the reader of a cell."""
    field = fields_of(resource)[name]
    assert field.parse is parse
    assert name in fields_of(resource)
    assert ".".join(field.path) == name


def test_a_choice_is_one_of_the_signature() -> None:
    """What a parameter may be is read out of its type."""
    parse = fields_of("coupons")["coupon_discount_type"].parse
    assert parse("static") == "static"
    with pytest.raises(cells.CellError, match="none of percent, static; did you mean"):
        parse("procent")


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        pytest.param("leads", "cfields", id="the whole mapping"),
        pytest.param("leads", "cfields.", id="no name"),
        pytest.param("leads", "metadata.x", id="of another resource"),
        pytest.param("referrals", "metadata.x", id="not free"),
        pytest.param("leads", "nmae", id="misspelt"),
    ],
)
def test_what_is_no_field(resource: ResourceName, name: str) -> None:
    """A free name is free only where the API takes any."""
    fields = fields_of(resource)
    assert name not in fields
    with pytest.raises(KeyError):
        fields[name]
