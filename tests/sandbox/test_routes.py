import json
import re
from pathlib import Path
from typing import Any

import pytest

from partnero_async.sandbox import Sandbox
from partnero_async.sandbox.routes import ROUTES, methods

OPERATIONS = Path(__file__).parents[2].parent / "shared" / "api" / "operations.json"
# A noun is served whole or not at all.
NOUNS = {name.partition(".")[0] for name in Sandbox.routes()}
SERVED = {
    operation["id"]: operation
    for operation in json.loads(OPERATIONS.read_text())
    if operation["id"].partition(".")[0] in NOUNS
}
TYPES = {
    name: {each for r in ROUTES if r.operation == name for each in r.programs}
    for name in SERVED
}
# Served more widely than confirmed; unconfirmed means nobody saw it refused either.
WIDER = {"transactions.get", "transactions.delete"}


def test_every_operation_is_served_in_its_main_form() -> None:
    """The route table and the API's list of operations name the same routes."""
    assert Sandbox.routes() == {
        name: f"{operation['method']} {operation['path']}"
        for name, operation in SERVED.items()
    }


@pytest.mark.parametrize("name", sorted({*SERVED} - {"transactions.create_batch"}))
def test_every_operation_is_served_to_its_programs(name: str) -> None:
    """What a type does not have is not served to its keys."""
    documented = {*SERVED[name]["programs"]}
    if name in WIDER:
        documented |= {*SERVED[name]["programs_unconfirmed"]}
    assert TYPES[name] == documented


@pytest.mark.parametrize(
    ("name", "alternate"),
    [
        pytest.param(name, alternate, id=f"{name} {number}")
        for name, operation in SERVED.items()
        for number, alternate in enumerate(operation["alternates"])
    ],
)
def test_every_alternate_is_routed(name: str, alternate: Any) -> None:
    """Each other form that a source shows leads to the same operation."""
    path = re.sub(r"\{\w+\}", "x", alternate["path"])
    for kind in TYPES[name]:
        route, _ = methods(kind, path.split("/")[1:])[alternate["method"]]
        assert route.operation == name
