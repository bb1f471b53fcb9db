"""What happened, whoever tells of it: a delivery, or a walk through the lists.

The id of a delivery is the hash of its body, so what was found in a list has another
one. What they share is the event's name, the key of what it is about, and its time.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial, wraps
from hashlib import sha256
from typing import Any, Final, TypeVar, cast

import attrs

from .._threads import in_thread, to_its_end
from ..errors import WebhookError
from ..models.customers import Customer
from ..models.leads import Lead
from ..models.partners import Partner
from ..models.referrals import Referral
from ..models.subscribers import Subscriber
from ..models.transactions import Transaction
from .claims import Claim, Claims, Taken
from .events import Event

__all__ = ["EventBusyError", "occurrence_of", "once"]

Function = Callable[[Any], Any]
F = TypeVar("F", bound=Function)

LEASE: Final = timedelta(minutes=1)
KEEP: Final = timedelta(days=90)

MOMENTS: Final = {
    "partner.created": "created_at",
    "partner.updated": "updated_at",
    "partner.archived": "updated_at",
    "customer.created": "created_at",
    "customer.updated": "updated_at",
    "transaction.created": "created_at",
    # A lead has a day and no time; each of this happens to it once.
    "lead.submitted": "created_at",
    "lead.converted": "created_at",
    "lead.rejected": "created_at",
    "subscriber.created": "created_at",
    "subscriber.updated": "updated_at",
}
"""The member whose time says when the event was, for those that lists tell of too."""


class EventBusyError(WebhookError):
    """The event is being handled by somebody else, who may yet fail."""

    answer = 503


def occurrence_of(event: Event) -> str:
    """Return what tells this occurrence from others, as SHA-256 in hex.

    It is the same for a delivery and for what `catch_up` finds: a hash of the event's
    name, the key of its resource and its time there, of a sale also the amount. Two
    sales that are equal in all of these are one by it, and a customer whose key was
    changed since is another one. For an event that no list tells of, or of which any
    of these is missing, it is the id of the delivery.
    """
    moment = getattr(event.data, MOMENTS.get(event.name, ""), None)
    key = _key(event.data)
    if moment is None or key is None:
        return event.id
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC)
    text = f"{event.name}\n{moment.isoformat()}\n{key}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(data: Any) -> str | None:
    match data:
        case Customer(key=key):
            return key
        # The id comes from a mailing provider, and may come later than the event.
        case Subscriber(email=email):
            return email
        case Transaction(key=str(key), amount=Decimal() as amount):
            return f"{amount.normalize():f}\n{key}"
        case Partner(id=known) | Referral(id=known) | Lead(id=known):
            return None if known is None else str(known)
        case _:
            return None


def once(
    claims: Claims,
    *,
    name: str | None = None,
    lease: timedelta = LEASE,
    keep: timedelta = KEEP,
) -> Callable[[F], F]:
    """Make a function handle each occurrence once, delivered or caught up with.

    ::

        @receiver.on("transaction.created")
        @once(claims)
        async def record(event: TransactionCreated) -> None: ...

        async for event in catch_up(client, since=last_time):
            if isinstance(event, TransactionCreated):
                await record(event)

    It returns None, without a call of the function, for what was handled before, as
    `occurrence_of` tells. *name* stands for the function in *claims*, its qualified
    name when left out: give one to functions that may be renamed. A function has
    *lease* for an event; that it was handled is remembered for *keep*, which has to
    reach further back than `catch_up` goes. The store is that of the receiver, or
    another.

    The function raises `EventBusyError` while another call has the occurrence, so that
    the sender comes again. What it raises itself lets the occurrence be handled again.
    """

    def decorate(function: F) -> F:
        owner = name or f"{function.__module__}.{function.__qualname__}"
        turns = _Turns(claims, owner, lease, keep)
        wrap = _awaited if inspect.iscoroutinefunction(function) else _plain
        return cast("F", wrap(function, turns))

    return decorate


@attrs.frozen
class _Turns:
    """The claims of one function."""

    claims: Claims
    owner: str
    lease: timedelta
    keep: timedelta

    def begin(self, event: Event) -> Claim | None:
        """Claim the occurrence; None when it was handled before."""
        text = sha256(f"{self.owner}\n{occurrence_of(event)}".encode()).hexdigest()
        held = self.claims.claim(text, lease=self.lease)
        if held is Taken.BUSY:
            raise EventBusyError("the event is being handled by another call")
        return held if isinstance(held, Claim) else None

    def done(self, held: Claim) -> None:
        """Record that it was handled."""
        self.claims.done(held, keep=self.keep)


def _plain(function: Function, turns: _Turns) -> Function:
    @wraps(function)
    def handle(event: Event) -> Any:
        held = turns.begin(event)
        if held is None:
            return None
        try:
            result = function(event)
        except BaseException:
            turns.claims.release(held)
            raise
        if inspect.isawaitable(result):
            return _finished(turns, held, result)
        turns.done(held)
        return result

    return handle


def _awaited(function: Function, turns: _Turns) -> Function:
    begin = _plain(function, turns)

    @wraps(function)
    async def handle(event: Event) -> Any:
        # It may wait for a thread: nothing is claimed before there is one.
        result = await to_its_end(partial(begin, event))
        return None if result is None else await result

    return handle


async def _finished(turns: _Turns, held: Claim, result: Awaitable[Any]) -> Any:
    """Await what a function has returned: it has handled nothing before.

    The lease runs, so that what ends the claim does not wait for a thread.
    """
    try:
        value = await result
    except BaseException:
        await in_thread(partial(turns.claims.release, held), at_once=True)
        raise
    await in_thread(partial(turns.done, held), at_once=True)
    return value
