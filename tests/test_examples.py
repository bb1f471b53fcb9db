"""Every published exchange, played back: the request is made, the answer is read.

A server on the loopback plays the examples of ``../shared/api/examples``; the client's
own methods are called, and what they send and return is compared with the files.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from inspect import isawaitable
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote
from uuid import uuid4

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from partnero_async import (
    AmbiguousWriteError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    Partnero,
    PartneroError,
    PermissionDeniedError,
    RateLimitError,
    RefusedError,
    ServerError,
    UnexpectedBodyError,
    ValidationError,
)
from partnero_async._convert import unstructure
from partnero_async._slots import Slots
from partnero_async._timeouts import Timeouts
from partnero_async._wire import Answer, Request

from .clock import run_virtual
from .reference import API, BY_ID, RESOURCES
from .test_reference import assert_same

EXAMPLES = API / "examples"

# --- the files -----------------------------------------------------------------


class Example(NamedTuple):
    """One published exchange."""

    name: str
    operation: str
    alternate: bool
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def noun(self) -> str:
        """The resource that it belongs to."""
        return self.operation.partition(".")[0]


def load(path: Path) -> Example:
    """Read one file."""
    exchange = json.loads(path.read_text("utf-8"))
    return Example(
        str(path.relative_to(EXAMPLES).with_suffix("")),
        exchange["operation"],
        exchange.get("alternate", False),
        exchange["request"],
        exchange["response"],
    )


def files(*patterns: str) -> list[Example]:
    """Read all files that fit, in order of their names."""
    paths = sorted(path for pattern in patterns for path in EXAMPLES.glob(pattern))
    return [load(path) for path in paths]


SUCCESSES = files("*.json", "assumed/*.json")
FAILURES = files("errors/*.json")

COUNTS = {
    "account": 2,
    "coupons": 8,
    "customer_links": 8,
    "customers": 22,
    "leads": 11,
    "partner_links": 10,
    "partners": 27,
    "payouts": 7,
    "program": 10,
    "promotion_codes": 6,
    "referrals": 20,
    "rewards": 4,
    "settings": 1,
    "subscribers": 10,
    "transactions": 21,
    "webhooks": 7,
}
"""Successes by resource: whoever adds an example finds the number to change here."""

NOT_SENT = {
    "customer_links.create--library-members-status-201": (
        "null is left out: it means the default domain, and so does nothing"
    ),
    "transactions.create--amount-as-string": (
        "an amount is a number: the text is an old table's, says the example itself"
    ),
    "webhooks.create": "the client makes a key where none is given",
    "errors/403-permission": "the client makes a key where none is given",
    "errors/422-nested-field-names": "the client insists on a partner",
    "errors/422-errors-as-array": "the client makes a key where none is given",
}
"""Requests that a client must not or cannot make, and why."""

# --- from an example to a call ---------------------------------------------------


def arguments(example: Example) -> dict[str, Any]:
    """Translate the request of an example to the arguments of the client's method."""
    if example.alternate:
        return dict(ALTERNATES[example.name])
    found: dict[str, Any] = parts(example)
    found |= {k: v for k, v in example.request["query"].items() if k != "page"}
    body: dict[str, Any] = example.request["body"] or {}
    found |= {k: v for k, v in body.items() if k not in ("options", "update")}
    found |= body.get("options", {})
    changes = dict(body.get("update", {}))
    if example.operation == "customers.update" and "key" in changes:
        changes["new_key"] = changes.pop("key")
    if "customer[id]" in found:
        found["customer_id"] = found.pop("customer[id]")
    if example.operation == "promotion_codes.delete":
        found["coupon_uuid"] = found.pop("coupon")["uuid_code"]
    return {**found, **changes, **MORE.get(example.name, {})}


def parts(example: Example) -> dict[str, Any]:
    """Take the parts of the path out of it, as the published route names them."""
    route = re.escape(BY_ID[example.operation].route)
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", route)
    found = re.fullmatch(pattern, example.request["path"])
    assert found, f"{example.name}: {example.request['path']} is not on {route}"
    return {name: unquote(part) for name, part in found.groupdict().items()}


