"""What all models have in common."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any, get_args, get_type_hints

import attrs
import pytest

from partnero_async import models
from partnero_async.models import Customer, Page, Partner, SignInUrl

MODELS = [
    kind
    for name in models.__all__
    if attrs.has(kind := getattr(models, name)) and kind is not Page
]
EACH = [pytest.param(kind, id=kind.__name__) for kind in MODELS]


@pytest.mark.parametrize("kind", EACH)
def test_a_model_has_slots(kind: type[Any]) -> None:
    """A misspelt attribute is an error and not a new one."""
    with pytest.raises(AttributeError):
        kind().misspelt = 1


@pytest.mark.parametrize("kind", EACH)
def test_a_model_takes_keywords_only(kind: type[Any]) -> None:
    """Fields may be added anywhere without moving the others."""
    with pytest.raises(TypeError):
        kind("value")


@pytest.mark.parametrize("kind", EACH)
def test_every_field_may_be_left_out(kind: type[Any]) -> None:
    """What an answer leaves out is None; unknown members start empty, each its own."""
    one, other = kind(), kind()
    values = attrs.asdict(one, recurse=False)
    assert values.pop("extra") == {}
    assert set(values.values()) <= {None}
    assert one.extra is not other.extra


@pytest.mark.parametrize("kind", EACH)
def test_every_field_but_extra_is_optional(kind: type[Any]) -> None:
    """The types say that a field may be None, so that callers check."""
    hints = get_type_hints(kind)
    hints.pop("extra")
    assert [n for n, hint in hints.items() if type(None) not in get_args(hint)] == []


@pytest.mark.parametrize("kind", EACH)
def test_unknown_members_are_compared_shown_and_copied(kind: type[Any]) -> None:
    """``extra`` is a field like the others."""
    model = kind(extra={"tier": {"level": 3}})
    assert model != kind()
    assert "'level': 3" in repr(model)
    assert copy.deepcopy(model) == pickle.loads(pickle.dumps(model)) == model  # noqa: S301 - our own


def test_fields_that_are_seldom_there() -> None:
    """They are set, compared, shown and copied as the others are."""
    partner = Partner(id="p1", tags=["vip"])
    assert partner == Partner(tags=["vip"], id="p1") != Partner(id="p1")
    other = copy.copy(partner)
    other.tags = None
    other.tos = True
    assert (partner.tags, partner.tos) == (["vip"], None)
    assert other == Partner(id="p1", tos=True)
    assert attrs.evolve(other, tos=None) == Partner(id="p1")
    assert repr(other).startswith("Partner(id='p1', ")
    assert "tos=True" in repr(other)
    assert "tos" in dir(Partner)


def test_fields_that_are_seldom_there_take_no_memory() -> None:
    """A partner has half as many fields again as a customer, and is smaller."""
    assert len(attrs.fields(Partner)) > len(attrs.fields(Customer)) * 1.5
    assert sys.getsizeof(Partner()) < sys.getsizeof(Customer())


def test_all_is_sorted_and_there() -> None:
    """The list of public names is what the module has."""
    assert models.__all__ == sorted(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)


def test_a_sign_in_url_is_not_shown() -> None:
    """Whoever sees it in a log could sign in with it."""
    shown = repr(SignInUrl(url="https://portal.example/sign-in/8f2c"))
    assert "8f2c" not in shown
    assert "'***'" in shown


def test_a_page_shows_its_items_and_not_its_link() -> None:
    """The link is the API's business."""
    page = Page(items=[Partner(id="pt_1")], number=2, link="https://x.example?page=3")
    assert "pt_1" in repr(page)
    assert "x.example" not in repr(page)
