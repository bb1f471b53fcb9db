"""Reference == routes the client calls == routes the sandbox serves, by name."""

from __future__ import annotations

import contextlib
import inspect
import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from partnero_async import Partnero, PartneroError
from partnero_async._transport import Transport
from partnero_async.models import PayoutSettings, PortalSettings, ProgramSettings
from partnero_async.retries import Kind
from partnero_async.sandbox import Sandbox

from .awaited import AwaitedClient, beneath
from .reference import API, BY_ID, OPERATIONS, TYPES, Operation

ARGUMENTS: dict[str, Any] = {
    "amount": Decimal("1.50"),
    "confirm": "the-confirm",
    "commission_transaction_amount": Decimal("1.50"),
    "coupon_discount_amount": 10,
    "coupon_discount_type": "percent",
    "coupon_duration_type": "once",
    "coupon_duration_value": 3,
    "customer": {"key": "acct-1"},
    "email": "ada@example.com",
    "events": ["customer.created"],
    "id: int": 770077,
    "partner": {"id": "pt_1"},
    "settings": {},
    "subscribers_count": 3,
    "transactions": [{"amount": Decimal("1.50")}],
    "url": "https://shop.example/hook",
}
"""What the methods are called with: each required parameter by its name.

With its annotation where the name alone does not say it; the others take a text of
their own, by which the part of a path is found again.
"""

PARTS = ("code", "id", "identifier", "key", "uuid_code")
"""The parts of paths."""


def argument(parameter: inspect.Parameter) -> Any:
    """Choose what to call a method with."""
    name = parameter.name
    stated = ARGUMENTS.get(f"{name}: {parameter.annotation}")
    return stated or ARGUMENTS.get(name, f"the-{name}")


def template(path: str) -> str:
    """Put the names of the parts back where their values are."""
    for part in PARTS:
        path = re.sub(rf"(?<=/)the-{part}(?=/|$)", f"{{{part}}}", path)
    return path.replace("/770077", "/{id}")


FURTHER: dict[str, dict[str, Any]] = {
    "subscribers.delete": {"id": "the-id"},  # or the e-mail address
}
"""What some methods need beside what their signature insists on."""

REFERENCE = dict.fromkeys(("id", "key", "email"), "x")
EVERY: dict[str, Any] = {
    "created_at": 1772476800,
    "coupon_specific_customers": {"id": 1, "customer_full_name": "x"},
    "coupon_specific_partners": {"id": 1, "full_name": "x"},
    "coupon_specific_subscribers": {"id": 1, "subscriber_full_name": "x"},
    "events": ["customer.created"],
    "if_exists": "raise",
    "limit": 15,
    "partner": REFERENCE,
    "payout_settings": dict.fromkeys(PayoutSettings.__annotations__, "x"),
    "portal_settings": dict.fromkeys(PortalSettings.__annotations__, True),
    "program_settings": dict.fromkeys(ProgramSettings.__annotations__, True),
    "referral": dict.fromkeys(("id", "email"), "x"),
    "referring_customer": dict.fromkeys(("id", "key"), "x"),
    "referring_partner": REFERENCE,
    "reward_ids": [1],
    "sync": {"provider": "stripe"},
    "tags": ["vip"],
    "transactions": [{"key": "k", "amount": Decimal(1), "action": "sale"}],
    "customer": {
        **dict.fromkeys(("key", "email", "id", "name", "surname", "created_at"), "x"),
        "tags": ["vip"],
        "partner": REFERENCE,
    },
    "customer_links.create.customer": REFERENCE,
    "referrals.create.metadata": {"date_of_birth": "1991-07-19"},
    "subscribers.delete.email": None,
}
"""All that can be told, by parameter, with its method where that matters.

The others take what their annotation says.
"""


def everything(method: str, parameter: inspect.Parameter) -> Any:
    """Choose what to call a method with that is to say all that it can say."""
    if f"{method}.{parameter.name}" in EVERY:
        return EVERY[f"{method}.{parameter.name}"]
    if parameter.name in EVERY:
        return EVERY[parameter.name]
    if parameter.name in ARGUMENTS:
        return ARGUMENTS[parameter.name]
    for start, value in BY_ANNOTATION.items():
        if str(parameter.annotation).startswith(start):
            return value
    return "2026-03-04"