ALTERNATES: dict[str, dict[str, Any]] = {
    "customers.create--singular-path": {"key": "acct-20418", "partner": {}},
    "customers.create--wordpress-envelope": {"key": "acct-20418", "partner": {}},
    "customers.delete--identified-in-body": {"key": "acct-20418"},
    "customers.list--dotted-filter": {"partner_key": "marisol-hl"},
    "customers.list--get-with-json-body": {"partner_key": "marisol-hl"},
    "customers.update--flat-body": {"key": "acct-20418"},
    "customers.update--identified-in-body": {"key": "acct-20418"},
    "leads.convert--post": {"id": 318, "commission_transaction_amount": 1250.5},
    "leads.reject--post": {"id": 319},
    "partners.delete--identified-in-body": {"id": "pt_Zk5Tq0"},
    "partners.find--get-with-json-body": {"email": "marisol.okafor@example.org"},
    "partners.list--get-with-json-body": {},
    "partners.list--legacy-key-without-id": {},
    "partners.update--flat-body": {"id": "pt_Zk5Tq0"},
    "partners.update--identified-in-body": {"id": "pt_Zk5Tq0"},
    "referrals.update--identified-in-body": {"id": "usr-5531"},
    "subscribers.create--identifier-member": {"email": "greta.nyholm@example.net"},
    "transactions.delete--identified-in-body": {"key": "inv-2026-00731"},
    "transactions.list--dotted-filter": {"partner_key": "marisol-hl"},
}
"""Requests in a form that the client does not send: the call of its own form."""

MORE: dict[str, dict[str, Any]] = {"errors/422-nested-field-names": {"partner": {}}}

# --- playing one back --------------------------------------------------------------


class Sent(NamedTuple):
    """What the server saw."""

    method: str
    target: str
    body: bytes


class Calm(random.Random):
    """Draw no waiting time, so that repeats follow at once."""

    def uniform(self, a: float, _: float) -> float:
        """Return the lower end."""
        return a


def raw(response: Mapping[str, Any]) -> bytes:
    """Return the bytes of the example's answer."""
    body = response["body"]
    if "raw_body" in response:
        return str(response["raw_body"]).encode()
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@asynccontextmanager
async def playing(
    partnero: type[Partnero], *responses: Mapping[str, Any], **settings: Any
) -> AsyncIterator[tuple[Partnero, list[Sent]]]:
    """Serve the answers to whatever is asked, the last again and again; record it."""
    seen: list[Sent] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(Sent(request.method, request.raw_path, await request.read()))
        response = responses[min(len(seen), len(responses)) - 1]
        return web.Response(
            status=response["status"], headers=response["headers"], body=raw(response)
        )

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    # A key of its own, since the gate is shared by all who use a key.
    key = uuid4().hex
    async with (
        TestServer(app) as server,
        partnero(key, base_url=str(server.make_url("/v1")), **settings) as client,
    ):
        client._transport.line.rng = Calm()
        client._transport.program.know(None)  # it is not asked for
        yield client, seen


async def play(client: Partnero, example: Example) -> Any:
    """Call the method of the example's operation; of a list, read the page."""
    noun, _, name = example.operation.partition(".")
    result = getattr(getattr(client, noun), name)(**arguments(example))
    if not isawaitable(result):
        page = await result.page(example.request["query"].get("page", 1))
        return page.items
    return await result


def assert_sent(sent: Sent, example: Example) -> None:
    """Compare a request with the example's, byte for byte where there is a body."""
    wanted = example.request
    path, _, query = sent.target.partition("?")
    assert (sent.method, path) == (wanted["method"], "/v1" + wanted["path"])
    paged = {"limit": ["100"], "page": ["1"]} if "page=" in query else {}
    asked = {name: [str(value)] for name, value in wanted["query"].items()}
    assert parse_qs(query) == paged | asked
    body = wanted["body"]
    compact = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    assert sent.body == (b"" if body is None else compact)


# --- comparing an answer with its model ----------------------------------------------

MAPS = {
    *("custom_fields", "custom_field_values", "product_type_data"),
    *("additional_info", "coupon_specific_customers", "coupon_specific_partners"),
    "metadata",
    *("stats.total_reward", "stats.total_revenue", "stats.average_order_value"),
    *("stats.total_paid", "stats.total_pending"),
}
"""Members that are ``[]`` on the wire when they are empty maps."""

FIGURES = {"cookie_lifetime", "commission_value"}
"""Figures beside those of ``stats`` that some programs answer as texts."""


