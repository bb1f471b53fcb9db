"""JSON to models and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import NoneType
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partnero_async import models
from partnero_async._convert import UNKNOWN, read, unstructure
from partnero_async._json import decode, encode, is_array, is_object
from partnero_async.errors import UnexpectedBodyError, UsageError
from partnero_async.models import (
    Account,
    Customer,
    Page,
    Partner,
    PartnerBonus,
    SignInUrl,
    Transaction,
)

RESULTS: tuple[Any, ...] = (
    Account,
    Customer,
    Partner,
    PartnerBonus,
    SignInUrl,
    Transaction,
    Page[Customer],
    Page[Partner],
    Page[Transaction],
    NoneType,
    object,
)
"""Everything that an operation is read as."""


def answered(result: Any, text: str) -> Any:
    """Read an answer's ``data`` as *result*."""
    payload = decode(b'{"data":' + text.encode() + b"}")
    assert payload is not None
    return read(result, payload, "GET /test")


# --- the codec ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["0.1", "49.90", "1e-7", "11.2125", "0.30000000000000004", "12345678901234567.89"],
)
def test_a_decimal_is_exact_both_ways(text: str) -> None:
    """Money never goes through a binary float, and keeps its digits."""
    value = decode(f'{{"amount":{text}}}'.encode())
    assert value is not None
    assert str(value["amount"]) == str(Decimal(text))
    again = decode(encode(value))
    assert again == value
    assert str(again["amount"]) == str(value["amount"])


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"', "", "{", "{}{}", "<html>"])
def test_what_is_no_object_is_none(text: str) -> None:
    """Every answer of the API is an object."""
    assert decode(text.encode()) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    """Decoding is the inverse of encoding."""
    assert decode(encode(value)) == value


@settings(max_examples=200, deadline=None)
@given(body=st.binary())
def test_any_bytes_are_an_object_or_none(body: bytes) -> None:
    """Nothing that comes makes the codec raise."""
    assert decode(body) is None or isinstance(decode(body), dict)


def test_what_cannot_be_written_is_the_callers_error() -> None:
    """The codec's own errors do not escape."""
    with pytest.raises(UsageError, match="cannot be sent as JSON"):
        encode(object())


def test_a_truth_value_is_neither_object_nor_array() -> None:
    """The guards look at the exact type."""
    assert is_object({})
    assert is_array([])
    assert not is_object([])
    assert not is_array(())


# --- strictness --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "text", "fault"),
    [
        pytest.param(
            Partner,
            '{"approved":"false"}',
            "data.approved: expected bool, got str",
            id="text-for-bool",
        ),
        pytest.param(
            Partner,
            '{"approved":1}',
            "data.approved: expected bool, got int",
            id="int-for-bool",
        ),
        pytest.param(
            Partner,
            '{"referrals_count":true}',
            "data.referrals_count: expected int, got bool",
            id="bool-for-int",
        ),
        pytest.param(
            Partner,
            '{"referrals_count":5.0}',
            "data.referrals_count: expected int, got Decimal",
            id="decimal-for-int",
        ),
        pytest.param(
            Partner, '{"id":7}', "data.id: expected str, got int", id="int-for-text"
        ),
        pytest.param(
            Partner,
            '{"name":{"a":1}}',
            "data.name: expected str, got dict",
            id="object-for-text",
        ),
        pytest.param(
            Partner,
            '{"name":[]}',
            "data.name: expected str, got list",
            id="array-for-text",
        ),
        pytest.param(
            Transaction,
            '{"rewards":[{"amount":1},{"amount":true}]}',
            "data.rewards[1].amount: expected a number, got bool",
            id="bool-for-amount",
        ),
        pytest.param(
            Transaction,
            '{"rewards":[{"amount":[]}]}',
            "data.rewards[0].amount: expected a number, got list",
            id="array-for-amount",
        ),
        *(
            pytest.param(
                Transaction,
                json.dumps({"amount": text}),
                "data.amount: expected a number, got str",
                id=f"amount-{name}",
            )
            for name, text in {
                "word": "free",
                "nan": "NaN",
                "infinite": "Infinity",
                "exponent": "1e5",
                "underscores": "1_000",
                "comma": "1,50",
                "blank": " 1",
                "other-digits": "\u0661\u0662",
                "empty": "",
                "endless": "9" * 4000,
            }.items()
        ),
        pytest.param(
            Transaction,
            '{"created_at":1772476800}',
            "data.created_at: expected a time, got int",
            id="int-for-time",
        ),
        pytest.param(
            Transaction,
            '{"created_at":"soon"}',
            "data.created_at: Invalid isoformat string: 'soon'",
            id="word-for-time",
        ),
        pytest.param(
            Partner,
            '{"custom_fields":"x"}',
            "data.custom_fields: expected an object, got str",
            id="text-for-map",
        ),
        pytest.param(
            Partner,
            '{"referrals":[]}',
            "data.referrals: expected an object, got list",
            id="array-for-model",
        ),
        pytest.param(
            Partner,
            '{"tags":[{"value":7}]}',
            "data.tags[0]: expected a tag, an object with a text as its value",
            id="int-for-tag",
        ),
        pytest.param(
            Partner,
            '{"tags":"vip"}',
            "data.tags: expected an array, got str",
            id="text-for-tags",
        ),
        pytest.param(
            Partner,
            '{"referral_links":{"a":"b"}}',
            "data.referral_links: expected an array, got dict",
            id="object-for-array",
        ),
        pytest.param(
            Partner, "null", "data: expected an object, got NoneType", id="null"
        ),
        pytest.param(Partner, "[]", "data: expected an object, got list", id="list"),
        pytest.param(
            Page[Partner],
            "{}",
            "data: expected an array, got dict",
            id="object-for-page",
        ),
        pytest.param(
            Page[Partner],
            "null",
            "data: expected an array, got NoneType",
            id="null-for-page",
        ),
        pytest.param(
            Page[Partner],
            '[{"id":"a"},null]',
            "data[1]: expected an object, got NoneType",
            id="null-item",
        ),
    ],
)
def test_what_would_change_its_meaning_is_refused_by_path(
    result: Any, text: str, fault: str
) -> None:
    """No guess at what was meant: the error says where and what."""
    with pytest.raises(UnexpectedBodyError) as caught:
        answered(result, text)
    assert caught.value.message == f"the answer does not fit: {fault}"
    assert caught.value.operation == "GET /test"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "result", [pytest.param(r, id=str(r)) for r in (Partner, Page[Partner])]
)
def test_an_answer_without_data_is_refused(result: Any) -> None:
    """Nothing is not an empty model."""
    with pytest.raises(UnexpectedBodyError, match="data is missing"):
        read(result, {"status": 1}, "GET /test")


