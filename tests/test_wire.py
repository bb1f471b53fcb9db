"""From calls to bytes and from answers to verdicts, with plain values."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partnero_async._wire import (
    Answer,
    Request,
    Verdict,
    explain,
    iso_text,
    judge,
    next_page,
    path_part,
    reference,
    request,
    request_id,
    unix_seconds,
    without_none,
)
from partnero_async.errors import (
    PartneroError,
    RefusedError,
    ServerError,
    UnexpectedBodyError,
    UsageError,
    ValidationError,
)
from partnero_async.models import Customer
from partnero_async.retries import Outcome

from .reference import OPERATIONS

JSON_HEAD = {"Content-Type": "application/json"}

# --- names of other records ---------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param("c1", "str", id="its-key"),
        pytest.param(None, "NoneType", id="nothing"),
        pytest.param(Customer(key="c1"), "Customer", id="a-model"),
        pytest.param(["c1"], "list", id="a-list"),
    ],
)
def test_another_record_is_named_by_an_object(value: Any, kind: str) -> None:
    """The likeliest mistake of a first call is told before anything is sent."""
    with pytest.raises(UsageError, match=f'customer is a {kind}: .* {{"key": ...}}'):
        reference(value, "customer")
    named = {"key": "c1"}
    assert reference(named, "customer") is named


# --- paths -----------------------------------------------------------------------

WITH_PART = [operation for operation in OPERATIONS if "{" in operation.route]


@settings(max_examples=200, deadline=None)
@given(value=st.text(alphabet=st.characters(), max_size=20))
def test_a_target_keeps_the_shape_of_its_route(value: str) -> None:
    """Whatever an id is: its own item, never the collection and never another one."""
    for operation in WITH_PART:
        before, name, after = re.split(r"\{(\w+)\}", operation.route)
        label = f"{operation.method} {operation.route}"
        try:
            target = request(label, parts={name: value}).target
        except UsageError as error:
            assert name in str(error)  # noqa: PT017 - either outcome is right
            assert refusable(value)
            continue
        found = re.fullmatch(
            f"{re.escape(before)}([^/?#&;]+){re.escape(after)}", target
        )
        assert found, target
        assert found[1] not in (".", "..")
        assert unquote(found[1]) == value
        assert target.isascii()


def refusable(value: str) -> bool:
    """Tell whether a part may be refused at all: the others have to be carried."""
    odd = re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value)
    return bool(odd) or value.strip() in ("", ".", "..")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("\u00a0", id="no-break-space"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="dots"),
        pytest.param(" .. ", id="blank-dots"),
        pytest.param("a\x00", id="nul"),
        pytest.param("a\r\nHost: b", id="line-break"),
        pytest.param("\x7f", id="delete"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param(7, id="int"),
        pytest.param(None, id="none"),
        pytest.param(b"a", id="bytes"),
    ],
)
def test_a_part_that_leads_elsewhere_is_refused(value: Any) -> None:
    """``DELETE /partners`` is a real call: an empty id must not become one."""
    with pytest.raises(UsageError, match="id"):
        path_part("id", value)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        pytest.param("tom@example.com", "tom%40example.com", id="address"),
        pytest.param("a/b", "a%2Fb", id="slash"),
        pytest.param("../partners", "..%2Fpartners", id="climbing"),
        pytest.param("%2e%2e", "%252e%252e", id="encoded-dots"),
        pytest.param("a?b#c", "a%3Fb%23c", id="query-and-fragment"),
        pytest.param("...", "...", id="three-dots"),
        pytest.param("{key}", "%7Bkey%7D", id="template"),
        pytest.param("é", "%C3%A9", id="accent"),
    ],
)
def test_a_part_is_encoded(value: str, part: str) -> None:
    """Nothing of a value is read as a part of the URL's own grammar."""
    assert path_part("id", value) == part


def test_the_colon_of_an_action_is_not_encoded() -> None:
    """``/partners:search`` stays as the facts say."""
    sent = request("GET /partners:search", query={"email": "a@b"})
    assert sent == Request(
        "GET /partners:search", "GET", "/partners:search?email=a%40b", None
    )


# --- queries -----------------------------------------------------------------------


