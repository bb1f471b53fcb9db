"""Fields: they follow from the signatures of the create methods."""

from __future__ import annotations

import inspect

import pytest

from partnero_async.bulk import ResourceName, cells, fields_of
from partnero_async.bulk.fields import CREATES, EXCLUSIVE, REQUIRED

RESOURCES: tuple[ResourceName, ...] = ("partners", "customers", "transactions")
NOT_OF_A_ROW = {"self", "if_exists", "transaction"}


@pytest.mark.parametrize("resource", RESOURCES)
def test_each_parameter_is_a_field(resource: ResourceName) -> None:
    """A parameter that is added to the create method is a column at once."""
    parameters = set(inspect.signature(CREATES[resource]).parameters)
    tops = {field.path[0] for field in fields_of(resource).values()}
    assert tops == parameters - NOT_OF_A_ROW


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_is_needed_is_a_field(resource: ResourceName) -> None:
    """The rules about rows speak of fields that exist."""
    known = set(fields_of(resource))
    for group in (*REQUIRED[resource], *EXCLUSIVE[resource]):
        assert known.issuperset(group)


@pytest.mark.parametrize(
    ("resource", "name", "parse"),
    [
        pytest.param("transactions", "amount", cells.money, id="money"),
        pytest.param("transactions", "created_at", cells.past, id="moment"),
        pytest.param("transactions", "amount_units", cells.currency, id="currency"),
        pytest.param("transactions", "rewarded", cells.flag, id="flag"),
        pytest.param("transactions", "customer.key", cells.identifier, id="nested key"),
        pytest.param(
            "transactions", "customer.created_at", cells.past_text, id="text moment"
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