def test_what_was_never_published_may_come_without_an_envelope() -> None:
    """Nobody knows its form: it is given as it came."""
    plain: Any = object
    assert read(plain, {"data": [1], "status": 1}, "GET /test") == [1]
    assert read(plain, {"status": 1, "message": "ok"}, "GET /test") == {
        "status": 1,
        "message": "ok",
    }
    assert read(plain, {}, "GET /test") == {}


@pytest.mark.parametrize(
    ("result", "payload", "fault"),
    [
        pytest.param(
            models.Coupon,
            {"data": {}, "synchronization_message": 7},
            "synchronization_message: expected str, got int",
            id="beside-data",
        ),
        pytest.param(
            Page[models.Referral],
            {"data": {"data": [{}, {"id": 7}]}},
            "data.data[1].id: expected str, got int",
            id="nested",
        ),
    ],
)
def test_a_fault_is_named_by_where_it_came(
    result: Any, payload: dict[str, Any], fault: str
) -> None:
    """The path is that of the answer, also where the model has another shape."""
    with pytest.raises(UnexpectedBodyError) as caught:
        read(result, payload, "GET /test")
    assert caught.value.message == f"the answer does not fit: {fault}"


def test_where_there_is_nothing_to_read_nothing_is_looked_at() -> None:
    """A deletion is done whatever its body holds."""
    assert read(NoneType, {"data": "odd"}, "DELETE /partners/{id}") is None


# --- tolerance ---------------------------------------------------------------------


