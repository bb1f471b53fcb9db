"""Events: each published name has its class, and its data the resource's model."""

from __future__ import annotations

import json
import pickle
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partnero_async import (
    EventDataError,
    MalformedEventError,
    UsageError,
    WebhookError,
)
from partnero_async.models import (
    Customer,
    Lead,
    Partner,
    Referral,
    Subscriber,
    Transaction,
    WebhookEventName,
)
from partnero_async.webhooks import (
    EVENTS,
    CustomerCreated,
    Event,
    PartnerCreated,
    PartnerEvent,
    TransactionCreated,
    TransactionDeleted,
    UnknownEvent,
    parse,
)

from .deliveries import BAD, EACH, PERSON, Delivery, Example, written

MODELS = {
    "partner": Partner,
    "customer": Customer | Referral,
    "transaction": Transaction,
    "lead": Lead,
    "subscriber": Subscriber,
}


@pytest.mark.parametrize("example", EACH)
def test_published_event(example: Example) -> None:
    """It has the class of its name, and all that was sent is in it."""
    if "superseded" in example.name:
        with pytest.raises(MalformedEventError):
            parse(example.body)
        return
    event = parse(example.body)
    assert type(event) is EVENTS.get(example.event, UnknownEvent)
    assert event.name == example.event
    assert event.id == sha256(example.body).hexdigest()
    assert event.created_at == datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC)
    assert event.url == "https://ledger.harborlight.example/hooks/partnero"
    assert event.webhook_key == "eT5mXr90LbQy"
    assert event.body == example.body
    sent = json.loads(example.body, parse_float=Decimal)
    if type(event) is UnknownEvent:
        assert event.data == sent["data"]
    else:
        assert isinstance(event.data, MODELS[example.event.partition(".")[0]])
        assert event.data.extra == {}
        for name in {"key", "id", "email", "amount"} & sent["data"].keys():
            assert getattr(event.data, name) == sent["data"][name]


def test_every_published_name_has_a_class() -> None:
    """And no class is of another name; each is named as its event."""
    assert list(EVENTS) == list(get_args(WebhookEventName))
    for name, kind in EVENTS.items():
        assert kind.__name__ == name.title().replace(".", "")


@pytest.mark.parametrize(
    ("data", "model"),
    [
        pytest.param({"key": "acct-1", "partner": "pt_1"}, Customer, id="affiliate"),
        pytest.param({"id": "usr-1", "referral_link": "x"}, Referral, id="refer"),
        pytest.param({}, Referral, id="neither"),
    ],
)
def test_customers_of_either_program(data: dict[str, Any], model: type[Any]) -> None:
    """The type of program is not in the envelope; only one of them has keys."""
    event = parse(written(data=data))
    assert isinstance(event, CustomerCreated)
    assert isinstance(event.data, model)


def test_money_is_exact() -> None:
    """And the members that no version knows are kept, at each depth."""
    event = parse(
        b'{"event": "transaction.created", "created_at": "2026-03-04T10:15:30+01:00",'
        b' "data": {"key": "k", "amount": 0.1, "odd": 1,'
        b' "rewards": [{"odd": 11.2125}]},'
        b' "attempt": 2}'
    )
    assert isinstance(event, TransactionCreated)
    assert event.data.amount == Decimal("0.1")
    assert event.extra == {"attempt": 2}
    assert event.data.extra == {"odd": 1}
    assert event.data.rewards
    assert event.data.rewards[0].extra == {"odd": Decimal("11.2125")}
    assert event.created_at == datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC)
    assert (event.url, event.webhook_key) == (None, None)


def test_a_time_without_a_zone_is_utc() -> None:
    """Times are always aware."""
    event = parse(written(created_at="2026-03-04T09:15:30"))
    assert event.created_at == datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize("data", [None, 5, "text", [1], {"a": [None]}], ids=repr)
def test_an_unknown_event_is_usable(data: Any) -> None:
    """By its name and plain data, whatever that is."""
    event = parse(written("reward.paid", data=data))
    assert type(event) is UnknownEvent
    assert (event.name, event.data) == ("reward.paid", data)


@pytest.mark.parametrize("delivery", BAD)
def test_bad_delivery(delivery: Delivery) -> None:
    """What is signed and no event is a typed error, without a word of the body."""
    if delivery.error is None or not issubclass(delivery.error, MalformedEventError):
        return
    with pytest.raises(delivery.error) as caught:
        parse(delivery.body)
    assert type(caught.value) is delivery.error
    assert PERSON not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("data", "path"),
    [
        pytest.param({"email": 5}, r"data\.email", id="member"),
        pytest.param({"tags": [{"value": 5}]}, r"data\.tags", id="tag"),
        pytest.param({"created_at": PERSON}, r"data\.created_at", id="time"),
        pytest.param([], "data", id="root"),
    ],
)
def test_where_data_does_not_fit_is_said(data: Any, path: str) -> None:
    """The path is, and the value is not."""
    with pytest.raises(EventDataError, match=rf"fit the event: {path}\b"):
        parse(written("partner.updated", data=data))


def test_a_body_that_is_not_raw_is_refused() -> None:
    """As in `verify`."""
    with pytest.raises(UsageError, match="raw body"):
        parse("{}")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*EVENTS, "reward.paid"])
def test_an_event_travels(name: str) -> None:
    """A queue passes it on, whole, or its body."""
    event = parse(written(name, data={}, more=1))
    for twin in (pickle.loads(pickle.dumps(event)), parse(event.body)):  # noqa: S301 - our own
        assert type(twin) is type(event)
        assert twin == event
        assert hash(twin.id) == hash(event.id)
    assert "body" not in repr(event)


def test_families() -> None:
    """Functions of several events are typed with what these have in common."""
    event = parse(written("partner.archived", data={"email": "a@b.example"}))
    assert isinstance(event, PartnerEvent)
    assert not isinstance(event, PartnerCreated | TransactionDeleted)
    assert event.data.email == "a@b.example"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["key", "id", "email", "tags", "created_at", "rewards"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    envelope=st.fixed_dictionaries(
        {},
        optional={
            "event": st.sampled_from(sorted(EVENTS)) | JSON,
            "created_at": st.just("2026-03-04T09:15:30.000000Z") | JSON,
            "url": JSON,
            "webhook_key": JSON,
            "data": JSON,
            "more": JSON,
        },
    )
)
def test_whatever_comes_is_an_event_or_a_typed_error(envelope: dict[str, Any]) -> None:
    """Nothing else is raised."""
    body = json.dumps(envelope).encode()
    with suppress(WebhookError):
        event = parse(body)
        assert isinstance(event, Event)
        assert event.created_at.tzinfo
        assert event.name == envelope["event"]


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: f'{{"event": {text}'.encode("utf-16")))
def test_bytes_that_are_no_event(body: bytes) -> None:
    """They are refused as such."""
    with pytest.raises(MalformedEventError):
        parse(body)