def lost(sent: Any, back: Any, at: str) -> list[str]:
    """Say by path what of an answer is missing in a model, or other than it was."""
    if isinstance(sent, dict):
        return _members_lost(sent, back, at)
    if isinstance(sent, list):
        if not sent and at.endswith(tuple(f".{name}" for name in MAPS)):
            return [] if back == {} else [f"{at}: [] became {back!r}"]
        if not isinstance(back, list) or len(back) != len(sent):
            return [f"{at}: {sent!r} became {back!r}"]
        pairs = enumerate(zip(sent, back, strict=True))
        return [text for i, (a, b) in pairs for text in lost(a, b, f"{at}[{i}]")]
    figure = ".stats." in at or at.rpartition(".")[2] in FIGURES
    if isinstance(back, Decimal) or (figure and type(back) is int):
        same = not isinstance(sent, bool) and Decimal(str(sent)) == back
    else:
        same = type(sent) is type(back) and sent == back
    return [] if same else [f"{at}: {sent!r} became {back!r}"]


def _members_lost(sent: dict[str, Any], back: Any, at: str) -> list[str]:
    if not isinstance(back, dict):
        return [f"{at}: {sent!r} became {back!r}"]
    invented = [f"{at}.{name} was invented" for name in back.keys() - sent.keys()]
    return invented + [
        text
        for name, value in sent.items()
        if value is not None
        for text in lost(value, back.get(name), f"{at}.{name}")
    ]


def odd_values(model: Any) -> list[str]:
    """Say which fields of a model have a type that they must not have."""
    found: list[str] = []
    for field in attrs.fields(type(model)):
        value, name = getattr(model, field.name), field.name
        many = value if isinstance(value, list) else [value]
        for item in many:
            if attrs.has(type(item)):
                found += odd_values(item)
        if isinstance(value, datetime) and value.utcoffset() != timedelta(0):
            found.append(f"{name} is not aware: {value}")
        if name in ("amount", "paid") and type(value) not in (Decimal, type(None)):
            found.append(f"{name} is no Decimal: {value!r}")
        if name == "tags" and not all(type(tag) is str for tag in value or []):
            found.append(f"tags are no texts: {value!r}")
    return found


PLAIN = {
    *("referrals.credit", "referrals.invite", "referrals.stats"),
    "transactions.create_batch",
}
"""Operations whose answer was never published: it is returned as it came."""

CONFIRMED_IN_DATA = {"coupons.delete", "promotion_codes.delete"}
"""Deletions that are answered with status and message inside of ``data``."""


def assert_read(result: Any, example: Example) -> None:
    """Compare a result with the ``data`` of the answer that it was read from."""
    body = example.response["body"]
    if "data" not in body or example.operation in CONFIRMED_IN_DATA:
        assert result is None
        return
    if example.operation in PLAIN:
        assert result == json.loads(raw(example.response), parse_float=Decimal)["data"]
        return
    many = result if isinstance(result, list) else [result]
    data = body["data"]
    if isinstance(data, dict) and isinstance(data.get("data"), list):
        data = data["data"]  # a list that is nested once more
    data = data if isinstance(data, list) else [data]
    beside = {k: v for k, v in body.items() if k.startswith("synchronization_")}
    data = [item | beside for item in data]
    assert lost(data, [unstructure(model) for model in many], "data") == []
    assert [odd for model in many for odd in odd_values(model)] == []


# --- successes -------------------------------------------------------------------


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=example.name)
        for example in SUCCESSES
        if example.operation != "program.delete"  # two of them are one call
    ],
)
async def test_an_example_is_sent_and_read(
    partnero: type[Partnero], example: Example
) -> None:
    """The published request is what the client sends, the answer what it returns."""
    async with playing(partnero, example.response) as (client, seen):
        result = await play(client, example)
    (sent,) = seen
    if not example.alternate and example.name not in NOT_SENT:
        assert_sent(sent, example)
    assert_read(result, example)


async def test_the_two_steps_of_a_deletion_are_one_call(
    partnero: type[Partnero],
) -> None:
    """The code of the first answer is what the second request sends back."""
    names = ("program.get", "program.delete", "program.delete--step-two")
    steps = [load(EXAMPLES / f"{name}.json") for name in names]
    async with playing(partnero, *(step.response for step in steps)) as (client, seen):
        await client.program.delete(confirm="K7WQHARB")
    for sent, step in zip(seen, steps, strict=True):
        assert_sent(sent, step)


def test_no_example_is_left_out() -> None:
    """A new file has to be counted here, and so be looked at."""
    assert Counter(example.noun for example in SUCCESSES) == COUNTS
    assert COUNTS.keys() == set(RESOURCES)
    assert_same(ERRORS.keys() | {NO_CONTENT}, (e.name for e in FAILURES))


