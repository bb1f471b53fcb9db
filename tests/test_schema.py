"""Whatever the published schemas allow is read, and written back as it came.

The answers are drawn from the response schemas of ``api/openapi.yaml``. The builder
knows the part of JSON Schema that they use, and fails by name on anything else:
hypothesis-jsonschema stops at draft 7, and generates from patterns alone timestamps
such as ``9999-99-99``, which no server writes.
"""

from __future__ import annotations

import copy
import os
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partnero_async import Partnero, models
from partnero_async._convert import read, unstructure
from partnero_async._json import decode, encode
from partnero_async._structure import NUMBER
from partnero_async.errors import UnexpectedBodyError
from partnero_async.models import Page
from partnero_async.models.program import DeletionCode

from .reference import API, BY_ID
from .test_reference import observed, published

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "20"))
"""How many answers an operation; `make property` raises it."""

THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# --- the answers ------------------------------------------------------------

MODELS: dict[str | None, Any] = {
    None: NoneType,
    "AccountTest": models.Account,
    "ActionMessage": NoneType,
    "ActionResult": NoneType,
    "CouponEnvelope": models.Coupon,
    "CouponList": Page[models.Coupon],
    "CouponMutation": models.Coupon,
    "CustomerBalanceEnvelope": models.CustomerBalance,
    "CustomerEnvelope": models.Customer,
    "CustomerList": Page[models.Customer],
    "CustomerSearch": Page[models.Customer],
    "LeadDetailsEnvelope": models.LeadDetails,
    "LeadEnvelope": models.Lead,
    "LeadList": Page[models.Lead],
    "LinkDomainList": Page[models.LinkDomain],
    "NestedActionResult": NoneType,
    "NewsletterRewardEnvelope": models.NewsletterReward,
    "NewsletterRewardList": Page[models.NewsletterReward],
    "OpaqueData": object,
    "PartnerBonus": models.PartnerBonus,
    "PartnerDetailEnvelope": models.Partner,
    "PartnerEnvelope": models.Partner,
    "PartnerList": Page[models.Partner],
    "PartnerSearch": Page[models.Partner],
    "PayoutRequestEnvelope": models.PayoutRequest,
    "PayoutRequestList": Page[models.PayoutRequest],
    "ProgramDeleteAnswer": NoneType,
    "ProgramDeleteCode": DeletionCode,
    "ProgramEnvelope": models.Program,
    "ProgramOverviewEnvelope": models.ProgramOverview,
    "PromotionCodeEnvelope": models.PromotionCode,
    "PromotionCodeList": Page[models.PromotionCode],
    "PromotionCodeMutation": models.PromotionCode,
    "ReferralCustomerEnvelope": models.Referral,
    "ReferralCustomerList": Page[models.Referral],
    "ReferralCustomerSearch": Page[models.Referral],
    "ReferralLinkEnvelope": models.ReferralLink,
    "ReferralLinkList": Page[models.ReferralLink],
    "ReferralLinkListLoose": Page[models.ReferralLink],
    "ReferralTransactionEnvelope": models.Transaction,
    "ReferralTransactionList": Page[models.Transaction],
    "ReferredList": Page[models.Referral],
    "SignInUrl": models.SignInUrl,
    "SubscriberEnvelope": models.Subscriber,
    "SubscriberList": Page[models.Subscriber],
    "TransactionEnvelope": models.Transaction,
    "TransactionList": Page[models.Transaction],
    "TransactionListLoose": Page[models.Transaction],
    "WebhookEnvelope": models.Webhook,
    "WebhookList": Page[models.Webhook],
}
"""What is read from the answer of each schema."""


def answers() -> list[Any]:
    """List the schemas of answers that are read, each with the first such operation."""
    first = {schema: operation for operation, schema in reversed(answered())}
    return [
        pytest.param(operation, schema, id=str(schema))
        for schema, operation in sorted(first.items(), key=str)
        if MODELS[schema] is not NoneType
    ]


def answered() -> list[tuple[str, str | None]]:
    """List the operations with what they answer."""
    return [
        # What the first of its two steps answers, which the client reads by itself.
        ("program.delete", "ProgramDeleteCode"),
        *(
            (operation["id"], schema)
            for operation in published()
            for schema in (
                operation["response"],
                *operation.get("response_by_program", {}).values(),
            )
        ),
    ]


# --- from schemas to values ---------------------------------------------------

TIMESTAMP = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
FORMS: dict[str, st.SearchStrategy[Any]] = {
    TIMESTAMP: st.datetimes().map(lambda t: f"{t.isoformat(timespec='microseconds')}Z"),
    DAY: st.dates().map(date.isoformat),
}
"""What patterns mean: not any digits, but a time."""

