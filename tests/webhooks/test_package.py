"""The package of deliveries as a whole: what it offers, and what importing it costs."""

from __future__ import annotations

from pathlib import Path

import pytest

import partnero_sync.webhooks
from partnero_async import webhooks
from tests.test_package import loaded_after
from tests.test_typed_calls import CHECKERS, check

FRAMEWORKS = {"aiohttp", "django", "flask", "starlette", "redis", "werkzeug"}


@pytest.mark.parametrize("name", webhooks.__all__)
def test_a_public_name_is_there(name: str) -> None:
    """In both packages it is the same object, but for what walks lists."""
    same = getattr(webhooks, name) is getattr(partnero_sync.webhooks, name)
    assert same == (name != "catch_up")


def test_both_packages_offer_the_same() -> None:
    """A name that is added to one is missed in the other."""
    assert partnero_sync.webhooks.__all__ == webhooks.__all__


def test_dir_lists_the_public_names() -> None:
    """Completion shows them before they are loaded."""
    assert dir(webhooks) == sorted(webhooks.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelling says so."""
    with pytest.raises(AttributeError, match="Reciever"):
        webhooks.Reciever  # type: ignore[attr-defined] # noqa: B018 - looking is what is tested


def test_no_framework_is_imported() -> None:
    """Neither by the package, nor by anything that is public in it."""
    loaded = loaded_after("from partnero_async.webhooks import *")
    assert loaded.isdisjoint(FRAMEWORKS)


def test_verifying_loads_no_models() -> None:
    """Whoever only verifies does not wait for the rest."""
    loaded = loaded_after("from partnero_async.webhooks import verify")
    assert loaded.isdisjoint({"cattrs", "msgspec", "asyncio", *FRAMEWORKS})


@pytest.mark.timeout(240)
@pytest.mark.parametrize("checker", CHECKERS)
def test_types_of_events(checker: list[str]) -> None:
    """An event is typed behind an `isinstance`, and functions keep their types."""
    done = check(checker, Path(__file__).with_name("typed_events.py"))
    assert done.returncode == 0, done.stdout


def test_a_receiver_needs_neither_client_nor_sandbox() -> None:
    """It is all that a web service loads."""
    loaded = loaded_after("from partnero_async.webhooks import Receiver")
    assert loaded.isdisjoint({"partnero_async.client", "partnero_async.sandbox"})