def test_every_file_is_played() -> None:
    """The deliveries of webhooks apart, which are nothing that a client asks for."""
    folder = {
        str(path.relative_to(EXAMPLES).with_suffix(""))
        for path in EXAMPLES.rglob("*.json")
        if path.parent.name != "webhooks"
    }
    played = [*(e.name for e in SUCCESSES), *ON_THE_WIRE, *ALONE, NO_CONTENT]
    assert_same(played, folder)
    assert len(played) == len(folder) == 202


def test_every_alternate_request_is_known() -> None:
    """A form that the client does not send is named, and none that it does send."""
    assert {e.name for e in SUCCESSES if e.alternate} == set(ALTERNATES)


async def test_an_amount_is_sent_as_a_number(partnero: type[Partnero]) -> None:
    """The one request of the examples that must not be made is made right."""
    (example,) = files("transactions.create--amount-as-string.json")
    given = {**arguments(example), "amount": Decimal("149.50")}
    async with playing(partnero, example.response) as (client, seen):
        await client.transactions.create(**given)
    assert seen[0].body == (
        b'{"key":"inv-2026-00731","amount":149.50,"action":"sale",'
        b'"customer":{"key":"acct-20418"}}'
    )


async def read(partnero: type[Partnero], name: str) -> Any:
    """Play one example and return its result."""
    example = load(EXAMPLES / f"{name}.json")
    async with playing(partnero, example.response) as (client, _):
        return await play(client, example)


async def test_a_partner_as_published(partnero: type[Partnero]) -> None:
    """Amounts are exact, tags are texts, times are aware, empty maps are maps."""
    partner = await read(partnero, "partners.get")
    assert partner.id == "pt_7Q2mK9"
    assert partner.tags == ["travel-blog"]
    assert partner.commissions.paid == Decimal("96.5")
    assert partner.commissions.pending[0].amount == Decimal("48.175")
    assert partner.referrals.revenue[0].currency == "EUR"
    assert partner.custom_fields == partner.custom_field_values == {}
    assert partner.created_at == datetime(2026, 2, 3, 8, 21, 47, tzinfo=UTC)
    assert partner.extra == {}


async def test_amounts_that_come_as_texts(partnero: type[Partnero]) -> None:
    """A number in quotes is the same amount."""
    partner = await read(partnero, "partners.get--amounts-as-strings")
    assert type(partner.commissions.paid) is Decimal
    sale = await read(partnero, "transactions.get--amounts-as-strings")
    assert sale.amount == Decimal("149.5")
    assert sale.rewards[0].amount == Decimal("11.2125")


async def test_members_and_values_that_no_source_mentions(
    partnero: type[Partnero],
) -> None:
    """Unknown members are in ``extra``, null included; unknown values stay texts."""
    (partner,) = await read(partnero, "partners.list--unknown-fields")
    assert partner.extra == {
        "last_seen_at": None,
        "loyalty_tier": {"level": 3, "since": "2026-01-01"},
    }
    (sale,) = await read(
        partnero, "transactions.list--empty-array-product-unknown-reward-status"
    )
    assert sale.rewards[0].status == "held_back"
    assert sale.rewards[0].product_type_data == {}
    account = await read(partnero, "account.test--more-members")
    assert account.extra == {"user": {"email": "ops@harborlight.example"}}


async def test_two_sales_under_one_key_are_two(partnero: type[Partnero]) -> None:
    """A shared key is no reason to merge."""
    first, second = await read(partnero, "transactions.list--shared-key")
    assert first.key == second.key
    assert first.created_at < second.created_at


# --- failures --------------------------------------------------------------------


class Failed(NamedTuple):
    """What is to be raised for an answer."""

    kind: type[PartneroError]
    message: str
    fields: Mapping[str, list[str]] = MappingProxyType({})
    requests: int = 1


TAKEN = "A customer with this key exists."
SOME = "Some values were not accepted."
UNKNOWN = (
    "it is not known whether this took effect: 502, the server failed;"
    " its look-up failed"
)

