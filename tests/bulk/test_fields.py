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
    ],
)
def test_the_type_of_a_parameter_says_how_it_is_read(
    resource: ResourceName, name: str, parse: object
) -> None:
    """Types and names of parameters choose the reader of a cell."""
    field = fields_of(resource)[name]
    assert field.parse is parse
    assert ".".join(field.path) == name
