"""Property-based tests of the sandbox: whatever is sent, it answers as it says it does.

Schemathesis draws requests from two descriptions: the one that the sandbox gives of
itself, and the published contract, whose schemas reach much further. It runs beside
the tests, in a process of its own: its threads and warnings are not ours. Its seed is
that of the run. ``PROPERTY_EXAMPLES=200`` asks for as many requests an operation.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero

from .reference import API, TYPES
from .test_reference import published

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "5"))
"""How many requests an operation, beside those at the edges of the schemas."""

TIMEOUT = 60 + 20 * EXAMPLES
"""Seconds for one description: much more than it takes."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
"""What is asked of every answer.

Not asked: that whatever fits a schema is accepted (a partner that is named has to be
there) and that whatever does not is refused (the sandbox takes every form of a request
that some source shows).
"""

HOOKS = Path(__file__).with_name("short_lines.py")

# --- the published contract, for the programs of one type ---------------------------

IDENTIFIERS = {
    "coupons": "uuid_code",
    "customer_links": "id",
    "customers": "key",
    "leads": "id",
    "partner_links": "id",
    "partners": "id",
    "payouts": "id",
    "promotion_codes": "code",
    "referrals": "id",
    "rewards": "id",
    "subscribers": "email",
    "transactions": "key",
    "webhooks": "key",
}
"""The member of an object that stands in the path of its other operations."""

FORMATS = {"email": "email", "url": "uri", "website": "uri"}
"""What a member of a request has to be to be accepted: the schemas just say a text."""

KNOWN = {
    "PartnerRef": {"email": "ada@example.com"},
    "TransactionCustomer": {"key": "acct-1"},
    "CustomerRef": {"email": "grace@example.com"},
}
"""Objects that are there: a drawn reference would hardly ever name one."""


BATCH = "transactions.create_batch"


def contract(program: str, url: str) -> dict[str, Any]:
    """Describe the operations that programs of one type have, as published."""
    document = yaml.safe_load((API / "openapi.yaml").read_text("utf-8"))
    schemas = document["components"]["schemas"]
    requests = {operation["request"] for operation in published()} - {None}
    shape({name: schemas[name] for name in requests | KNOWN.keys()})
    for name, known in KNOWN.items():
        schemas[name] = {"anyOf": [{"const": known}, schemas[name]]}
    paths: dict[str, Any] = {}
    for operation in published():
        # The batch is another body of the same request: its answer, which was never
        # published, would allow any answer to the other one.
        if program in operation["programs"] and operation["id"] != BATCH:
            place = paths.setdefault(operation["path"], {})
            place[operation["method"].lower()] = described(operation, program)
    return {
        "openapi": "3.1.0",
        "info": {"title": program, "version": "published"},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def shape(schema: Any) -> None:
    """Give the members their formats, at every depth."""
    for name, inner in schema.items():
        if isinstance(inner, dict):
            if name in FORMATS and inner.get("type") == "string":
                inner["format"] = FORMATS[name]
            shape(inner)


def described(operation: dict[str, Any], program: str) -> dict[str, Any]:
    """Describe one operation."""
    schema = operation.get("response_by_program", {}).get(
        program, operation["response"]
    )
    success: dict[str, Any] = {
        "description": "Success",
        "content": content(schema or "ActionResult"),
        "links": links(operation, program),
    }
    refusal = {"description": "Refusal", "content": content("Error")}
    statuses = {operation["success_status"], *operation["also_accept"]} - {204}
    found: dict[str, Any] = {
        "operationId": operation["id"],
        "parameters": [*in_path(operation), *in_query(operation)],
        "responses": {str(s): success for s in statuses} | {"4XX": refusal},
    }
    if operation["request"]:
        found["requestBody"] = {
            "required": True,
            "content": content(operation["request"]),
        }
    return found


def content(schema: str) -> dict[str, Any]:
    """Describe a body."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def in_path(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe the parts of a path."""
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in operation["path_params"]
    ]