def test_what_is_left_out_is_none() -> None:
    """Lists leave out more than single reads."""
    partner = answered(Partner, "{}")
    assert partner == Partner()
    assert answered(Partner, '{"name":null,"tags":null,"referrals":null}') == Partner()


def test_unknown_members_are_kept_at_every_depth() -> None:
    """What this version does not know is in ``extra`` and goes back as it came."""
    text = '{"id":"a","new":{"x":[1]},"referrals":{"clicks":1,"odd":null},"extra":2}'
    partner = answered(Partner, text)
    assert partner.extra == {"new": {"x": [1]}, "extra": 2}
    assert partner.referrals.extra == {"odd": None}
    assert unstructure(partner) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("[]", {}, id="php-empty"),
        pytest.param("{}", {}, id="empty"),
        pytest.param('{"a":1}', {"a": 1}, id="object"),
        pytest.param("[1]", [1], id="list"),
        pytest.param("null", None, id="null"),
    ],
)
def test_a_map_of_the_php_origin(text: str, value: Any) -> None:
    """An empty map may be ``[]``; a list that holds something stays one."""
    assert answered(Partner, f'{{"custom_fields":{text}}}').custom_fields == value


def test_tags_are_texts() -> None:
    """They come as objects, or as the texts that they were sent as."""
    assert answered(Partner, '{"tags":[{"value":"a"},"b"]}').tags == ["a", "b"]
    assert answered(Customer, '{"tags":[]}').tags == []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        pytest.param("64", Decimal(64), id="int"),
        pytest.param("11.2125", Decimal("11.2125"), id="decimal"),
        pytest.param('"149.50"', Decimal("149.50"), id="text"),
        pytest.param('"-3"', Decimal(-3), id="negative-text"),
    ],
)
def test_an_amount_is_a_decimal(text: str, amount: Decimal) -> None:
    """Whole, broken or in quotes: the same type."""
    found = answered(Transaction, f'{{"amount":{text}}}').amount
    assert (type(found), str(found)) == (Decimal, str(amount))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param(
            "2026-03-04T09:15:30.000001Z",
            datetime(2026, 3, 4, 9, 15, 30, 1, UTC),
            id="published",
        ),
        pytest.param("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC), id="day"),
        pytest.param(
            "2026-03-04T09:15:30",
            datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC),
            id="naive",
        ),
        pytest.param(
            "2026-03-04T09:15:30+02:00",
            datetime(2026, 3, 4, 9, 15, 30, tzinfo=timezone(timedelta(hours=2))),
            id="offset",
        ),
    ],
)
def test_a_time_is_aware(text: str, moment: datetime) -> None:
    """One that says no zone is UTC."""
    found = answered(Transaction, f'{{"created_at":"{text}"}}').created_at
    assert found == moment
    assert found.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    ("links", "link"),
    [
        pytest.param('{"next":"https://x/?page=2"}', "https://x/?page=2", id="next"),
        pytest.param('{"next":null}', None, id="last"),
        pytest.param("{}", UNKNOWN, id="empty"),
        pytest.param("[]", UNKNOWN, id="php-empty"),
        pytest.param("null", UNKNOWN, id="null"),
    ],
)
def test_the_next_link_of_a_page(links: str, link: str | None) -> None:
    """No link that is null is the end; no link at all says nothing."""
    payload = decode(f'{{"data":[{{"id":"a"}}],"links":{links}}}'.encode())
    assert payload is not None
    page = read(Page[Partner], payload, "GET /partners")
    assert page == Page(items=[Partner(id="a")], link=link)


def test_a_next_link_that_is_no_text_is_refused() -> None:
    """It is neither the end nor a way on."""
    with pytest.raises(UnexpectedBodyError, match=r"links\.next is neither"):
        read(Page[Partner], {"data": [], "links": {"next": 7}}, "GET /partners")


def test_plain_data_is_passed_on() -> None:
    """Where the answer was never published it comes as it is."""
    assert answered(object, '[{"a":1.50},null]') == [{"a": Decimal("1.50")}, None]


# --- anything at all ---------------------------------------------------------------