ERRORS: dict[str, Failed] = {
    "errors/200-html": Failed(UnexpectedBodyError, "the body is not JSON", requests=4),
    "errors/200-status-0": Failed(RefusedError, "the API refused"),
    "errors/400-already-archived": Failed(
        BadRequestError, "The partner cannot be archived."
    ),
    "errors/400-not-archived": Failed(
        BadRequestError, "The transaction is not archived."
    ),
    "errors/400-payout-wrong-status": Failed(
        BadRequestError, "A payout in status requested cannot be marked as paid."
    ),
    "errors/400-unknown-partner-key": Failed(
        BadRequestError, "The partner key is not valid."
    ),
    "errors/401-empty-json": Failed(AuthenticationError, "the API refused"),
    "errors/401-message": Failed(AuthenticationError, "API key not recognised."),
    "errors/403-permission": Failed(
        PermissionDeniedError, "This key may not manage webhooks."
    ),
    "errors/404-html": Failed(NotFoundError, "the API refused"),
    "errors/404-message-only": Failed(NotFoundError, "No customer has this key."),
    "errors/404-partner": Failed(NotFoundError, "No partner has this id."),
    "errors/405-method": Failed(RefusedError, "Method not supported for this route."),
    "errors/409-conflict": Failed(
        ConflictError, "A customer with this key is registered already."
    ),
    "errors/422-errors-as-array": Failed(
        ValidationError, SOME, {"": ["amount or reward is needed"]}
    ),
    "errors/422-message-and-errors": Failed(
        ValidationError,
        SOME,
        {
            "email": ["This e-mail is in use."],
            "password": [
                "At least eight characters are needed.",
                "An upper-case letter is needed.",
            ],
        },
    ),
    "errors/422-message-only": Failed(ValidationError, TAKEN),
    "errors/422-nested-field-names": Failed(
        ValidationError,
        SOME,
        {"partner.key": ["Name a partner."], "tags.0": ["Text expected."]},
    ),
    "errors/422-status-and-errors-without-message": Failed(
        ValidationError,
        "the API refused",
        {"website": ["Give a complete web address."]},
    ),
    "errors/422-status-message-errors": Failed(ValidationError, SOME, {"key": [TAKEN]}),
    "errors/429-no-headers": Failed(RateLimitError, "Slow down."),
    "errors/429-rate-limit-headers": Failed(RateLimitError, "Slow down."),
    "errors/429-retry-after-http-date": Failed(RateLimitError, "Slow down."),
    "errors/429-retry-after-seconds": Failed(RateLimitError, "Slow down."),
    "errors/500-json": Failed(ServerError, "Unexpected failure.", requests=4),
    "errors/502-html": Failed(AmbiguousWriteError, UNKNOWN),
    # Its Retry-After is longer than the call may take, so no repeat is worth a wait.
    "errors/503-html": Failed(ServerError, "the API refused"),
}
NO_CONTENT = "errors/204-empty"

SHORT_CALL = 10.0
"""Seconds: less than any Retry-After of the examples, so that none is waited for."""


def failure(name: str) -> Example:
    """Load one failure."""
    return load(EXAMPLES / f"{name}.json")


ALONE = (
    "errors/405-method",
    "errors/429-no-headers",
    "errors/429-rate-limit-headers",
    "errors/502-html",
)
"""Failures with tests of their own."""

ON_THE_WIRE = [name for name in ERRORS if name not in ALONE]


@pytest.mark.parametrize("name", ON_THE_WIRE)
async def test_a_failure_becomes_its_error(partnero: type[Partnero], name: str) -> None:
    """Status, message and reasons by field are those of the answer, in every shape."""
    example, wanted = failure(name), ERRORS[name]
    async with playing(partnero, example.response, timeout=SHORT_CALL) as (
        client,
        seen,
    ):
        with pytest.raises(PartneroError) as caught:
            await play(client, example)
    error, operation = caught.value, BY_ID[example.operation]
    assert type(error) is wanted.kind
    assert (error.message, error.fields) == (wanted.message, dict(wanted.fields))
    assert error.status == example.response["status"]
    assert error.operation == f"{operation.method} {operation.route}"
    assert error.maybe_applied is False
    assert len(seen) == len(error.attempts) == wanted.requests
    if name not in NOT_SENT:
        assert_sent(seen[0], example)


