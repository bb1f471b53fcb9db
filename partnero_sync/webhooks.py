"""Deliveries to a webhook: all of `partnero_async.webhooks`.

Synchronous code calls `Receiver.receive_sync`, or uses the module of its framework in
`partnero_async.webhooks`: `flask` or `django`. `catch_up` is this package's own; all
other names are the same objects.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from datetime import datetime
from typing import TYPE_CHECKING

from partnero_async.webhooks import (
    EVENTS,
    Claim,
    Claims,
    CustomerCreated,
    CustomerCredited,
    CustomerDeleted,
    CustomerEvent,
    CustomerRewarded,
    CustomerUpdated,
    Event,
    EventBusyError,
    LeadConverted,
    LeadEvent,
    LeadRejected,
    LeadSubmitted,
    MemoryClaims,
    PartnerApproved,
    PartnerArchived,
    PartnerCreated,
    PartnerDeleted,
    PartnerEvent,
    PartnerRejected,
    PartnerUpdated,
    Receiver,
    RedisClaims,
    ReferralEvent,
    Reply,
    SQLiteClaims,
    SubscriberCreated,
    SubscriberDeleted,
    SubscriberEvent,
    SubscriberRewarded,
    SubscriberUpdated,
    Taken,
    TransactionCreated,
    TransactionDeleted,
    TransactionEvent,
    UnknownEvent,
    occurrence_of,
    once,
    parse,
    sign,
    verify,
)

if TYPE_CHECKING:
    from partnero_async.webhooks.catching_up import ProgramType

    from .client import Partnero

__all__ = [
    "EVENTS",
    "Claim",
    "Claims",
    "CustomerCreated",
    "CustomerCredited",
    "CustomerDeleted",
    "CustomerEvent",
    "CustomerRewarded",
    "CustomerUpdated",
    "Event",
    "EventBusyError",
    "LeadConverted",
    "LeadEvent",
    "LeadRejected",
    "LeadSubmitted",
    "MemoryClaims",
    "PartnerApproved",
    "PartnerArchived",
    "PartnerCreated",
    "PartnerDeleted",
    "PartnerEvent",
    "PartnerRejected",
    "PartnerUpdated",
    "Receiver",
    "RedisClaims",
    "ReferralEvent",
    "Reply",
    "SQLiteClaims",
    "SubscriberCreated",
    "SubscriberDeleted",
    "SubscriberEvent",
    "SubscriberRewarded",
    "SubscriberUpdated",
    "Taken",
    "TransactionCreated",
    "TransactionDeleted",
    "TransactionEvent",
    "UnknownEvent",
    "catch_up",
    "occurrence_of",
    "once",
    "parse",
    "sign",
    "verify",
]


def catch_up(
    client: Partnero,
    *,
    since: datetime,
    until: datetime | None = None,
    events: Collection[str] | None = None,
    program: ProgramType | None = None,
    backdated: bool = True,
) -> Generator[Event]:
    """Yield the events from *since* that the lists of the program tell of.

    ::

        for event in catch_up(client, since=last_time):
            record(event)

    It finds, and raises, what `partnero_async.webhooks.catch_up` does, whose
    documentation says what that is. The next list is read while the caller works on the
    events of one; leaving early cancels that.
    """
    # Whoever only receives needs no client.
    from partnero_async.webhooks.catching_up import lists_caught_up  # noqa: PLC0415

    from .pages import steps  # noqa: PLC0415

    walk = lists_caught_up(
        client._async,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        since=since,
        until=until,
        events=events,
        program=program,
        backdated=backdated,
    )
    portal = client._portal  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    for found in steps(portal, walk):
        yield from found