def test_a_query_is_sent_without_none() -> None:
    """None is not sent; truth values are lower-case; blanks are ``%20``."""
    query = {"a": None, "b": True, "c": "x y+&=/é", "d": 15, "e": False}
    target = request("GET /partners", query=query).target
    assert target == "/partners?b=true&c=x%20y%2B%26%3D%2F%C3%A9&d=15&e=false"


def test_a_query_of_nothing_leaves_no_question_mark() -> None:
    """All of it None is no query."""
    assert request("GET /partner", query={"key": None}).target == "/partner"


@settings(max_examples=200, deadline=None)
@given(value=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_query_value_comes_back_as_it_was(value: str) -> None:
    """Encoding a value loses nothing and adds no other."""
    target = request("GET /partner", query={"key": value}).target
    pairs = parse_qsl(target.partition("?")[2], keep_blank_values=True)
    assert pairs == [("key", value)]


def test_half_a_character_in_a_query_is_refused() -> None:
    """It cannot be encoded; the refusal names it."""
    with pytest.raises(UsageError, match=r"email='\\ud800'"):
        request("GET /partner", query={"email": "\ud800"})


# --- bodies ------------------------------------------------------------------------


def body(value: dict[str, Any]) -> bytes | None:
    """Return the body that is sent for *value*."""
    return request("POST /transactions", json=value).body


def test_no_body_is_not_an_empty_one() -> None:
    """A call without a body sends none; an empty object is one."""
    assert request("POST /partners/{id}/archive", parts={"id": "a"}).body is None
    assert body({}) == b"{}"


def test_none_is_dropped_at_all_depths() -> None:
    """What was not given is not sent, and neither is an object of only such members."""
    value = {
        "key": None,
        "name": "",
        "amount": 0,
        "rewarded": False,
        "tags": [],
        "options": {"referral_url": None, "deep": {"er": None}},
        "partner": {},
        "list": [{"a": None, "b": 1}],
    }
    assert body(value) == (
        b'{"name":"","amount":0,"rewarded":false,"tags":[],"partner":{},'
        b'"list":[{"b":1}]}'
    )


def test_any_mapping_and_sequence_will_do() -> None:
    """Inputs are wide: tuples are arrays, and read-only views are objects."""
    partner = MappingProxyType({"key": "ada", "id": None})
    sent = OrderedDict(tags=("a", "b"), partner=partner)
    assert without_none(sent) == {"tags": ["a", "b"], "partner": {"key": "ada"}}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        pytest.param({"amount": float("nan")}, "amount is nan", id="nan"),
        pytest.param({"amount": float("inf")}, "amount is inf", id="inf"),
        pytest.param({"amount": float("-inf")}, "amount is -inf", id="minus-inf"),
        pytest.param({"a": Decimal("NaN")}, "a is NaN", id="decimal-nan"),
        pytest.param({"a": Decimal("sNaN")}, "a is sNaN", id="decimal-signalling"),
        pytest.param({"a": Decimal("Infinity")}, "a is Infinity", id="decimal-inf"),
        pytest.param(
            {"transactions": [{}, {"amount": float("nan")}]},
            r"transactions\[1\]\.amount is nan",
            id="nested",
        ),
        pytest.param({"name": b"Ada"}, "name is bytes", id="bytes"),
        pytest.param({"tags": {"a", "b"}}, "tags is set", id="set"),
        pytest.param({"a": [bytearray(b"x")]}, r"a\[0\] is bytearray", id="bytearray"),
    ],
)
def test_what_json_would_corrupt_is_refused_by_path(
    value: dict[str, Any], path: str
) -> None:
    """A codec writes NaN as null and bytes as numbers or base64, without a word."""
    with pytest.raises(UsageError, match=path):
        body(value)


def circular() -> dict[str, Any]:
    """Make an object that contains itself."""
    value: dict[str, Any] = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": object()}, id="object"),
        pytest.param({"a": "\ud800"}, id="lone-surrogate"),
        pytest.param({(1, 2): 3}, id="key"),
        pytest.param(circular(), id="circular"),
    ],
)
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    """Whatever is wrong with a body is the caller's error, before anything is sent."""
    with pytest.raises(UsageError, match="cannot be sent as JSON"):
        body(value)


