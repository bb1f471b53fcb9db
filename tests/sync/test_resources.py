from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from partnero_sync import Pages, Partnero
from partnero_sync._generate import TARGET


def classes() -> Iterator[tuple[str, type, type]]:
    """Yield the noun, the generated class and the original class of each module."""
    for path in sorted(TARGET.glob("[!_]*.py")):
        ours = import_module(f"partnero_sync.resources.{path.stem}")
        theirs = import_module(f"partnero_async.resources.{path.stem}")
        (name,) = [name for name in vars(ours) if name.endswith("Resource")]
        yield path.stem, getattr(ours, name), getattr(theirs, name)


def public(resource: type) -> list[str]:
    return [name for name in vars(resource) if not name.startswith("_")]


def methods() -> Iterator[object]:
    """Yield the generated class, the original class and the name of each method."""
    for noun, generated, original in classes():
        for name in public(generated):
            yield pytest.param(generated, original, name, id=f"{noun}.{name}")


class Original:
    """Has one method, which returns the arguments that it was called with."""

    def __init__(self, name: str, method: Any) -> None:
        setattr(self, name, self._awaited if is_async(method) else self._called)
        self._signature = inspect.signature(method)

    def _called(self, *args: object, **kwargs: object) -> dict[str, object]:
        return self._signature.bind(None, *args, **kwargs).arguments

    async def _awaited(self, *args: object, **kwargs: object) -> dict[str, object]:
        return self._called(*args, **kwargs)


def is_async(method: Any) -> bool:
    return inspect.iscoroutinefunction(method)


def test_every_public_method_is_carried_over() -> None:
    """Both sides have the same methods, in the same order."""
    for _, generated, original in classes():
        assert public(generated) == public(original)


@pytest.mark.parametrize(("generated", "original", "name"), [*methods()])
def test_every_argument_arrives_under_its_name(
    generated: Any, original: Any, name: str
) -> None:
    """And what comes back is returned: waited for, or as a list to walk."""
    method = getattr(original, name)
    given = {key: object() for key in inspect.signature(method).parameters}
    del given["self"]
    with Partnero("key") as client:
        resource = generated(Original(name, method), client._portal)
        came = getattr(resource, name)(**given)
    if not is_async(method):
        assert isinstance(came, Pages)
        came = came._wrapped
    assert came == {"self": None, **given}


@pytest.mark.parametrize(("generated", "original", "name"), [*methods()])
def test_signature_is_that_of_the_original(
    generated: Any, original: Any, name: str
) -> None:
    """Names, kinds, defaults and annotations; so completion and help() are right."""
    ours = inspect.signature(getattr(generated, name))
    theirs = inspect.signature(getattr(original, name))
    assert ours.parameters.keys() == theirs.parameters.keys()
    for key, parameter in ours.parameters.items():
        other = theirs.parameters[key]
        assert (parameter.kind, parameter.default) == (other.kind, other.default)
    assert inspect.getdoc(getattr(generated, name)) == inspect.getdoc(
        getattr(original, name)
    )
