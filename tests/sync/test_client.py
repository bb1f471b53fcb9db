from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

import partnero_async
import partnero_sync
from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero, UsageError
from partnero_sync._generate import TARGET


def test_names_are_those_of_the_async_package() -> None:
    """What is caught or built from either package is one and the same object."""
    assert sorted(partnero_sync.__all__) == sorted(partnero_async.__all__)
    assert dir(partnero_sync) == sorted(partnero_sync.__all__)
    own = {"Partnero", "Pages"}
    for name in partnero_sync.__all__:
        same = getattr(partnero_sync, name) is getattr(partnero_async, name)
        assert same is (name not in own), name
    with pytest.raises(AttributeError, match="no attribute 'Partnr'"):
        _ = partnero_sync.Partnr  # type: ignore[attr-defined] # a misspelling


BLOCKING = {
    *("dry_run", "export", "plan_import", "reconcile", "resolve", "resume"),
    *("retry_rejects", "run", "run_import", "status"),
}
"""Functions of an import that block in this package."""


@pytest.mark.parametrize(
    ("module", "own"),
    [
        pytest.param("errors", set[str](), id="errors"),
        pytest.param("models", set[str](), id="models"),
        pytest.param("tracking", set[str](), id="tracking"),
        pytest.param("telemetry", set[str](), id="telemetry"),
        pytest.param("drift", set[str](), id="drift"),
        pytest.param("bulk", BLOCKING, id="bulk"),
        pytest.param("sandbox", {"Sandbox"}, id="sandbox"),
    ],
)
def test_modules_have_the_same_objects(module: str, own: set[str]) -> None:
    """Whatever is in a module of the async package is in ours, and no copy."""
    ours = import_module(f"partnero_sync.{module}")
    theirs = import_module(f"partnero_async.{module}")
    for name in theirs.__all__:
        same = getattr(ours, name) is getattr(theirs, name)
        assert same is (name not in own), name
    assert getattr(ours, "__all__", theirs.__all__) == theirs.__all__


def test_async_package_does_not_know_this_one() -> None:
    """Imports run one way."""
    for path in Path(partnero_async.__file__).parent.rglob("*.py"):
        assert "import partnero_sync" not in path.read_text(), path
        assert "from partnero_sync" not in path.read_text(), path


def test_settings_are_those_of_the_async_client() -> None:
    """Same keywords, same defaults; two more are about loops and forks."""
    theirs = dict(inspect.signature(partnero_async.Partnero).parameters)
    ours = dict(inspect.signature(Partnero).parameters)
    assert ours.pop("on_running_loop").default == "warn"
    assert ours.pop("on_fork").default == "raise"
    assert ours == theirs


def test_every_resource_and_method_is_there() -> None:
    """What the async client has got is missed here by name."""

    def public(client: type) -> set[str]:
        return {name for name in dir(client) if not name.startswith("_")}

    assert public(Partnero) - {"close"} == public(partnero_async.Partnero) - {"aclose"}


def test_resources_are_those_that_they_are_called() -> None:
    """Each is a generated class around the async client's own, and made once."""
    with Partnero("key") as client:
        for path in TARGET.glob("[!_]*.py"):
            resource = getattr(client, path.stem)
            assert type(resource).__module__ == f"partnero_sync.resources.{path.stem}"
            assert resource._wrapped is getattr(client._async, path.stem)
            assert resource is getattr(client, path.stem)


def test_generated_package_says_what_it_is() -> None:
    """It can be read on its own."""
    assert import_module("partnero_sync.resources").__doc__


def test_plain_request(client: Partnero) -> None:
    """What has no method of its own yet can be called by its route."""
    client.partners.create(email="ada@example.com", id="p1")
    answer = client.request("GET", "/partners/{id}", parts={"id": "p1"})
    assert answer["data"]["email"] == "ada@example.com"
    assert client.drift is client._async.drift


def test_bad_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks are those of the async client."""
    monkeypatch.delenv("PARTNERO_API_KEY", raising=False)
    with pytest.raises(UsageError, match="PARTNERO_API_KEY"):
        Partnero()


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
def test_client_does_not_travel(
    client: Partnero, travel: Callable[[object], object]
) -> None:
    """Connections, keys and threads are neither pickled nor copied."""
    with pytest.raises(TypeError, match="make one where you need it"):
        travel(client)


def test_client_shows_where_it_sends_to(client: Partnero, sandbox: Sandbox) -> None:
    """And not the key."""
    assert repr(client) == f"<Partnero client of {sandbox.url}>"
    assert client.stats.requests == 0
