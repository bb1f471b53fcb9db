"""Records of the API beside the rows that mean them: read, and compared.

What stands here is named in the table of `kinds`; rows come as the arguments of the
create method. What an answer does not show is not compared: passwords, tags, metadata,
and which domain a link is on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from .._json import is_object
from ..client import Partnero
from ..errors import NotFoundError, WrongProgramError
from ..models import (
    Coupon,
    Customer,
    Lead,
    Partner,
    PromotionCode,
    Referral,
    ReferralLink,
    Subscriber,
)
from ..models.leads import LeadPerson
from .referrers import Referrers, has_key, same_address

Arguments = Mapping[str, Any]
"""Of a create method."""
Differ = Callable[[Referrers, Arguments, Any], Awaitable[Sequence[str]]]
"""Names the fields that a record has otherwise."""

T = TypeVar("T")

PAGE: Final = 250
DAY: Final = timedelta(days=1)
CLOCKS: Final = 60.0
"""Seconds by which this clock and the API's may differ."""


def folded(name: str, value: str) -> str:
    """Return what a member is compared as."""
    # The case of an address means nothing, and may change on the way.
    return value.casefold() if name == "email" else value


def named(name: str, value: str) -> str:
    """Spell how somebody is named, in one text."""
    return f"{name}:{folded(name, value)}"


def same(name: str, found: Any, wanted: Any) -> bool:
    """Compare the field *name* of a record with what a row wants."""
    return same_address(found, wanted) if name == "email" else bool(found == wanted)


async def _read(reading: Awaitable[T]) -> list[T]:
    try:
        return [await reading]
    except WrongProgramError:
        raise
    except NotFoundError:
        return []


def of_older(differs: Differ) -> Differ:
    """Compare only a record that is older than the import, for a new one is the row's.

    When an answer is lost the client finds what was there before, and cannot compare
    all of it.
    """

    async def compared(
        referrers: Referrers, arguments: Arguments, record: Any
    ) -> Sequence[str]:
        made: datetime | None = record.created_at
        if made is None or made.timestamp() >= referrers.since - CLOCKS:
            return ()
        return await differs(referrers, arguments, record)

    return compared


def different(same: Mapping[str, bool]) -> list[str]:
    """Name what is not the same."""
    return [name for name, equal in same.items() if not equal]


# --- partners and customers ----------------------------------------------------------


async def partners(referrers: Referrers, arguments: Arguments) -> list[Partner]:
    """Find a partner by its e-mail address."""
    email = arguments["email"]
    # A search may match parts: only the very address counts.
    found = referrers.client.partners.search(email=email)
    return [partner async for partner in found if same_address(partner.email, email)]


async def other_key(
    referrers: Referrers, arguments: Arguments, record: Partner
) -> Sequence[str]:
    """Compare the referral key of a partner, by asking whose it is."""
    key = arguments.get("key")
    # Creation answers the links. What has none was found, and its key is not shown.
    if key is None or record.referral_link is not None:
        return ()
    wanted = await referrers.id_of({"key": key})
    return () if wanted is not None and record.id == wanted else ("key",)


async def customers(referrers: Referrers, arguments: Arguments) -> list[Customer]:
    """Find a customer by its key."""
    return await customers_keyed(referrers.client, arguments["key"])


async def customers_keyed(client: Partnero, key: str) -> list[Customer]:
    """Find a customer by its key, or by the id that the connector puts in its place."""
    return await _read(client.customers.get(key))


async def customers_at(client: Partnero, email: str) -> list[Customer]:
    """Find the customers with an e-mail address."""
    found = client.customers.search(email=email)
    return [customer async for customer in found if same_address(customer.email, email)]


async def other_partner(
    referrers: Referrers, arguments: Arguments, record: Customer
) -> Sequence[str]:
    """Compare the partner above a customer, which answers name by id."""
    wanted = await referrers.id_of(arguments["partner"])
    return () if wanted is not None and record.partner == wanted else ("partner",)


# --- customers of a refer-a-friend program -------------------------------------------


async def referrals(referrers: Referrers, arguments: Arguments) -> list[Referral]:
    """Find a customer by the first of id, e-mail address and public key."""
    client = referrers.client
    if id := arguments.get("id"):  # noqa: A001 - the API's own name
        found = await _read(client.referrals.get(id))
        return [customer for customer in found if customer.id == id]
    email, key = arguments.get("email"), arguments.get("key")
    if email:
        listed = client.referrals.search(email=email)
        return [each async for each in listed if same_address(each.email, email)]
    listed = client.referrals.search(key=key)
    return [each async for each in listed if has_key(each, key or "")]


def referral_names(record: Referral) -> Mapping[str, Sequence[str]]:
    """Read the names of a customer: its public keys are the ends of its links."""
    links = {record.referral_link or "", *(record.referral_links or ())}
    keys = sorted({unquote(link.rpartition("=")[2]) for link in links if link})
    return {
        "id": [record.id] if record.id else [],
        "email": [record.email] if record.email else [],
        "key": keys,
    }


async def other_referral(
    referrers: Referrers, arguments: Arguments, record: Referral
) -> Sequence[str]:
    """Compare the public key, the day of birth, and who referred the customer."""
    key, above = arguments.get("key"), arguments.get("referring_customer")
    birth: date | None = arguments.get("metadata", {}).get("date_of_birth")
    return different(
        {
            "key": key is None or has_key(record, key),
            "metadata.date_of_birth": _same_birth(record.metadata, birth),
            "referring_customer": above is None
            or await _referred_by(referrers, above, record.referring_customer),
        }
    )