BY_ANNOTATION = {
    "bool": True,
    "int": 7,
    "Decimal": Decimal(1),
    "Mapping": {},
    "Sequence[Mapping": [],
}

UNSENT = {
    "customer_links.update": {"id"},  # it is in the path, here and in the next two
    "customers.update": {"key"},
    "partner_links.update": {"id"},
    "subscribers.delete": {"email"},  # the id or the e-mail address, not both
    "transactions.create": {"customer.referring_customer"},  # refer-a-friend programs
    "transactions.create_batch": {"customer.referring_customer"},
}
"""Published members that the client has no parameter for, with what is below them."""

COMPOSED = {"transactions.partial_refund"}
"""Methods that are no operation: they make something of several."""

RETRY: dict[str, Kind] = {
    "A": Kind.READ,
    "B": Kind.STATE,
    "C": Kind.UNIQUE,
    "D": Kind.MONEY,
    "E": Kind.RELATIVE,
}

DELIBERATE: dict[str, tuple[Kind, str]] = {
    "program.delete": (
        Kind.RELATIVE,
        "the second step cannot be taken back, and its code lives 20 seconds",
    ),
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
    kind = type(client._own if isinstance(client, AwaitedClient) else client)
    nouns = [
        name
        for name, value in vars(kind).items()
        if isinstance(value, cached_property) and not name.startswith("_")
    ]
    return {
        f"{noun}.{name}": method
        for noun in nouns
        for name, method in inspect.getmembers(getattr(client, noun), callable)
        if not name.startswith("_") and f"{noun}.{name}" not in COMPOSED
    }


async def call(name: str, method: Callable[..., Any]) -> None:
    """Call *method* with what its signature says it needs."""
    parameters = inspect.signature(method).parameters.values()
    needed = {p.name: argument(p) for p in parameters if p.default is p.empty}
    result = method(**needed, **FURTHER.get(name, {}))
    await (result if inspect.isawaitable(result) else result.first())


class Recording(Transport):
    """The real transport, which notes what kind of operation each call is."""

    kind: Kind | None = None
    result: Any = None

    async def call(self, result: Any, kind: Kind, operation: str, **rest: Any) -> Any:
        """Note the kind, then go on as usual."""
        self.result, self.kind = result, kind
        return await super().call(result, kind, operation, **rest)


def empty(name: str) -> dict[str, Any]:
    """Return an answer to an operation in which nothing is that can be left out."""
    if name == "program.delete":
        asked = {"id": "the-confirm", "confirmation_code": "8X2KQ0LM"}
        return {"data": asked, "status": 1}
    response = next((o["response"] for o in published() if o["id"] == name), "")
    many = re.search("List|Search", str(response))
    return {"data": [] if many else {}, "status": 1}


TYPE_OF_PROGRAM = "GET /program"
SEVERAL = {
    "program.delete": ["GET /program", "DELETE /program", "DELETE /program"],
}
"""Methods that send more than one request: the public id is compared, a code asked
for, and used."""


class Observed(NamedTuple):
    """What a method of the client does."""

    line: str
    kind: Kind | None
    result: Any
    """What it reads the answer as."""


async def observed(partnero: type[Partnero]) -> dict[str, Observed]:
    """Call everything over a real socket; return what was seen by operation."""
    seen: list[str] = []
    before: list[str] = []
    name = ""

    async def answer(request: web.BaseRequest) -> web.Response:
        path = request.raw_path.partition("?")[0].removeprefix("/v1")
        seen.append(f"{request.method} {template(path)}")
        return web.json_response(empty(name))

    found: dict[str, Observed] = {}
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with (
        TestServer(app) as server,
        partnero("key-of-a-test", base_url=str(server.make_url("/v1"))) as client,
    ):
        transport = Recording(client._settings)
        transport.program.know(None)  # it is not asked for
        vars(beneath(client))["_transport"] = transport
        for name, method in methods(client).items():
            seen.clear()
            await call(name, method)
            # The program's type may be asked for first, once, where URLs are shared.
            if len(seen) == 2 and seen[0] == TYPE_OF_PROGRAM and not before:
                before.append(seen.pop(0))
            assert len(seen) == 1 or seen == SEVERAL.get(name), f"{name} sent {seen}"
            line = f"{name}: {seen[-1]}"
            found[name] = Observed(line, transport.kind, transport.result)
    return found


# --- the reference itself ------------------------------------------------------


@cache
def published() -> list[dict[str, Any]]:
    """Read the published operations."""
    found: list[dict[str, Any]] = json.loads((API / "operations.json").read_text())
    return found


def test_the_reference_holds_what_is_published() -> None:
    """Id, method, route, evidence and programs are those of ``operations.json``."""
    assert_same(
        (f"{o.line} ({o.evidence}, {', '.join(o.programs)})" for o in OPERATIONS),
        (
            f"{o['id']}: {o['method']} {o['path']} "
            f"({o['evidence']}, {', '.join(o['programs'])})"
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
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            found |= names(inner[0], f"{path}[].")
    return found


def leaves(paths: Iterable[str]) -> set[str]:
    """Leave out the members that only hold others."""
    every = set(paths)
    return {
        p for p in every if not any(q.startswith((f"{p}.", f"{p}[")) for q in every)
    }


@pytest.mark.parametrize("name", BY_ID)
async def test_what_can_be_told_is_what_is_published(
    partnero: type[Partnero], name: str
) -> None:
    """Given everything, a method sends each published member and invents none."""
    seen: list[set[str]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        seen.append({f"?{key}" for key in request.query} | leaves(names(body)))
        return web.json_response(empty(name))

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
        partnero("key-of-a-test", base_url=str(server.make_url("/v1"))) as client,
    ):
        method = methods(client)[name]
        parameters = inspect.signature(method).parameters.values()
        result = method(**{p.name: everything(name, p) for p in parameters})
        await (result if inspect.isawaitable(result) else result.first())
    assert_same(seen[-1], {f"?{key}" for key in wanted["query"]} | members)


async def test_the_client_calls_the_routes_of_the_reference(
    partnero: type[Partnero],
) -> None:
    """Every operation has a method, every method an operation, on the same route."""
    found = await observed(partnero)
    assert_same(
        (seen.line for seen in found.values()),
        (operation.line for operation in OPERATIONS),
    )


def test_the_sandbox_serves_the_routes_of_the_reference() -> None:
    """Its public listing holds them all, and nothing that was never published."""
    assert_same(
        (f"{name}: {route}" for name, route in Sandbox.routes().items()),
        (operation.line for operation in OPERATIONS),
    )


@pytest.mark.parametrize("program", TYPES.values())
async def test_the_sandbox_gets_every_call_of_the_client_on_its_route(
    partnero: type[Partnero], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the listing promises is really routed: no call of the client is a 404."""
    async with (
        Sandbox(programs=[program]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        missed: list[str] = []
        monkeypatch.setitem(ARGUMENTS, "confirm", sandbox.program_id)
        found = methods(client)
        # Last of all: nothing is there any more after it.
        for name in sorted(found, key=lambda name: name == "program.delete"):
            method, operation = found[name], BY_ID[name]
            if program not in operation.programs:
                continue
            before = dict(sandbox.requests_by_route)
            with contextlib.suppress(PartneroError):
                await call(name, method)
            route = f"{operation.method} {operation.route}"
            if sandbox.requests_by_route.get(route, 0) == before.get(route, 0):
                missed.append(operation.line)
    assert missed == []


async def test_reference_client_and_sandbox_are_of_one_size(
    partnero: type[Partnero], capsys: pytest.CaptureFixture[str]
) -> None:
    """The count is said, so that a report can be held against it."""
    async with partnero("key-of-a-test") as client:
        counts = len(OPERATIONS), len(methods(client)), len(Sandbox.routes())
    with capsys.disabled():
        print(
            "\noperations in reference, client and sandbox: {}, {}, {}".format(*counts)
        )
    assert counts == (98, 98, 98)


async def test_each_operation_declares_its_retry_class(
    partnero: type[Partnero],
) -> None:
    """The client's kinds are the letters of the rules, but for what is deliberate."""
    found = await observed(partnero)
    wrong = [
        f"{name} is {seen.kind}, not {wanted}"
        for name, seen in found.items()
        if seen.kind is not (wanted := _wanted(BY_ID[name]))
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
