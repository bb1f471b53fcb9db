"""What type checkers see: every method is used as typed, and mistakes are found."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pytest

from partnero_async import Partnero

ROOT = Path(__file__).parents[1]
CALLS = Path(__file__).with_name("typed_calls.py")

CHECKERS = [
    pytest.param(["mypy", "--no-incremental"], id="mypy"),
    pytest.param(["pyright", "--pythonpath", sys.executable], id="pyright"),
]


def check(checker: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    """Run a type checker on one file, with the settings of this project."""
    return subprocess.run(
        [sys.executable, "-m", *checker, str(path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=110,
    )


def offered() -> set[str]:
    """Find every public method of the client's resources, and of the client itself."""
    client = Partnero("key")
    nouns = [
        name
        for name, value in vars(Partnero).items()
        if isinstance(value, cached_property) and not name.startswith("_")
    ]
    return {
        f"{noun}.{name}"
        for noun in nouns
        for name, _ in inspect.getmembers(getattr(client, noun), callable)
        if not name.startswith("_")
    }


def used() -> set[str]:
    """Find every call of the form ``client.noun.method(...)`` in the file."""
    return {
        f"{noun}.{method}"
        for node in ast.walk(ast.parse(CALLS.read_text("utf-8")))
        if isinstance(node, ast.Call)
        for found in [ast.unparse(node.func).split(".")]
        if len(found) == 3
        for client, noun, method in [found]
        if client == "client"
    }


def test_every_method_is_used() -> None:
    """A new method fails here by its name until it is used as it is typed."""
    unused, unknown = sorted(offered() - used()), sorted(used() - offered())
    assert not unused, f"not used in typed_calls.py: {unused}"
    assert not unknown, f"used, and not there: {unknown}"


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_calls_are_as_typed(checker: list[str]) -> None:
    """Each checker, in its strict mode, accepts the file as it is."""
    done = check(checker, CALLS)
    assert done.returncode == 0, done.stdout + done.stderr


MISTAKES = [
    "client.partners.create(emial='a@example.com')",
    "client.partners.get()",
    "client.partnerz",
    "client.referrals.list(refer_status='some')",
    "client.subscribers.create(email='a@b.c', referral={'key': 'x'})",
    "client.program.update(program_settings={'cookies': 5})",
    "client.rewards.get('612')",
]


@pytest.mark.parametrize("checker", CHECKERS)
def test_mistakes_are_found(checker: list[str], tmp_path: Path) -> None:
    """A misspelt, missing or ill-typed argument is an error on its own line."""
    lines = [f"_{n} = {call}" for n, call in enumerate(MISTAKES)]
    path = tmp_path / "mistakes.py"
    path.write_text("\n".join([*HEAD, *lines, ""]), "utf-8")
    done = check(checker, path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = re.findall(r"mistakes\.py:(\d+)\b.*error", done.stdout)
    first = len(HEAD) + 1
    assert {int(line) for line in found} == {*range(first, first + len(MISTAKES))}


HEAD = ["from partnero_async import Partnero", "", "client = Partnero()"]