def test_large_and_small_decimals_are_exact() -> None:
    """Money never goes through a binary float."""
    assert body({"a": Decimal("0.10"), "b": Decimal("12345678901234567890.01")}) == (
        b'{"a":0.10,"b":12345678901234567890.01}'
    )
    assert body({"a": Decimal("1E+400")}) == b'{"a":1E+400}'


# --- times -------------------------------------------------------------------------

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("moment", "seconds", "text"),
    [
        pytest.param(NOON, 1772618400, "2026-03-04T10:00:00Z", id="aware"),
        pytest.param("2026-03-04", "2026-03-04", "2026-03-04", id="text-as-it-is"),
        pytest.param(None, None, None, id="none"),
    ],
)
def test_a_moment_is_sent_in_the_form_of_its_operation(
    moment: datetime | str | None, seconds: int | str | None, text: str | None
) -> None:
    """Unix seconds for sales, ISO 8601 in UTC for rewards."""
    assert unix_seconds(moment, "created_at") == seconds
    assert iso_text(moment, "date") == text


def test_a_moment_without_a_zone_is_refused() -> None:
    """A local time would be booked on another day elsewhere."""
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(UsageError, match="created_at has no time zone"):
        unix_seconds(naive, "created_at")
    with pytest.raises(UsageError, match="date has no time zone"):
        iso_text(naive, "date")


# --- verdicts ------------------------------------------------------------------------


class SafeText(str):
    """A text of a web framework, which stays what it is when it is made a str."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return itself."""
        return self


def test_kinds_of_text_are_texts() -> None:
    """Web frameworks have texts of their own, in bodies and in paths."""
    sent = request(
        "PUT /x/{id}", parts={"id": SafeText("a")}, json={"n": SafeText("b")}
    )
    assert (sent.target, sent.body) == ("/x/a", b'{"n":"b"}')


def verdict(status: int, text: bytes = b"", kind: str = "application/json") -> Outcome:
    """Judge an answer."""
    return judge(Answer(status, {"Content-Type": kind}, text)).outcome


BODIES = (b"", b"{}", b'{"status":1}', b"[]", b"<html>", b'{"status":0}')
BY_STATUS = {
    **dict.fromkeys((100, 101, 103, 199), Outcome.FAILED),
    **dict.fromkeys((300, 301, 302, 304, 307, 308, 399), Outcome.REDIRECTED),
    **dict.fromkeys((400, 401, 403, 404, 405, 407, 409), Outcome.REFUSED),
    **dict.fromkeys((410, 413, 415, 418, 422, 428, 430, 499), Outcome.REFUSED),
    408: Outcome.FAILED,
    429: Outcome.THROTTLED,
    **dict.fromkeys((500, 502, 503, 504, 599, 600, 999), Outcome.FAILED),
}


@pytest.mark.parametrize(("status", "outcome"), BY_STATUS.items())
def test_outside_2xx_the_status_decides(status: int, outcome: Outcome) -> None:
    """No body turns a refusal into a success, nor a failure into a refusal."""
    assert {verdict(status, text) for text in BODIES} == {outcome}


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize(
    ("text", "kind", "outcome"),
    [
        pytest.param(b'{"status":1}', "application/json", Outcome.OK, id="one"),
        pytest.param(b"{}", "application/json", Outcome.OK, id="without-status"),
        pytest.param(b"{}", "text/html", Outcome.OK, id="json-by-another-name"),
        pytest.param(b'{"status":"ok"}', "", Outcome.OK, id="text-status"),
        pytest.param(b'{"status":[]}', "", Outcome.OK, id="list-status"),
        pytest.param(b'{"status":0}', "", Outcome.REFUSED, id="zero"),
        pytest.param(b'{"status":"0"}', "", Outcome.REFUSED, id="zero-text"),
        pytest.param(b'{"status":0.0}', "", Outcome.REFUSED, id="zero-decimal"),
        pytest.param(b'{"status":false}', "", Outcome.REFUSED, id="false"),
        pytest.param(b'{"data":', "application/json", Outcome.BROKEN, id="cut-off"),
        pytest.param(b"[]", "application/json", Outcome.BROKEN, id="array"),
        pytest.param(b"7", "Application/JSON; x", Outcome.BROKEN, id="scalar"),
        pytest.param(b'{"a":NaN}', "application/json", Outcome.BROKEN, id="nan"),
        pytest.param(b"", "application/json", Outcome.BROKEN, id="empty"),
        pytest.param(b" \r\n", "text/html", Outcome.BROKEN, id="blank"),
        pytest.param(b"<html>", "text/html", Outcome.FAILED, id="html"),
        pytest.param(b"OK", "", Outcome.FAILED, id="text-of-no-type"),
    ],
)
def test_under_2xx_the_body_decides(
    status: int, text: bytes, kind: str, outcome: Outcome
) -> None:
    """JSON that says no is a refusal, broken JSON a success, HTML neither."""
    assert verdict(status, text, kind) is outcome


