"""Events that no delivery brought: found in the lists, by key and time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import aclosing
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from .._convert import unstructure
from .._json import encode
from ..errors import RefusedError, UsageError
from ..models.leads import Lead
from ..models.transactions import Transaction
from .events import Event, parse

if TYPE_CHECKING:
    from ..client import Partnero
    from ..pages import Pages

__all__ = ["ProgramType", "catch_up", "lists_caught_up", "program_type"]

ProgramType = Literal["affiliate", "refer_a_friend", "newsletter"]
Told = Iterator[tuple[str, datetime]]

PAGE: Final = 250


@attrs.frozen(kw_only=True)
class _List:
    """A list, and the events that its items tell of."""

    noun: str
    """The resource, as the client calls it."""
    events: frozenset[str]
    told: Callable[[Any], Told]
    """Names the events of an item, each with its time."""
    ordered: frozenset[str] = frozenset()
    """Events whose times go down with the list: no other is behind an old page."""
    dated: bool = False
    """Whether callers choose the times, which then may be in the past."""
    sorts: bool = True
    """Whether the newest can be asked for first."""


async def catch_up(
    client: Partnero,
    *,
    since: datetime,
    until: datetime | None = None,
    events: Collection[str] | None = None,
    program: ProgramType | None = None,
    backdated: bool = True,
) -> AsyncGenerator[Event]:
    """Yield the events from *since* that the lists of the program tell of.

    ::

        async for event in catch_up(client, since=last_time):
            await record(event)

    They are events as `parse` makes them, with the resource as it is **now**; `once`
    makes a function handle what is both delivered and found here one time. They come
    list by list: partners or customers, then sales, then leads, the oldest of each
    first. *until* is a time that they are before. *events* are names to look for; only
    their lists are read. The type of the *program* is asked for when left out.

    What is found: ``partner.created``, ``.updated`` and ``.archived``,
    ``customer.created`` and ``.updated``, ``transaction.created``,
    ``lead.submitted``, ``.converted`` and ``.rejected``, ``subscriber.created`` and,
    where the API says when, ``.updated``. Several updates of a resource are the last
    one. A customer or a sale that was recorded with a time before *since* is not a new
    one. Leads have a day and no time: those of the whole day of *since* (UTC) come, and
    one of an earlier day that was decided since does not. What cannot be found at all:
    deletions, credits and rewards, whether a partner was approved or rejected, and what
    was archived and restored.

    A list that is the newest first is read up to the first page that is too old, if
    only creations are looked for and nobody chooses their times. Callers may record
    customers and sales with times in the past, so these lists are read whole, unless
    *backdated* is False: then nobody does that.

    Raises `UsageError` for a time without a zone, an event that cannot be found, or a
    type of program that cannot be told, and what reading the lists raises. Memory grows
    with what is found in one list.
    """
    walk = lists_caught_up(
        client,
        since=since,
        until=until,
        events=events,
        program=program,
        backdated=backdated,
    )
    async with aclosing(walk) as lists:
        async for found in lists:
            for event in found:
                yield event


async def lists_caught_up(
    client: Partnero,
    *,
    since: datetime,
    until: datetime | None,
    events: Collection[str] | None,
    program: ProgramType | None,
    backdated: bool,
) -> AsyncGenerator[list[Event]]:
    """Yield what `catch_up` does, a list at a time."""
    for moment in (since, until):
        if moment is not None and moment.tzinfo is None:
            raise UsageError(f"{moment.isoformat()}: give a time with a zone")
    kind = program or await program_type(client)
    if kind is None:
        raise UsageError("the type of the program cannot be told: give program=")
    wanted = _wanted(kind, events)
    for each in LISTS[kind]:
        names = each.events & wanted
        if names:
            yield await _found(client, each, names, since, until, backdated=backdated)


async def program_type(client: Partnero) -> ProgramType | None:
    """Ask for the type of the program; None where the key may not, or it is unknown."""
    from .._programs import type_of  # noqa: PLC0415 - a receiver needs no client

    try:
        answer = await client.request("GET", "/program")
    except RefusedError:
        return None
    kind = type_of(answer.get("data"))
    return next((known for known in LISTS if known == kind), None)


def _wanted(kind: ProgramType, events: Collection[str] | None) -> frozenset[str]:
    known = frozenset[str]().union(*(each.events for each in LISTS[kind]))
    unknown = ", ".join(sorted({*(events or ())} - known))
    if unknown:
        raise UsageError(f"no list of this program tells of {unknown}")
    return known if events is None else frozenset(events)


async def _found(
    client: Partnero,
    each: _List,
    names: frozenset[str],
    since: datetime,
    until: datetime | None,
    *,
    backdated: bool,
) -> list[Event]:
    stops = names <= each.ordered and not (each.dated and backdated)
    if each.noun == "leads":
        since = datetime.combine(since.astimezone(UTC), time(), UTC)
    walk = _listed(client, each).items(prefetch=not stops).batches()
    found: list[tuple[datetime, str, Any]] = []
    async with aclosing(walk) as batches:
        async for _, items in batches:
            recent = [
                (moment, name, item)
                for item in items
                for name, moment in each.told(item)
                if name in names and moment >= since
            ]
            found += (one for one in recent if until is None or one[0] < until)
            if stops and not recent:
                break
    found.sort(key=lambda one: one[0])
    return [_event(*one) for one in found]


def _listed(client: Partnero, each: _List) -> Pages[Any]:
    resource: Any = getattr(client, each.noun)
    order = {"sort": "desc"} if each.sorts else {}
    pages: Pages[Any] = resource.list(limit=PAGE, **order)
    return pages


def _event(moment: datetime, name: str, item: Any) -> Event:
    envelope = {
        "event": name,
        "created_at": moment.isoformat(),
        "data": unstructure(item),
    }
    return parse(encode(envelope))


# --- what an item tells of ---------------------------------------------------------


def _partner(partner: Any) -> Told:
    yield from _record("partner", partner, archived=partner.status == "archived")


def _customer(customer: Any) -> Told:
    yield from _record("customer", customer)


def _subscriber(subscriber: Any) -> Told:
    yield from _record("subscriber", subscriber)


def _record(noun: str, record: Any, *, archived: bool = False) -> Told:
    created, updated = record.created_at, record.updated_at
    if created:
        yield f"{noun}.created", created
    if updated and updated != created:
        yield f"{noun}.{'archived' if archived else 'updated'}", updated


def _sale(sale: Transaction) -> Told:
    if sale.created_at:
        yield "transaction.created", sale.created_at


def _lead(lead: Lead) -> Told:
    if isinstance(lead.created_at, date):
        day = datetime.combine(lead.created_at, time(), UTC)
        yield "lead.submitted", day
        if lead.status in {"converted", "rejected"}:
            yield f"lead.{lead.status}", day


def _named(noun: str, *events: str) -> frozenset[str]:
    return frozenset(f"{noun}.{event}" for event in events)


_SALES: Final = _List(
    noun="transactions",
    events=_named("transaction", "created"),
    told=_sale,
    ordered=_named("transaction", "created"),
    dated=True,
)
LISTS: Final[dict[ProgramType, tuple[_List, ...]]] = {
    "affiliate": (
        _List(
            noun="partners",
            events=_named("partner", "created", "updated", "archived"),
            told=_partner,
            ordered=_named("partner", "created"),
        ),
        _List(
            noun="customers",
            events=_named("customer", "created", "updated"),
            told=_customer,
            ordered=_named("customer", "created"),
            dated=True,
        ),
        _SALES,
        _List(
            noun="leads",
            events=_named("lead", "submitted", "converted", "rejected"),
            told=_lead,
            ordered=_named("lead", "submitted", "converted", "rejected"),
        ),
    ),
    "refer_a_friend": (
        _List(
            noun="referrals",
            events=_named("customer", "created", "updated"),
            told=_customer,
            ordered=_named("customer", "created"),
        ),
        _SALES,
    ),
    # That this list has an order is not documented.
    "newsletter": (
        _List(
            noun="subscribers",
            events=_named("subscriber", "created", "updated"),
            told=_subscriber,
            sorts=False,
        ),
    ),
}
"""The lists to read, by the type of the program, in this order."""
