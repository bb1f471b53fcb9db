import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from partnero_async.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "api" / "examples"

# Each file of the folder `examples` says what the examples of some nouns need:
# SETUP, the calls (method, path, body) before an example, by its name, its operation,
# or its noun, of which the first one found counts; BEFORE, further calls by name;
# RENAMED, texts of the example that stand for others here, such as generated numbers;
# UNREACHABLE, answers that the sandbox cannot give, and why; OTHER_STATUS, answers
# published with a success code that differs from the chosen one; SETTINGS, what the
# sandbox is started with for an example, by name; REFUSALS, names of examples in the
# folder of errors whose whole body is the default one.
WORLDS = [
    runpy.run_path(str(path))
    for path in sorted(Path(__file__).parent.joinpath("examples").glob("*.py"))
]


def merged(name: str) -> dict[str, Any]:
    """Put the constants of this *name* together."""
    return {
        key: value for world in WORLDS for key, value in world.get(name, {}).items()
    }


SETUP, BEFORE, RENAMED = merged("SETUP"), merged("BEFORE"), merged("RENAMED")
UNREACHABLE, OTHER_STATUS = merged("UNREACHABLE"), merged("OTHER_STATUS")
SETTINGS = merged("SETTINGS")
REFUSALS = [name for world in WORLDS for name in world.get("REFUSALS", ())]


def load(*folders: str) -> dict[str, Any]:
    """Read the example files of the operations that the sandbox serves."""
    files = [path for folder in folders for path in (EXAMPLES / folder).glob("*.json")]
    examples = {path.stem: json.loads(path.read_text()) for path in files}
    served = Sandbox.routes()
    return {
        name: example
        for name, example in sorted(examples.items())
        if example["operation"] in served
    }


def renamed(value: Any) -> Any:
    """Put what is called differently here in its place, at any depth."""
    text = json.dumps(value)
    for published, here in RENAMED.items():
        text = text.replace(published, here)
    return json.loads(text)


@pytest.fixture
async def prepared(serve: Any) -> Any:
    """Start a sandbox in the state that an example needs."""

    async def prepare(name: str, example: Any) -> Any:
        settings = {
            "programs": [example.get("program") or "affiliate"],
            "website": "https://harborlight.example",
            **SETTINGS.get(name, {}),
        }
        _, api = await serve(currency="EUR", **settings)
        operation = example["operation"]
        names = (name, operation, operation.partition(".")[0])
        setup: list[Any] = next((SETUP[each] for each in names if each in SETUP), [])
        for call in [*setup, *BEFORE.get(name, [])]:
            status, body = await api(*call)
            assert status < 300, body
        return api

    return prepare


def mismatches(expected: Any, found: Any, where: str = "") -> list[str]:
    """List members that differ in name or JSON type; null fits where it may stand."""
    if expected is None or found is None:
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        if where.endswith("product_type_data"):
            return []
        names = set(expected) ^ set(found)
        inner = [
            mismatch
            for name in set(expected) & set(found)
            for mismatch in mismatches(expected[name], found[name], f"{where}.{name}")
        ]
        return [f"{where}.{name}" for name in names] + inner
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected[:1], found[:1], strict=False)
        return [inner for pair in pairs for inner in mismatches(*pair, f"{where}[]")]
    return [] if kind(expected) == kind(found) else [where]


def kind(value: Any) -> str:
    """Name the JSON type; whole and other numbers are one type."""
    if isinstance(value, bool | str | dict | list):
        return type(value).__name__
    return "number"


@pytest.mark.parametrize(
    ("name", "example"),
    [
        pytest.param(name, example, id=name)
        for name, example in load("", "assumed").items()
        if name not in UNREACHABLE
    ],
)
async def test_answers_have_the_published_members(
    prepared: Any, name: str, example: Any
) -> None:
    """Same status, same members, same types as the example of the exchange."""
    api = await prepared(name, example)
    request, response = renamed(example["request"]), example["response"]
    status, body = await api(
        request["method"], request["path"], request["body"], params=request["query"]
    )
    assert status == OTHER_STATUS.get(name, response["status"]), body
    assert mismatches(response["body"], body) == []


def test_exceptions_are_examples() -> None:
    """No exception is kept longer than its example."""
    assert {*UNREACHABLE, *OTHER_STATUS} <= set(load("", "assumed"))
    assert {*BEFORE, *SETTINGS} <= set(load("", "assumed", "errors"))


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals_are_the_default_form(prepared: Any, name: str) -> None:
    """Code and whole body are those of the example."""
    example = load("errors")[name]
    request, response = renamed(example["request"]), example["response"]
    api = await prepared(name, example)
    answer = await api(request["method"], request["path"], request["body"])
    assert answer == (response["status"], response["body"])


def test_a_difference_is_found() -> None:
    """The comparison sees missing, added and retyped members at any depth."""
    expected = {"a": [{"b": 1, "c": "x"}], "d": None, "e": True}
    found = {"a": [{"b": "1", "f": 0}], "d": 5, "e": 1}
    assert sorted(mismatches(expected, found)) == [".a[].b", ".a[].c", ".a[].f", ".e"]