NARROWER: dict[str, dict[str, Any]] = {
    # "An empty array until the first redemption", says its description.
    "AdditionalInfo": {"maxItems": 0},
    # Read as texts, so that what else a tag may have one day is not kept.
    "Tag": {"additionalProperties": False},
    # Never published, and read as the time that the sandbox answers.
    "SignInUrl.data.expires_at": {"$ref": "#/components/schemas/Timestamp"},
}
"""Where less is expected than the schema allows, by the path of what is restricted."""

SILENT = re.compile("x-|description$|not link objects$")
"""Keywords that say nothing about the value."""

ANYTHING: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, 0, -7, 2**63, Decimal("1.50"), "", "x", "12", "2026-03-04"),
        *([], {}, [1, None], {"a": 1, "b": [{}]}, [{"value": "x"}], {"data": []}),
    ]
)
"""JSON of any form: a few of each, since drawing more is most of a test's time."""
UNKNOWN = st.dictionaries(
    st.sampled_from(["new", "x-new", "extra", "\N{SNOWMAN}"]), ANYTHING, max_size=1
)
"""Members that no source mentions: allowed everywhere in answers."""

SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "null": st.none(),
    "number": st.integers(-(2**63), 2**63 - 1)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4),
}


@cache
def schemas() -> dict[str, Any]:
    """Read the published schemas."""
    text = (API / "openapi.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["components"]["schemas"]
    for path, restriction in NARROWER.items():
        name, *members = path.split(".")
        place = found[name]
        for member in members:
            place = place["properties"][member]
        place |= restriction
        if "$ref" in restriction:
            del place["type"]
    return found


@cache
def drawn(name: str) -> st.SearchStrategy[Any]:
    """Make the values of a published schema."""
    return values(schemas()[name])


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make the values that a schema allows."""
    rest = {k: v for k, v in schema.items() if not SILENT.match(k)}
    if "$ref" in rest:
        name = str(rest.pop("$ref")).rpartition("/")[2]
        found = st.deferred(lambda: drawn(name))
    elif "anyOf" in rest:
        found = st.one_of([values(inner) for inner in rest.pop("anyOf")])
        rest.pop("type", None)
    elif "const" in rest:
        found = st.just(rest.pop("const"))
        rest.pop("type", None)
    elif "type" in rest:
        kinds = rest.pop("type")
        many = kinds if isinstance(kinds, list) else [kinds]
        found = st.one_of([of_type(kind, rest) for kind in many])
    else:
        found = ANYTHING
    unread = rest.keys() - KNOWN
    assert not unread, f"the builder does not know {sorted(unread)}"
    return found


KNOWN = {
    *("pattern", "minLength", "maxLength"),
    *("items", "maxItems"),
    *("properties", "required", "additionalProperties"),
}
"""Keywords that are read with the type that they belong to."""


def of_type(kind: str, rest: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make the values of one type."""
    if kind == "string":
        if "pattern" in rest:
            return FORMS[rest["pattern"]]
        return st.text(
            min_size=rest.get("minLength", 0), max_size=rest.get("maxLength", 6)
        )
    if kind == "array":
        items = values(rest["items"]) if "items" in rest else ANYTHING
        return st.lists(items, max_size=rest.get("maxItems", 2))
    if kind == "object":
        return objects(rest)
    return SIMPLE[kind]


def objects(rest: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make objects, with members that the schema does not mention."""
    properties = {k: values(v) for k, v in rest.get("properties", {}).items()}
    needed = set(rest.get("required", ()))
    others = rest.get("additionalProperties", True)
    more = (
        st.dictionaries(st.text(max_size=4), values(others), max_size=2)
        if isinstance(others, dict)
        else (UNKNOWN if others else st.just({}))
    )
    known = st.fixed_dictionaries(
        {name: properties[name] for name in needed},
        optional={k: v for k, v in properties.items() if k not in needed},
    )
    return st.tuples(more, known).map(lambda pair: {**pair[0], **pair[1]})


# --- what is read against what was sent ---------------------------------------


def as_sent(result: Any) -> Any:
    """Write what was read as the ``data`` of an answer again."""
    if isinstance(result, Page):
        return [unstructure(item) for item in result.items]
    return result if isinstance(result, dict | list) else unstructure(result)


def differences(sent: Any, back: Any, at: str) -> list[str]:
    """Say by path where *back* is not what was sent.

    Null is the same as left out, ``[]`` the same as ``{}`` (PHP's empty map), and a
    number in quotes the same as the number.
    """
    if sent in ([], {}) and back in ([], {}):
        return []
    if isinstance(sent, dict) and isinstance(back, dict):
        names = sorted(sent.keys() | back.keys())
        pairs = [(sent.get(n), back.get(n), f"{at}.{n}") for n in names]
    elif isinstance(sent, list) and isinstance(back, list) and len(sent) == len(back):
        pairs = [
            (a, b, f"{at}[{i}]")
            for i, (a, b) in enumerate(zip(sent, back, strict=True))
        ]
    else:
        return [] if same(sent, back) else [f"{at}: {sent!r} became {back!r}"]
    return [text for pair in pairs for text in differences(*pair)]


def same(sent: Any, back: Any) -> bool:
    """Compare two values that are not both objects or both arrays."""
    if isinstance(sent, str) and isinstance(back, int | Decimal):
        return bool(NUMBER.fullmatch(sent)) and Decimal(sent) == back
    return sent == back and isinstance(sent, bool) is isinstance(back, bool)


def data_of(payload: dict[str, Any], result: Any) -> Any:
    """Return what of an answer is to be found in a result."""
    data = payload["data"]
    if isinstance(result, Page) and isinstance(data, dict):
        return data["data"]  # a list of the referred came nested
    if isinstance(result, models.Coupon):
        beside = {k: v for k, v in payload.items() if k.startswith("synchronization_")}
        return {**data, **beside}
    return data


def through_bytes(payload: Any) -> dict[str, Any]:
    """Write a payload as a server would, and read it as the client does."""
    found = decode(encode(payload))
    assert found is not None
    return found


@pytest.mark.parametrize(("operation", "schema"), answers())
def test_whatever_a_schema_allows_is_read_and_written_back(
    operation: str, schema: str
) -> None:
    """Nothing is refused, lost, invented or changed on its way through the models."""

    @THOROUGH
    @given(payload=drawn(schema))
    def check(payload: dict[str, Any]) -> None:
        received = through_bytes(payload)
        assert received == payload
        result = read(MODELS[schema], received, BY_ID[operation].line)
        wanted = data_of(payload, result)
        assert differences(wanted, as_sent(result), "data") == []

    check()


# --- answers that do not fit --------------------------------------------------

Path = tuple[str | int, ...]


def places(value: Any, above: Path = ()) -> list[Path]:
    """List the paths of everything inside a value."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found: list[Path] = []
    for name, item in inner:
        found += [(*above, name), *places(item, (*above, name))]
    return found


def written(path: Path) -> str:
    """Write a path as the errors do."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".")


OTHER: tuple[Any, ...] = (None, True, 7, Decimal("1.5"), "odd", [], {}, [7], {"odd": 7})


def spoilt(payload: dict[str, Any], path: Path, draw: st.DataObject) -> Any:
    """Drop a member, or give it another type; the rest stays as it was."""
    found = copy.deepcopy(payload)
    inside: Any = found
    for name in path[:-1]:
        inside = inside[name]
    if draw.draw(st.booleans()):
        del inside[path[-1]]
    else:
        inside[path[-1]] = draw.draw(st.sampled_from(OTHER))
    return found


@pytest.mark.parametrize(("operation", "schema"), answers())
def test_an_answer_that_does_not_fit_is_read_or_refused_by_its_path(
    operation: str, schema: str
) -> None:
    """Without a member, or with one of another type: the model, or one typed error."""

    @THOROUGH
    @given(payload=drawn(schema), draw=st.data())
    def check(payload: dict[str, Any], draw: st.DataObject) -> None:
        path = draw.draw(st.sampled_from(places(payload)))
        received = through_bytes(spoilt(payload, path, draw))
        message = refusal(MODELS[schema], received, BY_ID[operation].line)
        if message is not None:
            assert_named(message, path)

    check()


def refusal(result: Any, payload: dict[str, Any], line: str) -> str | None:
    """Read an answer; return why it is refused, if it is."""
    try:
        read(result, payload, line)
    except UnexpectedBodyError as error:
        return error.message
    return None


ROOTS = "data|links|synchronization_"


def assert_named(message: str, path: Path) -> None:
    """Look for the path of a fault, or of what it is in, in the error."""
    told = re.match(rf"the answer does not fit: ((?:{ROOTS})\S*?):? ", message)
    assert told, message
    place = written(path)
    # Above it where a model says what it needs, below it inside of what was put there.
    assert place.startswith(told[1]) or told[1].startswith(place), (place, message)


# --- the tables ------------------------------------------------------------


def test_every_answer_has_a_model_and_every_model_an_answer() -> None:
    """A schema that is new is to be added by hand, one that is gone is stale."""
    assert {schema for _, schema in answered()} == set(MODELS)


async def test_each_operation_is_read_as_the_model_of_its_schema(
    partnero: type[Partnero],
) -> None:
    """What is drawn here is read as the client's own methods read it."""
    found = await observed(partnero)
    wrong = [
        f"{o['id']}: {found[o['id']].result}, not {MODELS[o['response']]}"
        for o in published()
        if found[o["id"]].result is not MODELS[o["response"]]
    ]
    assert wrong == []


def test_a_timestamp_of_the_schemas_is_a_time() -> None:
    """What is drawn for a pattern fits the pattern."""

    @THOROUGH
    @given(text=FORMS[TIMESTAMP])
    def check(text: str) -> None:
        assert re.fullmatch(TIMESTAMP, text)
        assert datetime.fromisoformat(text).tzinfo

    check()
