"""Deliveries to a webhook: verified, typed, and handled exactly once.

::

    from partnero_async.webhooks import Receiver, SQLiteClaims, TransactionCreated

    receiver = Receiver(secret, claims=SQLiteClaims("webhooks.db"))

    @receiver.on("transaction.created")
    async def record(event: TransactionCreated) -> None:
        print(event.data.key, event.data.amount)

No web framework is imported here: `starlette`, `django`, `flask` and `aiohttp` are
modules of this package that import theirs.
"""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:
    from .catching_up import catch_up
    from .claims import Claim, Claims, MemoryClaims, Taken
    from .events import (
        EVENTS,
        CustomerCreated,
        CustomerCredited,
        CustomerDeleted,
        CustomerEvent,
        CustomerRewarded,
        CustomerUpdated,
        Event,
        LeadConverted,
        LeadEvent,
        LeadRejected,
        LeadSubmitted,
        PartnerApproved,
        PartnerArchived,
        PartnerCreated,
        PartnerDeleted,
        PartnerEvent,
        PartnerRejected,
        PartnerUpdated,
        ReferralEvent,
        SubscriberCreated,
        SubscriberDeleted,
        SubscriberEvent,
        SubscriberRewarded,
        SubscriberUpdated,
        TransactionCreated,
        TransactionDeleted,
        TransactionEvent,
        UnknownEvent,
        parse,
    )
    from .occurrences import EventBusyError, occurrence_of, once
    from .receiver import Receiver, Reply
    from .redis_claims import RedisClaims
    from .signature import sign, verify
    from .sqlite_claims import SQLiteClaims

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

_HOMES = {
    **dict.fromkeys(("Claim", "Claims", "MemoryClaims", "Taken"), ".claims"),
    **dict.fromkeys(("Receiver", "Reply"), ".receiver"),
    **dict.fromkeys(("sign", "verify"), ".signature"),
    **dict.fromkeys(("EventBusyError", "occurrence_of", "once"), ".occurrences"),
    "catch_up": ".catching_up",
    "RedisClaims": ".redis_claims",
    "SQLiteClaims": ".sqlite_claims",
}

if not TYPE_CHECKING:  # a checker takes a misspelt name for one of these
    __getattr__ = lazily(__name__, __all__, _HOMES, ".events")


def __dir__() -> list[str]:
    return sorted(__all__)
