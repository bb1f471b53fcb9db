"""Names of a package that load when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any


def lazily(
    package: str, names: Collection[str], homes: Mapping[str, str], rest: str
) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of *package*.

    Each of *names* is in the module that *homes* has for it, else in *rest*. Hide it
    from type checkers: they take any name for one that it knows.
    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes.get(name, rest), package), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