def test_only_204_may_be_empty() -> None:
    """It is the documented answer without a body."""
    assert verdict(204) is Outcome.OK
    assert verdict(204, b'{"status":0}') is Outcome.REFUSED


HEADS = st.sampled_from([{}, JSON_HEAD, {"Content-Type": "text/html"}])
ANSWERS = st.builds(
    Answer,
    st.integers(0, 999),
    HEADS,
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["status", "errors", "message", "data"]) | st.text(),
                inner,
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=400, deadline=None)
@given(answer=ANSWERS)
def test_any_answer_has_a_verdict_and_an_explanation(answer: Answer) -> None:
    """Any bytes under any status: a verdict and, if need be, an error of ours."""
    judged = judge(answer)
    assert isinstance(judged, Verdict)
    error = explain(answer, judged, "GET /test")
    assert isinstance(error, PartneroError)
    assert str(error).isprintable() or error.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xef\xbb\xbf{}", id="bom"),
        pytest.param('{"a":1}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"a":"\xff"}', id="bad-utf-8"),
        pytest.param(b'{"a":"\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"a":' + b"[" * 100_000, id="deep"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="digits"),
        pytest.param(b'{"a":1e99999999999999999999}', id="exponent"),
        pytest.param(b"{} {}", id="trailing"),
    ],
)
def test_a_hostile_body_is_a_broken_one(text: bytes) -> None:
    """What cannot be read never raises and never passes."""
    assert verdict(200, text) is Outcome.BROKEN


# --- explanations --------------------------------------------------------------------


def explained(status: int, text: bytes, **headers: str) -> PartneroError:
    """Build the error for an answer."""
    answer = Answer(status, {**JSON_HEAD, **headers}, text)
    return explain(answer, judge(answer), "POST /partners")


@pytest.mark.parametrize(
    ("errors", "fields"),
    [
        pytest.param('{"a":["x","y"]}', {"a": ["x", "y"]}, id="lists-by-field"),
        pytest.param('{"a":"x"}', {"a": ["x"]}, id="text-by-field"),
        pytest.param('{"a":{"b":["x"]}}', {"a": ["{'b': ['x']}"]}, id="nested"),
        pytest.param('["x",7]', {"": ["x", "7"]}, id="list"),
        pytest.param('"x"', {"": ["x"]}, id="text"),
        pytest.param("[]", {}, id="empty-list"),
        pytest.param("{}", {}, id="empty-object"),
        pytest.param("null", {}, id="null"),
    ],
)
def test_reasons_are_read_in_any_shape(
    errors: str, fields: dict[str, list[str]]
) -> None:
    """By field, a list, one text, or none."""
    error = explained(422, b'{"errors":' + errors.encode() + b"}")
    assert type(error) is ValidationError
    assert error.fields == fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b'{"message":"No."}', "No.", id="text"),
        pytest.param(b'{"message":""}', "the API refused", id="empty"),
        pytest.param(b'{"message":["No."]}', "the API refused", id="list"),
        pytest.param(b"<html>", "the API refused", id="html"),
    ],
)
def test_the_message_is_the_answers_own_if_it_has_one(
    text: bytes, message: str
) -> None:
    """Anything but a text says nothing."""
    assert explained(400, text).message == message


