"""Reference == routes the client calls == routes the sandbox serves, by name."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from partnero_async import Pages, Partnero, PartneroError
from partnero_async._transport import Transport
from partnero_async.retries import Kind
from partnero_async.sandbox import Sandbox

from .reference import API, BY_ID, OPERATIONS, RESOURCES, Operation

ARGUMENTS: dict[str, Any] = {
    "amount": Decimal("1.50"),
    "customer": {"key": "acct-1"},
    "email": "ada@example.com",
    "id": "the-id",
    "key": "the-key",
    "partner": {"id": "pt_1"},
    "transactions": [{"amount": Decimal("1.50")}],
}
"""What the methods are called with: each required parameter by its name."""

EVERY: dict[str, Any] = {
    **dict.fromkeys(("create_customer", "rewarded", "rewardable"), True),
    **dict.fromkeys(("gross_amount", "discount_amount", "reward"), Decimal(1)),
    "created_at": 1772476800,
    "expires_in": 120,
    "if_exists": "raise",
    "limit": 15,
    "partner": dict.fromkeys(("id", "key", "email"), "x"),
    "referring_partner": dict.fromkeys(("id", "key", "email"), "x"),
    "tags": ["vip"],
    "transaction": {},
    "transactions": [{"key": "k", "amount": Decimal(1), "action": "sale"}],
    "customer": {
        **dict.fromkeys(("key", "email", "id", "name", "surname", "created_at"), "x"),
        "tags": ["vip"],
        "partner": dict.fromkeys(("id", "key", "email"), "x"),
    },
}
"""All that can be told, by parameter; the others take a text."""

UNSENT = {
    "customers.update": {"key"},  # it is in the path
    "transactions.create": {"customer.referring_customer"},  # refer-a-friend programs
    "transactions.create_batch": {"customer.referring_customer"},
}
"""Published members that the client has no parameter for, with what is below them."""

RETRY: dict[str, Kind] = {
    "A": Kind.READ,
    "B": Kind.STATE,
    "C": Kind.UNIQUE,
    "D": Kind.MONEY,
    "E": Kind.RELATIVE,
}

DELIBERATE: dict[str, tuple[Kind, str]] = {
    "partners.sign_in_url": (Kind.READ, "a repeat only mints another one-time URL"),
    "transactions.delete": (
        Kind.RELATIVE,
        "never repeated: under a shared key a second one deletes a second sale",
    ),
    "transactions.create_batch": (
        Kind.RELATIVE,
        "many keys: each sale of it has to be looked up by its own",
    ),
}
"""Where the client leaves the table of the retry rules, and why."""


def assert_same(found: Iterable[str], wanted: Iterable[str]) -> None:
    """Compare two sets by name."""
    found, wanted = set(found), set(wanted)
    missing, surplus = sorted(wanted - found), sorted(found - wanted)
    assert not missing, f"missing: {missing}"
    assert not surplus, f"stale or invented: {surplus}"


def methods(client: Partnero) -> dict[str, Callable[..., Any]]:
    """Find every public method of the resources, by the id of its operation."""
    return {
        f"{noun}.{name}": method
        for noun in RESOURCES
        for name, method in inspect.getmembers(getattr(client, noun), callable)
        if not name.startswith("_")
    }


async def call(method: Callable[..., Any]) -> None:
    """Call *method* with what its signature says it needs."""
    needed = [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
    ]
    result = method(**{name: ARGUMENTS[name] for name in needed})
    if isinstance(result, Pages):
        await result.first()
    else:
        await result


class Recording(Transport):
    """The real transport, which notes what kind of operation each call is."""

    kind: Kind | None = None

    async def call(self, result: Any, kind: Kind, operation: str, **rest: Any) -> Any:
        """Note the kind, then go on as usual."""
        self.kind = kind
        return await super().call(result, kind, operation, **rest)


async def observed() -> dict[str, tuple[str, Kind | None]]:
    """Call everything over a real socket; return lines and kinds by operation."""
    seen: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        path = request.raw_path.partition("?")[0].removeprefix("/v1")
        template = path.replace("the-id", "{id}").replace("the-key", "{key}")
        seen.append(f"{request.method} {template}")
        data: Any = [] if "page" in request.query else {}
        return web.json_response({"data": data, "status": 1})

    found: dict[str, tuple[str, Kind | None]] = {}
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with (
        TestServer(app) as server,
        Partnero("key-of-a-test", base_url=str(server.make_url("/v1"))) as client,
    ):
        transport = Recording(client._settings)
        client.__dict__["_transport"] = transport
        for name, method in methods(client).items():
            seen.clear()
            await call(method)
            assert len(seen) == 1, f"{name} sent {seen}, and not one request"
            found[name] = f"{name}: {seen[0]}", transport.kind
    return found


# --- the reference itself ------------------------------------------------------


def published() -> list[dict[str, Any]]:
    """Read the published operations of the nouns that are built."""
    operations = json.loads((API / "operations.json").read_text("utf-8"))
    return [o for o in operations if o["id"].split(".")[0] in RESOURCES]


def test_the_reference_holds_what_is_published() -> None:
    """Id, method, route and evidence are those of ``operations.json``."""
    assert_same(
        (f"{o.line} ({o.evidence})" for o in OPERATIONS),
        (
            f"{o['id']}: {o['method']} {o['path']} ({o['evidence']})"
            for o in published()
        ),
    )


def test_the_reference_names_each_operation_once() -> None:
    """A double line would hide the other one."""
    assert len(BY_ID) == len(OPERATIONS)


def test_the_letters_fit_what_is_published_about_repeats() -> None:
    """``x-retry`` names four classes; the letters are finer, and never contradict."""
    fits = {
        "safe": "A",
        "idempotent": "B",
        "unique-key": "C",
        "not-idempotent": "DE",
    }
    wrong = [
        f"{o['id']}: {o['retry']}, not {BY_ID[o['id']].retry}"
        for o in published()
        if BY_ID[o["id"]].retry not in fits[o["retry"]]
    ]
    assert wrong == []


# --- the client and the sandbox against it -------------------------------------


def names(value: Any, above: str = "") -> set[str]:
    """List the members of a body as they are published: dotted, ``[]`` for items."""
    found: set[str] = set()
    for name, inner in value.items():
        path = f"{above}{name}"
        found.add(path)
        if isinstance(inner, dict):
            found |= names(inner, f"{path}.")
        elif isinstance(inner, list) and isinstance(inner[0], dict):
            found |= names(inner[0], f"{path}[].")
    return found


def leaves(paths: Iterable[str]) -> set[str]:
    """Leave out the members that only hold others."""
    every = set(paths)
    return {
        p for p in every if not any(q.startswith((f"{p}.", f"{p}[")) for q in every)
    }


@pytest.mark.parametrize("name", BY_ID)
async def test_what_can_be_told_is_what_is_published(name: str) -> None:
    """Given everything, a method sends each published member and invents none."""
    seen: list[set[str]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        seen.append({f"?{key}" for key in request.query} | leaves(names(body)))
        data: Any = [] if "page" in request.query else {}
        return web.json_response({"data": data, "status": 1})

    (wanted,) = (o for o in published() if o["id"] == name)
    unsent = UNSENT.get(name, set())
    members = {
        path
        for path in leaves(wanted["body"])
        if not any(path == left or path.startswith(f"{left}.") for left in unsent)
    }
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with (
        TestServer(app) as server,
        Partnero("key-of-a-test", base_url=str(server.make_url("/v1"))) as client,
    ):
        method = methods(client)[name]
        result = method(
            **{
                name: EVERY.get(name, ARGUMENTS.get(name, "2026-03-04"))
                for name in inspect.signature(method).parameters
            }
        )
        await (result.first() if isinstance(result, Pages) else result)
    assert_same(seen[0], {f"?{key}" for key in wanted["query"]} | members)


async def test_the_client_calls_the_routes_of_the_reference() -> None:
    """Every operation has a method, every method an operation, on the same route."""
    found = await observed()
    assert_same(
        (line for line, _ in found.values()),
        (operation.line for operation in OPERATIONS),
    )


def test_the_sandbox_serves_the_routes_of_the_reference() -> None:
    """Its public listing holds them all, and nothing that was never published."""
    assert_same(
        (f"{name}: {route}" for name, route in Sandbox.routes().items()),
        (operation.line for operation in OPERATIONS),
    )


async def test_the_sandbox_gets_every_call_of_the_client_on_its_route(
    sandbox: Sandbox, client: Partnero
) -> None:
    """What the listing promises is really routed: no call of the client is a 404."""
    for name, method in methods(client).items():
        before = dict(sandbox.requests_by_route)
        with contextlib.suppress(PartneroError):
            await call(method)
        operation = BY_ID[name]
        route = f"{operation.method} {operation.route}"
        assert sandbox.requests_by_route.get(route, 0) > before.get(route, 0), name


async def test_each_operation_declares_its_retry_class() -> None:
    """The client's kinds are the letters of the rules, but for what is deliberate."""
    found = await observed()
    wrong = [
        f"{operation.id} is {found[operation.id][1]}, not {wanted}"
        for operation in OPERATIONS
        if found[operation.id][1] is not (wanted := _wanted(operation))
    ]
    assert wrong == []


def _wanted(operation: Operation) -> Kind:
    if operation.id in DELIBERATE:
        return DELIBERATE[operation.id][0]
    return RETRY[operation.retry]


def test_a_deliberate_exception_is_one() -> None:
    """An exception that says what the rules say anyway is stale."""
    stale = [n for n, (kind, _) in DELIBERATE.items() if kind is RETRY[BY_ID[n].retry]]
    assert stale == []


@pytest.mark.parametrize(
    ("found", "wanted", "message"),
    [
        pytest.param(["a"], ["a", "b"], "missing: .'b'", id="missing"),
        pytest.param(["a", "b"], ["a"], "stale or invented: .'b'", id="invented"),
    ],
)
def test_a_difference_is_told_by_name(
    found: list[str], wanted: list[str], message: str
) -> None:
    """The comparison says which operation it is about."""
    with pytest.raises(AssertionError, match=message):
        assert_same(found, wanted)
