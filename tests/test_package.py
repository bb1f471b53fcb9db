"""The package as a whole: what importing it costs, and what it offers."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import partnero_async
from partnero_async import errors, models

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

HEAVY = ("aiohttp", "cattrs", "msgspec", "anyio", "asyncio")
FLOOR = (3, 14, 3)
"""The first aiohttp without the known holes: no scanner is asked, since one that
reaches no database reports that all is well."""


def loaded_after(statement: str) -> set[str]:
    """Run *statement* in a new interpreter; return the modules it has loaded then."""
    program = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Whoever only imports it, a command's help for one, does not wait for it."""
    assert loaded_after("import partnero_async").isdisjoint(HEAVY)


def test_catching_an_error_loads_no_client() -> None:
    """The errors need neither the network nor the codec."""
    loaded = loaded_after("from partnero_async import PartneroError")
    assert loaded.isdisjoint({"aiohttp", "cattrs", "msgspec", "partnero_async.client"})


def test_making_a_client_loads_no_network() -> None:
    """A client at the top of a module costs nothing until its first call."""
    loaded = loaded_after("import partnero_async; partnero_async.Partnero('k')")
    assert loaded.isdisjoint({"aiohttp", "cattrs", "msgspec"})


def test_a_resource_loads_its_own_models() -> None:
    """A program's first call waits for no others."""
    loaded = loaded_after(
        "from partnero_async import Partnero; Partnero('a-key').partners"
    )
    models = {name for name in loaded if name.startswith("partnero_async.models.")}
    assert models == {
        f"partnero_async.models.{name}" for name in ("_model", "pages", "partners")
    }


def test_models_load_by_their_own_names() -> None:
    """All of them are there, and nothing else is."""
    for name in models.__all__:
        assert hasattr(models, name)
    assert dir(models) == sorted(models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Misspelt'"):
        models.Misspelt  # type: ignore[attr-defined] # noqa: B018 - looking is what is tested


@pytest.mark.parametrize("name", partnero_async.__all__)
def test_a_public_name_is_there(name: str) -> None:
    """``__all__`` promises nothing that is missing."""
    value = getattr(partnero_async, name)
    assert value is getattr(partnero_async, name)


def test_every_error_is_public() -> None:
    """What is raised can be caught by a name of the package."""
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.PartneroError)
    }
    assert kinds <= set(partnero_async.__all__)


def test_dir_lists_the_public_names() -> None:
    """Completion in a shell shows what is meant to be used, before it is loaded."""
    assert dir(partnero_async) == sorted(partnero_async.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelling says so, with the name."""
    with pytest.raises(AttributeError, match="Partnerro"):
        partnero_async.Partnerro  # type: ignore[attr-defined] # noqa: B018 - looking is what is tested


def test_the_version_is_the_distributions() -> None:
    """One number, in one place."""
    assert partnero_async.__version__ == version("partnero-async")


def numbers(text: str) -> tuple[int, ...]:
    """Read the numbers of a version."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def test_the_installed_aiohttp_is_no_older_than_the_security_floor() -> None:
    """What the tests run with is what users may get."""
    assert numbers(version("aiohttp")) >= FLOOR


def test_the_security_floor_is_asked_for() -> None:
    """No user gets an older one with this package."""
    (wanted,) = (
        line
        for line in PROJECT["project"]["dependencies"]
        if line.startswith("aiohttp")
    )
    assert wanted.partition(">=")[0] == "aiohttp"
    assert numbers(wanted.partition(">=")[2]) >= FLOOR


def test_the_run_time_dependencies_stay_five() -> None:
    """Everything else is an extra."""
    names = {
        re.split(r"[^\w-]", line)[0] for line in PROJECT["project"]["dependencies"]
    }
    assert names == {"aiohttp", "anyio", "attrs", "cattrs", "msgspec"}


def test_the_package_is_typed() -> None:
    """Type checkers read the annotations only where this file stands."""
    assert (ROOT / "partnero_async" / "py.typed").is_file()
