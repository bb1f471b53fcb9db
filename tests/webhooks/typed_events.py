"""Events, used as their types say: for type checkers, never run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, assert_type

from partnero_async.models import Customer, Lead, Partner, Referral, Transaction
from partnero_async.webhooks import (
    CustomerCreated,
    CustomerRewarded,
    Event,
    LeadEvent,
    MemoryClaims,
    PartnerCreated,
    PartnerEvent,
    Receiver,
    RedisClaims,
    Reply,
    SQLiteClaims,
    TransactionCreated,
    parse,
    sign,
    verify,
)

BODY = b"{}"


def events(event: Event) -> None:
    """Look at the data of each kind."""
    assert_type(event.created_at, datetime)
    if isinstance(event, PartnerCreated):
        assert_type(event.data, Partner)
        assert_type(event.data.email, str | None)
    elif isinstance(event, PartnerEvent):
        assert_type(event.data, Partner)
    elif isinstance(event, TransactionCreated):
        assert_type(event.data, Transaction)
        assert_type(event.data.amount, Decimal | None)
    elif isinstance(event, CustomerCreated):
        assert_type(event.data, Customer | Referral)
        assert_type(event.data.email, str | None)
    elif isinstance(event, CustomerRewarded):
        assert_type(event.data, Referral)
    elif isinstance(event, LeadEvent):
        assert_type(event.data, Lead)
    else:
        assert_type(event.data, Any)


receiver = Receiver(["one", "two"], claims=SQLiteClaims("x.db"))
Receiver("one", claims=MemoryClaims())


def with_redis() -> None:
    """Give a client as it is."""
    import redis  # noqa: PLC0415 - an extra

    Receiver("one", claims=RedisClaims(redis.Redis()))


@receiver.on("partner.created", "partner.updated")
def plain(event: PartnerEvent) -> None:
    """Take events of a family."""
    assert_type(event.data, Partner)


@receiver.on("transaction.created", "reward.paid")
async def awaited(event: Event) -> None:
    """Take events of several kinds."""
    events(event)


def registered(event: PartnerCreated) -> None:
    """Call what was registered: it is what it was."""
    assert_type(plain(event), None)


async def replies() -> None:
    """Both ways to receive, and the parts by themselves."""
    assert_type(await receiver.receive({"Signature": sign(BODY, "one")}, BODY), Reply)
    assert_type(receiver.receive_sync([(b"signature", b"x")], BODY), Reply)
    verify({"Signature": "x"}, BODY, ["one", "two"])
    assert_type(parse(BODY), Event)