def test_the_error_knows_where_it_comes_from() -> None:
    """Operation, status and the server's own id of the answer."""
    error = explained(503, b"", **{"X-Request-Id": "r-1"})
    assert type(error) is ServerError
    assert (error.operation, error.status) == ("POST /partners", 503)
    assert error.request_id == "r-1"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        pytest.param(200, b'{"status":0}', RefusedError, id="refused-under-200"),
        pytest.param(200, b"<html>", UnexpectedBodyError, id="no-json-under-200"),
        pytest.param(302, b"", UnexpectedBodyError, id="redirect"),
        pytest.param(101, b"", UnexpectedBodyError, id="switching"),
    ],
)
def test_an_error_below_400(
    status: int, text: bytes, kind: type[PartneroError]
) -> None:
    """It is a refusal where the API says so, else an unexpected body."""
    assert type(explained(status, text)) is kind


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"CF-Ray": "c"}, "c", id="proxy"),
        pytest.param({"CF-Ray": "c", "X-Request-Id": "r"}, "r", id="own-first"),
        pytest.param({"X-Request-Id": "r" * 5000}, "r" * 200, id="long"),
    ],
)
def test_the_request_id(headers: dict[str, str], found: str | None) -> None:
    """The API's own id before a proxy's, and never more than fits on a line."""
    assert request_id(headers) == found


# --- the next page -------------------------------------------------------------------

BASE = "https://api.partnero.com/v1"
PARTNERS = request("GET /partners", query={"limit": 2})


@pytest.mark.parametrize(
    ("link", "number"),
    [
        pytest.param(f"{BASE}/partners?page=2", 2, id="published"),
        pytest.param(f"{BASE}/partners?limit=2&page=3&sort=asc", 3, id="filters"),
        pytest.param("http://api.partnero.com/v1/partners?page=2", 2, id="plain-http"),
        pytest.param(f"{BASE}/partners?page=123456789", 123456789, id="largest"),
    ],
)
def test_only_the_number_of_a_next_link_is_used(link: str, number: int) -> None:
    """Filters and scheme are our own, whatever the link says."""
    assert next_page(link, BASE, PARTNERS, 1) == number


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://evil.example/v1/partners?page=2", id="foreign-host"),
        pytest.param("https://api.partnero.com:8443/v1/partners?page=2", id="port"),
        pytest.param(f"{BASE}/partners?page=12345678901", id="huge"),
        pytest.param(f"{BASE}/partners?page=-3", id="negative"),
        pytest.param(f"{BASE}/partners?page=0", id="zero"),
        pytest.param(f"{BASE}/partners?page=1", id="itself"),
        pytest.param(f"{BASE}/partners?page=1_0", id="underscore"),
        pytest.param(f"{BASE}/partners?page=\uff11\uff12", id="other-digits"),
        pytest.param("https://u@api.partnero.com/v1/partners?page=2", id="user"),
        pytest.param(f"{BASE}/customers?page=2", id="other-list"),
        pytest.param(f"{BASE}/partners/?page=2", id="other-path"),
        pytest.param("/v1/partners?page=2", id="relative"),
        pytest.param("?page=2", id="query-only"),
        pytest.param("//api.partnero.com/v1/partners?page=2", id="no-scheme"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("file:///v1/partners?page=2", id="file"),
        pytest.param(f"{BASE}/partners", id="no-page"),
        pytest.param(f"{BASE}/partners?page=", id="empty-page"),
        pytest.param(f"{BASE}/partners?page=two", id="word"),
        pytest.param(f"{BASE}/partners?page=2&page=3", id="two-pages"),
        pytest.param("https://[bad/v1/partners?page=2", id="no-url"),
        pytest.param("", id="empty"),
    ],
)
def test_a_next_link_to_another_place_is_refused(link: str) -> None:
    """Its number would count something else, and the key must not follow it."""
    with pytest.raises(UnexpectedBodyError, match=r"links\.next"):
        next_page(link, BASE, PARTNERS, 1)


def test_a_next_link_leads_on() -> None:
    """One that leads back would never end; the error says which, and of what."""
    with pytest.raises(UnexpectedBodyError, match="page 3 leads back to page 2") as hit:
        next_page(f"{BASE}/partners?page=2", BASE, PARTNERS, 3)
    assert hit.value.operation == "GET /partners"


@settings(max_examples=200, deadline=None)
@given(link=st.text() | st.text().map(lambda tail: f"{BASE}/partners?page={tail}"))
def test_any_next_link_is_a_number_or_a_typed_error(link: str) -> None:
    """Whatever stands there, nothing else is raised."""
    try:
        assert isinstance(next_page(link, BASE, PARTNERS, 1), int)
    except UnexpectedBodyError as error:
        assert "links.next" in error.message  # noqa: PT017 - either outcome is right
