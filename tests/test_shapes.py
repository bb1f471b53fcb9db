"""A shape that comes often is read by a function of its own: to the same effect."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async import _shapes
from partnero_async._convert import unstructure
from partnero_async._structure import new_converter
from partnero_async.drift import Finding, watching
from partnero_async.models import Customer, Partner, Transaction
from tests.test_models import EACH

TIMES = [
    "2026-03-04T10:00:00.000000Z",
    "2026-03-04 10:00:00",
    "2026-03-04T10:00:00+02:00",
]
FITTING: dict[Any, list[Any]] = {
    str: ["", "active", "Ada"],
    bool: [True, False],
    int: [0, 7],
    Decimal: [0, Decimal("1.50"), "4.20"],
    datetime: TIMES,
    list[str]: [[], ["vip"], [{"value": "vip"}]],
}
ODD = [
    *(None, True, 7, Decimal("1.50"), "active", "4.20", TIMES[0], [], {}),
    {"key": "c1", "created_at": TIMES[1], "odd": 1},
    [{"currency": "EUR", "amount": 3}, {"amount": None}],
]
STRANGE = ["unknown", "extra", "kept_sparsely", "given_0", "def", "}", "'", '"', "\\"]
"""Names of members that a server might have, and that a model does not."""


def value_of(hint: Any) -> st.SearchStrategy[Any]:
    """Most often a value that fits: one that does not ends the reading of all."""
    fitting = [v for kind in get_args(hint) for v in FITTING.get(kind, [])]
    return st.sampled_from([*(fitting or [None]) * 12, *ODD])


def objects(model: type) -> st.SearchStrategy[dict[str, Any]]:
    """Draw some of a model's members in any order, now and then with unknown ones."""
    hints = get_type_hints(model)
    del hints["extra"]
    known = st.lists(st.sampled_from(sorted(hints)), unique=True)
    strange = st.lists(st.sampled_from(STRANGE) | st.text(), max_size=3)
    more = st.tuples(known, strange).map(lambda both: [*both[1], *both[0]])
    names = st.one_of(known, more, more.flatmap(st.permutations))
    return names.flatmap(
        lambda names: st.fixed_dictionaries(
            {name: value_of(hints.get(name)) for name in names}
        )
    )


def outcome(structure: Any, value: dict[str, Any]) -> Any:
    """Read *value*: the model or that there is none, and what was found."""
    found: list[Finding] = []
    token = watching.set(found)
    try:
        return structure(value, None), sorted(found)
    except (TypeError, ValueError):
        return "it does not fit", None
    finally:
        watching.reset(token)


@pytest.mark.parametrize("model", [Partner, Customer, Transaction])
@given(values=st.data())
def test_first_and_tenth_are_read_alike(model: type, values: st.DataObject) -> None:
    """Of any object comes the same model and the same news, however often it comes."""
    structure = new_converter(detailed=False).get_structure_hook(model)
    value = values.draw(objects(model))
    first = outcome(structure, value)
    for _ in range(_shapes.OFTEN + 1):
        assert outcome(structure, value) == first


@pytest.mark.parametrize("model", EACH)
def test_shape_of_every_model(model: type) -> None:
    """Each model's members can be told as None, all of them or none of them."""
    structure = new_converter(detailed=False).get_structure_hook(model)
    names = get_type_hints(model).keys() - {"extra"}
    for came in (dict.fromkeys(sorted(names)), dict[str, Any]()):
        for _ in range(_shapes.OFTEN + 1):
            assert structure(came, None) == model()


def test_known_values_are_one_object() -> None:
    """A status that half of the items have is in memory once."""
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    read = [structure({"status": str(b"active", "ascii")}, None) for _ in range(20)]
    assert {partner.status for partner in read} == {"active"}
    assert len({id(partner.status) for partner in read}) == 1


@pytest.mark.parametrize("name", ["extra", "custom_fields"])
def test_each_has_its_own_map(name: str) -> None:
    """What is added to one is not in another, and stays there."""
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    came = {"id": "p1", "custom_fields": []}
    one, other = [structure(came, None) for _ in range(20)][-2:]
    getattr(one, name)["seen"] = True
    assert getattr(one, name) == {"seen": True}
    assert getattr(other, name) == {}


@pytest.mark.parametrize("came", [None, {"tier": "gold"}, ["gold"]])
def test_a_map_with_something_in_it(came: Any) -> None:
    """It is there as it came; and so is that there is none."""
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    read = [structure({"custom_fields": came}, None) for _ in range(20)]
    assert [partner.custom_fields for partner in read] == [came] * 20


@pytest.mark.parametrize(
    "use", [repr, pickle.dumps, copy.copy, attrs.asdict, unstructure]
)
def test_what_was_read_without_extra_is_like_any_other(use: Any) -> None:
    """It is made for whoever looks at all members, and until then takes no memory."""
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    came = {"id": "p1", "custom_fields": []}
    partner = [structure(came, None) for _ in range(20)][-1]
    given = Partner(id="p1", custom_fields={})
    assert use(partner) == use(given)
    assert partner == given
    with pytest.raises(AttributeError, match=r"'Partner' object has no .* 'naem'"):
        partner.naem  # noqa: B018 - a typing mistake


def test_shapes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many shapes no more are learnt, and all are read."""
    written: list[tuple[str, ...]] = []
    write = _shapes._write

    def noted(kind: Any, members: Any, shape: tuple[str, ...], inspector: Any) -> Any:
        written.append(shape)
        return write(kind, members, shape, inspector)

    monkeypatch.setattr(_shapes, "_write", noted)
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    for number in range(_shapes.MOST):
        structure({f"odd{number}": 1}, None)
    for _ in range(_shapes.OFTEN + 1):
        assert structure({"id": "p1"}, None).id == "p1"
    assert written == []


def test_a_function_is_not_written_for_any_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An object with far more members than its model has is read one by one."""
    monkeypatch.setattr(_shapes, "_write", None)
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    came = {f"odd{number}": number for number in range(1_000)}
    for _ in range(_shapes.OFTEN + 1):
        assert structure(came, None).extra == came


def test_times_without_a_zone_are_in_utc() -> None:
    """The first as well as the ninth."""
    structure = new_converter(detailed=False).get_structure_hook(Partner)
    came = {"created_at": "2026-03-04T10:00:00"}
    at = datetime(2026, 3, 4, 10, tzinfo=UTC)
    for _ in range(_shapes.OFTEN + 1):
        assert structure(came, None).created_at == at