MEMBERS = sorted(
    {
        field.name
        for name in models.__all__
        if attrs.has(getattr(models, name))
        for field in attrs.fields(getattr(models, name))
    }
    | {"value"}
)
LIKELY: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 5, Decimal("1.5"), "x", "1.50", "2026-03-04", "", [], {}]
)
HOSTILE = st.recursive(
    LIKELY | JSON,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(
    result=st.sampled_from(RESULTS),
    payload=st.dictionaries(st.sampled_from(["data", "links"]), HOSTILE),
)
def test_any_answer_is_a_result_or_a_typed_error(
    result: Any, payload: dict[str, Any]
) -> None:
    """Whatever JSON comes for whatever is asked: a model, or one kind of error."""
    try:
        found = read(result, payload, "GET /test")
    except UnexpectedBodyError as error:
        assert error.message.startswith("the answer does not fit: ")  # noqa: PT017 - either outcome is right
        return
    if attrs.has(type(found)) and not isinstance(found, Page):
        assert encode(unstructure(found))


AMOUNT = st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4)
MOMENT = st.none() | st.datetimes(timezones=st.just(UTC))
MAYBE = st.none() | st.text()
PLAIN = st.none() | st.dictionaries(st.text(), JSON, max_size=2)
EXTRA = st.dictionaries(st.text().map("x-".__add__), JSON, max_size=2)
SALES = st.builds(
    Transaction,
    key=MAYBE,
    amount=AMOUNT,
    credit=st.none() | st.booleans(),
    created_at=MOMENT,
    rewards=st.none()
    | st.lists(
        st.builds(
            models.TransactionReward,
            amount=AMOUNT,
            status=MAYBE,
            product_type_data=PLAIN,
            extra=EXTRA,
        ),
        max_size=2,
    ),
    extra=EXTRA,
)
PARTNERS = st.builds(
    Partner,
    id=MAYBE,
    tags=st.none() | st.lists(st.text(), max_size=3),
    custom_fields=PLAIN,
    created_at=MOMENT,
    commissions=st.none()
    | st.builds(
        models.PartnerCommissions,
        paid=AMOUNT,
        pending=st.none()
        | st.lists(st.builds(models.CurrencyAmount, amount=AMOUNT), max_size=2),
    ),
    extra=EXTRA,
)


@settings(max_examples=200, deadline=None)
@given(model=SALES | PARTNERS)
def test_a_model_comes_back_from_its_json(model: Any) -> None:
    """Writing and reading lose nothing, through the bytes and all."""
    payload = decode(encode({"data": unstructure(model)}))
    assert payload is not None
    assert read(type(model), payload, "GET /test") == model


# --- back to JSON ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        pytest.param(
            datetime(2026, 3, 4, 9, 15, 30, 5, UTC),
            "2026-03-04T09:15:30.000005Z",
            id="utc",
        ),
        pytest.param(
            datetime(2026, 3, 4, 9, tzinfo=timezone(timedelta(hours=2))),
            "2026-03-04T07:00:00.000000Z",
            id="offset",
        ),
        pytest.param(
            datetime(900, 1, 2, tzinfo=UTC), "0900-01-02T00:00:00.000000Z", id="early"
        ),
        pytest.param(
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "0001-01-01T00:00:00.000000+02:00",
            id="before-the-calendar",
        ),
    ],
)
def test_a_time_is_written_as_the_api_writes_it(moment: datetime, text: str) -> None:
    """In UTC with six digits, where there is a UTC."""
    assert unstructure(Customer(created_at=moment)) == {"created_at": text}


def test_plain_json_goes_back_however_deep() -> None:
    """Custom fields are not walked through."""
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    back = unstructure(Partner(custom_fields=deep))
    assert back["custom_fields"] is deep


def test_a_day_is_written() -> None:
    """A date is written as the API writes it, too."""

    @attrs.define
    class Lead:
        day: date
        extra: dict[str, Any]

    assert unstructure(Lead(date(2026, 3, 4), {})) == {"day": "2026-03-04"}


def test_none_is_left_out_and_an_empty_list_is_not() -> None:
    """What an answer left out is left out again."""
    assert unstructure(Partner(id="a", name=None, tags=[])) == {"id": "a", "tags": []}
    assert unstructure(Partner(tags=["a"])) == {"tags": [{"value": "a"}]}