def _same_birth(found: Any, wanted: date | None) -> bool:
    known = found.get("date_of_birth") if is_object(found) else None
    return wanted is None or known == wanted.isoformat()


async def _referred_by(referrers: Referrers, above: Arguments, found: Any) -> bool:
    if not is_object(found):
        return False
    wanted = await referrers.id_of(above, noun="customer")
    # What is inside was never published: without an id it cannot be compared.
    return wanted is not None and found.get("id", wanted) == wanted


# --- leads ---------------------------------------------------------------------------


async def leads(referrers: Referrers, arguments: Arguments) -> list[Lead]:
    """Find the leads that a partner submitted for an address, of the row's name first.

    They have no key, so the list is walked: as far back as the import began.
    """
    oldest = datetime.fromtimestamp(referrers.since, UTC).date() - DAY
    partner = await referrers.id_of(arguments["partner"])
    found: list[Lead] = []
    async with aclosing(referrers.client.leads.list(limit=PAGE).pages()) as walk:
        async for page in walk:
            found += [
                lead
                for lead in page.items
                if same_address(_person(lead.lead_info).email, arguments["email"])
                and _person(lead.submitter).id == partner
            ]
            if all(lead.created_at and lead.created_at < oldest for lead in page.items):
                break
    return sorted(
        found, key=lambda lead: _person(lead.lead_info).name != arguments["name"]
    )


def lead_names(record: Lead) -> Mapping[str, Sequence[str]]:
    """Read the address of a prospect."""
    email = _person(record.lead_info).email
    return {"email": [email] if email else []}


async def other_lead(
    referrers: Referrers, arguments: Arguments, record: Lead
) -> Sequence[str]:
    """Compare the name, and the partner who submitted it."""
    partner = await referrers.id_of(arguments["partner"])
    return different(
        {
            "name": _person(record.lead_info).name == arguments["name"],
            "partner": partner is not None and _person(record.submitter).id == partner,
        }
    )


def _person(person: LeadPerson | None) -> LeadPerson:
    return person or LeadPerson()


# --- subscribers ---------------------------------------------------------------------


async def subscribers(referrers: Referrers, arguments: Arguments) -> list[Subscriber]:
    """Find a subscriber by its e-mail address."""
    email = arguments["email"]
    found = await _read(referrers.client.subscribers.get(email))
    return [each for each in found if same_address(each.email, email)]


async def other_subscriber(
    _: Referrers, arguments: Arguments, record: Subscriber
) -> Sequence[str]:
    """Compare the id where there is one yet, the status, and whether it was referred.

    By whom is not in any answer.
    """
    id, status = arguments.get("id"), arguments.get("status")  # noqa: A001 - the API's own name
    return different(
        {
            "id": id is None or record.id in (id, None),
            # It goes in in lower case, and comes out capitalised; lists leave it out.
            "status": status is None or (record.status or status).lower() == status,
            "referral": "referral" not in arguments or record.is_referred is not False,
        }
    )


# --- coupons -------------------------------------------------------------------------


async def coupons(referrers: Referrers, arguments: Arguments) -> list[Coupon]:
    """Find a coupon by its code."""
    code = arguments["uuid_code"]
    found = await _read(referrers.client.coupons.get(code))
    return [coupon for coupon in found if coupon.uuid_code == code]


async def promotion_codes(
    referrers: Referrers, arguments: Arguments
) -> list[PromotionCode]:
    """Find a promotion code."""
    code = arguments["code"]
    found = await _read(referrers.client.promotion_codes.get(code))
    return [each for each in found if each.code == code]


async def other_coupon(
    _: Referrers, arguments: Arguments, record: PromotionCode
) -> Sequence[str]:
    """Compare the coupon that a code gives; lists leave it out."""
    coupon = record.coupon
    fits = coupon is None or coupon.uuid_code == arguments["coupon_uuid"]
    return () if fits else ("coupon_uuid",)


# --- links ---------------------------------------------------------------------------


async def partner_links(
    referrers: Referrers, arguments: Arguments
) -> list[ReferralLink]:
    """Find a link by its key, whosever it is."""
    return await _links(referrers, arguments, referrers.client.partner_links)


async def customer_links(
    referrers: Referrers, arguments: Arguments
) -> list[ReferralLink]:
    """Find a link by its key, whosever it is."""
    return await _links(referrers, arguments, referrers.client.customer_links)


async def _links(
    referrers: Referrers, arguments: Arguments, links: Any
) -> list[ReferralLink]:
    # A search may match parts: only the very key counts. It is known from one source,
    # so that the owner's links are looked through where there is none.
    found = await _read(links.search(key=arguments["key"]))
    owned = found[0] if found else await _owned(referrers, arguments)
    return [link for link in owned if link.key == arguments["key"]]


async def other_owner(
    referrers: Referrers, arguments: Arguments, record: ReferralLink
) -> Sequence[str]:
    """Compare whose a link is, which only the links of its owner tell."""
    owned = await _owned(referrers, arguments)
    name = "partner" if "partner" in arguments else "customer"
    return () if any(link.key == record.key for link in owned) else (name,)


async def _owned(referrers: Referrers, arguments: Arguments) -> list[ReferralLink]:
    noun = "partner" if "partner" in arguments else "customer"
    owner = await referrers.id_of(arguments[noun], noun=noun)
    if owner is None:
        return []
    client = referrers.client
    links = client.partner_links if noun == "partner" else client.customer_links
    found = await _read(links.list(owner, limit=PAGE).collect())
    return found[0] if found else []
