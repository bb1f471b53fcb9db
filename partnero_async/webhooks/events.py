"""What an event is: its envelope, and the resource that it is about.

Each published event has a class of its own, so that its `data` is typed behind an
`isinstance`::

    event = parse(body)
    if isinstance(event, PartnerCreated):
        print(event.data.email)

What the data of most events holds was never published; it is taken to be the resource
as the API answers it (facts.md, section 7), of which anything may be left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import attrs

from .._convert import path_of_fault, read
from .._json import decode, is_object
from ..errors import EventDataError, MalformedEventError, UnexpectedBodyError
from ..models.customers import Customer
from ..models.leads import Lead
from ..models.partners import Partner
from ..models.referrals import Referral
from ..models.subscribers import Subscriber
from ..models.transactions import Transaction
from .signature import raw

__all__ = [
    "EVENTS",
    "CustomerCreated",
    "CustomerCredited",
    "CustomerDeleted",
    "CustomerEvent",
    "CustomerRewarded",
    "CustomerUpdated",
    "Event",
    "LeadConverted",
    "LeadEvent",
    "LeadRejected",
    "LeadSubmitted",
    "PartnerApproved",
    "PartnerArchived",
    "PartnerCreated",
    "PartnerDeleted",
    "PartnerEvent",
    "PartnerRejected",
    "PartnerUpdated",
    "ReferralEvent",
    "SubscriberCreated",
    "SubscriberDeleted",
    "SubscriberEvent",
    "SubscriberRewarded",
    "SubscriberUpdated",
    "TransactionCreated",
    "TransactionDeleted",
    "TransactionEvent",
    "UnknownEvent",
    "parse",
]


@attrs.frozen(kw_only=True)
class Event:
    """Something that has happened in the program."""

    id: str
    """SHA-256 of the body, in hex: a delivery has no id of its own.

    A delivery that is repeated byte for byte has the same one.
    """
    name: str
    """Such as ``transaction.created``."""
    created_at: datetime
    """When the sender made it; aware."""
    url: str | None = None
    """Where it was sent to."""
    webhook_key: str | None = None
    """Key of the webhook that it was sent for."""
    data: Any
    """The resource that it is about."""
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """What else the envelope has, as it came."""
    body: bytes = attrs.field(repr=False)
    """The body as it came: `parse` makes this event of it again, in another process."""


class UnknownEvent(Event):
    """An event that this version has no class for; its data is plain JSON."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class PartnerEvent(Event):
    """Something has happened to a partner."""

    data: Partner


class PartnerCreated(PartnerEvent):
    """A partner has joined, or was created."""

    __slots__ = ()


class PartnerUpdated(PartnerEvent):
    """A partner has other values now."""

    __slots__ = ()


class PartnerDeleted(PartnerEvent):
    """A partner is gone, for good."""

    __slots__ = ()


class PartnerApproved(PartnerEvent):
    """A partner may begin."""

    __slots__ = ()


class PartnerRejected(PartnerEvent):
    """A partner was turned down."""

    __slots__ = ()


class PartnerArchived(PartnerEvent):
    """A partner has left, and may be restored."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class CustomerEvent(Event):
    """Something has happened to a customer."""

    data: Customer | Referral
    """A `Customer` in an affiliate program, a `Referral` in a refer-a-friend one.

    They are told apart by the key, which only a `Customer` has.
    """


class CustomerCreated(CustomerEvent):
    """A customer has signed up, or was created."""

    __slots__ = ()


class CustomerUpdated(CustomerEvent):
    """A customer has other values now."""

    __slots__ = ()


class CustomerDeleted(CustomerEvent):
    """A customer is gone, with its sales."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class ReferralEvent(Event):
    """Something that only customers of refer-a-friend programs have was given."""

    data: Referral


class CustomerCredited(ReferralEvent):
    """A customer's balance was credited."""

    __slots__ = ()


class CustomerRewarded(ReferralEvent):
    """A customer was rewarded for a referral."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class TransactionEvent(Event):
    """Something has happened to a sale."""

    data: Transaction


class TransactionCreated(TransactionEvent):
    """A sale was recorded."""

    __slots__ = ()


class TransactionDeleted(TransactionEvent):
    """A sale was deleted, and its commission reversed."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class LeadEvent(Event):
    """Something has happened to a lead."""

    data: Lead