def in_query(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe the parameters of a query."""
    names = {"type": "type", "min": "minimum", "max": "maximum", "enum": "enum"}
    return [
        {
            "name": name,
            "in": "query",
            "required": query["required"],
            "schema": {names[k]: v for k, v in query.items() if k in names},
        }
        for name, query in operation["query"].items()
    ]


def links(operation: dict[str, Any], program: str) -> dict[str, Any]:
    """Lead from an object, or the first of a list, to what can be done with it."""
    noun, _, action = operation["id"].partition(".")
    if noun not in IDENTIFIERS or action not in ("create", "list", "update"):
        return {}
    first = "0/" if action == "list" else ""
    value = f"$response.body#/data/{first}{IDENTIFIERS[noun]}"
    return {
        other["id"]: {
            "operationId": other["id"],
            "parameters": dict.fromkeys(other["path_params"], value),
        }
        for other in published()
        if other["id"].startswith(f"{noun}.")
        and other["path_params"]
        and program in other["programs"]
    }


# --- the runs ------------------------------------------------------------------------


@pytest.fixture(params=TYPES.values())
def program(request: pytest.FixtureRequest) -> str:
    """Name each type of program."""
    return str(request.param)


@pytest.fixture
def sandbox(program: str) -> Iterator[Sandbox]:
    """Run a program with something in it."""
    with Sandbox(programs=[program]).in_thread() as sandbox:
        with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
            fill(client, program)
        yield sandbox


def fill(client: Partnero, program: str) -> None:
    """Make what requests can name."""
    if program == "affiliate":
        client.partners.create(email="ada@example.com")
        client.customers.create("acct-1", partner={"email": "ada@example.com"})
    elif program == "refer_a_friend":
        client.referrals.create(email="grace@example.com")


def run(
    description: str, sandbox: Sandbox, seed: int, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    """Let schemathesis make its requests."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", description),
            *("--url", sandbox.url),
            *("--header", f"Authorization: Bearer {sandbox.api_key}"),
            *("--max-examples", str(EXAMPLES)),
            *("--checks", ",".join(CHECKS)),
            *("--seed", str(seed)),
            *("--warnings", "off"),
            "--continue-on-failure",
            "--no-color",
            *more,
        ],
        check=False,
        capture_output=True,
        cwd=folder,  # its notes of what failed go there
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
        text=True,
        timeout=TIMEOUT,
    )


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """Return what schemathesis says of a run in which nothing was wrong."""
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) generated, \1 passed", done.stdout)
    assert found, done.stdout
    print(found[0])
    assert int(found[1]) > 100
    return done.stdout


@pytest.mark.timeout(TIMEOUT + 30)
def test_the_sandbox_answers_as_it_describes_itself(
    sandbox: Sandbox, seed: int, tmp_path: Path
) -> None:
    """No request is a server error, and every answer is one that was announced."""
    address = sandbox.url.removesuffix("/v1") + "/openapi.json"
    succeeded(run(address, sandbox, seed, tmp_path))


@pytest.mark.timeout(TIMEOUT + 30)
def test_the_sandbox_answers_as_published(
    program: str, sandbox: Sandbox, seed: int, tmp_path: Path
) -> None:
    """Requests drawn from the published schemas get answers that fit them, in turn."""
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(contract(program, sandbox.url)), "utf-8")
    said = succeeded(run(str(path), sandbox, seed, tmp_path))
    assert "Stateful (not applicable)" not in said
    assert len(sandbox.ledger) > 10, "hardly anything that was drawn had an effect"


@pytest.mark.parametrize("program", ["newsletter"], indirect=True)
def test_a_difference_would_be_found(
    program: str, sandbox: Sandbox, seed: int, tmp_path: Path
) -> None:
    """Against a schema that says something else the run fails, by name."""
    other = contract(program, sandbox.url)
    schemas = other["components"]["schemas"]
    key = schemas["AccountTest"]["properties"]["data"]["properties"]["program"]
    key["properties"]["pub_id"]["type"] = "integer"
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(other), "utf-8")
    only = ("--include-operation-id", "account.test")
    done = run(str(path), sandbox, seed, tmp_path, *only)
    assert done.returncode == 1
    assert "Response violates schema" in done.stdout