async def test_a_conversion_that_is_not_allowed_is_posted(
    partnero: type[Partnero],
) -> None:
    """405 on the documented GET: the other published form is sent, and fails alike."""
    example, wanted = failure("errors/405-method"), ERRORS["errors/405-method"]
    async with playing(partnero, example.response) as (client, seen):
        with pytest.raises(RefusedError) as caught:
            await play(client, example)
    assert_sent(seen[0], example)
    (posted,) = [sent for sent in seen if sent.method == "POST"]
    assert posted.target == "/v1/leads/convert"
    assert json.loads(posted.body) == example.request["query"]
    assert (type(caught.value), caught.value.message) == (wanted.kind, wanted.message)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        pytest.param("errors/429-retry-after-seconds", 17, id="seconds"),
        pytest.param("errors/429-retry-after-http-date", 40, id="date"),
    ],
)
async def test_a_wait_that_is_too_long_is_told(
    partnero: type[Partnero], name: str, seconds: int
) -> None:
    """``retry_at`` says when; a date counts from the answer's own ``Date``."""
    example = failure(name)
    before = datetime.now(UTC)
    async with playing(partnero, example.response, timeout=SHORT_CALL) as (client, _):
        with pytest.raises(RateLimitError) as caught:
            await play(client, example)
    assert caught.value.retry_at is not None
    wait = timedelta(seconds=seconds)
    assert before + wait <= caught.value.retry_at <= datetime.now(UTC) + wait


class Line:
    """In the network's place, on virtual time: one answer to whatever is sent."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        headers = response["headers"]
        self.answer = Answer(response["status"], headers, raw(response))
        self.slots = Slots(1)
        self.sent: list[Request] = []

    def open_on(self, _loop: object) -> Line:
        """Stand for the session of every loop."""
        return self

    @property
    def timeouts(self) -> Timeouts:
        """Belong to whatever loop runs."""
        return Timeouts(asyncio.get_running_loop())

    async def send(self, request: Request, _flight: object) -> Answer:
        """Answer at once."""
        self.sent.append(request)
        return self.answer

    async def close(self) -> None:
        """Have nothing to close."""


@pytest.mark.parametrize(
    "name", ["errors/429-no-headers", "errors/429-rate-limit-headers"]
)
def test_a_throttled_call_ends_with_its_time(
    partnero: type[Partnero], name: str
) -> None:
    """Without a time to wait the gate asks again, and the call's own time ends it."""
    example = failure(name)

    async def main() -> tuple[PartneroError, float]:
        async with partnero(uuid4().hex) as client:
            client._transport.line.sessions = line = Line(example.response)  # type: ignore[assignment] # in the network's place
            with pytest.raises(PartneroError) as caught:
                await play(client, example)
            assert 1 <= len(line.sent) < 60
            return caught.value, asyncio.get_running_loop().time()

    error, took = run_virtual(main())
    assert type(error) is RateLimitError
    assert took <= 60


async def test_a_sale_without_an_answer_is_sent_once(partnero: type[Partnero]) -> None:
    """502 on a sale: it may stand there, so it is looked up and never sent again."""
    example = failure("errors/502-html")
    settings = {"settle": 0.001}
    async with playing(partnero, example.response, **settings) as (client, seen):
        with pytest.raises(AmbiguousWriteError) as caught:
            await play(client, example)
    assert_sent(seen[0], example)
    assert [sent.method for sent in seen[1:]] == ["GET"] * 4
    assert {sent.target for sent in seen[1:]} == {
        "/v1/transactions?key=inv-2026-00731&limit=100"
    }
    assert caught.value.message.startswith(ERRORS["errors/502-html"].message)
    assert caught.value.maybe_applied
    assert (caught.value.status, caught.value.key) == (502, "inv-2026-00731")


@pytest.mark.parametrize(
    "name", ["partners.delete", "customers.delete", "transactions.delete"]
)
async def test_a_deletion_may_be_answered_without_a_body(
    partnero: type[Partnero], name: str
) -> None:
    """204 is the other form of ``{"status": 1}``."""
    response = load(EXAMPLES / f"{NO_CONTENT}.json").response
    (example,) = files(f"{name}.json")
    async with playing(partnero, response) as (client, seen):
        assert await play(client, example) is None
    assert len(seen) == 1


async def test_a_sale_without_a_key_gets_one(partnero: type[Partnero]) -> None:
    """What is sent beside the made-up key is what was given."""
    example = failure("errors/422-errors-as-array")
    async with playing(partnero, example.response) as (client, seen):
        with pytest.raises(ValidationError) as caught:
            await play(client, example)
    body = json.loads(seen[0].body)
    assert body.pop("key") == caught.value.key
    assert body == example.request["body"]


def test_a_request_that_is_not_made_exists() -> None:
    """An exception for an example that is gone is stale."""
    assert set(NOT_SENT) <= {example.name for example in (*SUCCESSES, *FAILURES)}