class LeadSubmitted(LeadEvent):
    """A partner has submitted a lead."""

    __slots__ = ()


class LeadConverted(LeadEvent):
    """A lead has become a customer."""

    __slots__ = ()


class LeadRejected(LeadEvent):
    """A lead was turned down."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class SubscriberEvent(Event):
    """Something has happened to a subscriber."""

    data: Subscriber


class SubscriberCreated(SubscriberEvent):
    """A subscriber has joined, or was created."""

    __slots__ = ()


class SubscriberUpdated(SubscriberEvent):
    """A subscriber has other values now."""

    __slots__ = ()


class SubscriberDeleted(SubscriberEvent):
    """A subscriber is gone."""

    __slots__ = ()


class SubscriberRewarded(SubscriberEvent):
    """A subscriber was rewarded for referrals."""

    __slots__ = ()


EVENTS: Final[dict[str, type[Event]]] = {
    "partner.created": PartnerCreated,
    "partner.updated": PartnerUpdated,
    "partner.deleted": PartnerDeleted,
    "partner.approved": PartnerApproved,
    "partner.rejected": PartnerRejected,
    "partner.archived": PartnerArchived,
    "customer.created": CustomerCreated,
    "customer.updated": CustomerUpdated,
    "customer.deleted": CustomerDeleted,
    "customer.credited": CustomerCredited,
    "customer.rewarded": CustomerRewarded,
    "transaction.created": TransactionCreated,
    "transaction.deleted": TransactionDeleted,
    "lead.submitted": LeadSubmitted,
    "lead.converted": LeadConverted,
    "lead.rejected": LeadRejected,
    "subscriber.created": SubscriberCreated,
    "subscriber.updated": SubscriberUpdated,
    "subscriber.deleted": SubscriberDeleted,
    "subscriber.rewarded": SubscriberRewarded,
}
"""The classes of the events that are published, by name."""

_MODELS: Final[dict[type[Event], type[Any]]] = {
    PartnerEvent: Partner,
    ReferralEvent: Referral,
    TransactionEvent: Transaction,
    LeadEvent: Lead,
    SubscriberEvent: Subscriber,
}

ENVELOPE: Final = frozenset({"event", "url", "webhook_key", "created_at", "data"})


def parse(body: bytes) -> Event:
    """Read the event that *body* is. Verify its signature first: anybody can send one.

    Raises `MalformedEventError` for what is no event, `EventDataError` where the data
    does not fit the event's name, and `UsageError` for a body that is not bytes.
    """
    envelope = decode(raw(body))
    if envelope is None:
        raise MalformedEventError("the body is not a JSON object")
    if "data" not in envelope:
        raise MalformedEventError("the event has no data")
    name = _text(envelope, "event")
    if not name:
        raise MalformedEventError("the event has no name")
    kind = EVENTS.get(name, UnknownEvent)
    return kind(
        id=sha256(body).hexdigest(),
        name=name,
        created_at=_moment(_text(envelope, "created_at")),
        url=_text(envelope, "url"),
        webhook_key=_text(envelope, "webhook_key"),
        data=_data(kind, envelope),
        extra={k: v for k, v in envelope.items() if k not in ENVELOPE},
        body=body,
    )


def _text(envelope: dict[str, Any], name: str) -> str | None:
    value = envelope.get(name)
    if value is None or isinstance(value, str):
        return value
    raise MalformedEventError(f"the event's {name} is not a text")


def _moment(text: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        raise MalformedEventError("the event does not say when it was made") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _data(kind: type[Event], envelope: dict[str, Any]) -> Any:
    if kind is UnknownEvent:
        return envelope["data"]
    model = _model(kind, envelope["data"])
    try:
        return read(model, envelope, "")
    except UnexpectedBodyError:
        # The path alone: the reason may show a value, and events hold personal data.
        path, _, _ = (path_of_fault(model, envelope) or "data").partition(": ")
    raise EventDataError(f"the data does not fit the event: {path}.")


def _model(kind: type[Event], data: Any) -> type[Any]:
    if issubclass(kind, CustomerEvent):
        return Customer if is_object(data) and "key" in data else Referral
    return next(_MODELS[above] for above in kind.__mro__ if above in _MODELS)
