"""What can be imported: one `Kind` a resource, with all that is particular about it.

`kind_of(resource)` returns it. It says

- how a row becomes a call: *create*, whose signature makes the columns (`fields_of`),
  *keys* and *needs*, which columns a row must have, *owner* and *refers*, whom it
  names;
- how often a row may be sent: *write*, the retry class of the create method. What is
  `retries.Kind.UNIQUE` is effectively once: the API refuses a second record with the
  same key, so a row in doubt is sent again. All else is at most once: a row in doubt is
  looked up and otherwise parked. Sales (``MONEY``) have a key to look them up by,
  leads (``RELATIVE``) only what they hold;
- how a row and a record meet: `name_of` a row is one of the `names_in` its record;
  `claim_of` is what no other row of the file may have;
- what is there: `listed` walks all of it, `find` reads what stands under the name of
  one row, and `differing` says which fields of the row a record has otherwise;
- what can be changed of a record that is there: `changes_for` and `update`.

All of these take the arguments of the create method (`Entry.arguments`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from .. import retries
from ..client import Partnero
from ..errors import PartneroError, WrongProgramError
from ..pages import Pages
from ..resources.coupons import CouponsResource
from ..resources.customer_links import CustomerLinksResource
from ..resources.customers import CustomersResource
from ..resources.leads import LeadsResource
from ..resources.partner_links import PartnerLinksResource
from ..resources.partners import PartnersResource
from ..resources.promotion_codes import PromotionCodesResource
from ..resources.referrals import ReferralsResource
from ..resources.subscribers import SubscribersResource
from ..resources.transactions import TransactionsResource
from . import records, rules, sales
from .records import Arguments, Differ, folded
from .referrers import Referrers
from .stops import ImportStopError

__all__ = ["Kind", "ResourceName", "kind_of"]

ResourceName = Literal[
    "partners",
    "customers",
    "referrals",
    "transactions",
    "leads",
    "subscribers",
    "coupons",
    "promotion_codes",
    "partner_links",
    "customer_links",
]
"""What can be imported, by its name on the client."""

PAGE: Final = 250

Find = Callable[[Referrers, Arguments], Awaitable[Sequence[Any]]]


async def nothing(*_: Any) -> Sequence[str]:
    """Find no difference."""
    return ()


@attrs.frozen(kw_only=True)
class Kind:
    """A resource, as far as rows are concerned."""

    resource: ResourceName
    """The name of the resource on the client too."""
    create: Callable[..., Any] = attrs.field(repr=False)
    """The method whose signature makes the columns; call it on the client."""
    write: retries.Kind = retries.Kind.UNIQUE
    keys: Sequence[str]
    """Fields that may name a record: the first that a row has does."""
    needs: Sequence[Sequence[str]] = ()
    """Of each group of columns one is needed; of *keys* too."""
    rule: Callable[[Arguments], str | None] = attrs.field(
        default=rules.none, repr=False
    )
    """Says why the API would refuse a row, as far as that is documented."""
    compared: Sequence[str] = ()
    """Fields that a record shows as they were sent."""
    differs: Differ = attrs.field(default=nothing, repr=False)
    """Names the other fields that a record has otherwise."""
    unseen: Differ = attrs.field(default=nothing, repr=False)
    """Names what the answer to a creation has otherwise, and the client missed."""
    find: Find = attrs.field(repr=False)
    """Reads the records that are named as the row is; more than one of sales only."""
    shows: Callable[[Any], Mapping[str, Sequence[str]]] | None = attrs.field(
        default=None, repr=False
    )
    """Reads the *keys* out of a record where they are no plain members of it."""
    owner: Literal["partner", "customer"] | None = None
    """Of a link: whose it is. It is sent by id, since nothing else tells afterwards."""
    refers: Sequence[str] = ()
    """Whom a row names that has to be there first."""
    refers_to_itself: bool = False
    """Whether that may be another row of the same file."""
    handle: str | None = None
    """The member of a record that `update` takes; None where nothing can be changed."""
    updates: Sequence[str] = ()
    """Fields that the update method of the resource takes, under the same names."""
    along: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Fields that are changed along with one of these, where the row has them."""

    # --- a row ---------------------------------------------------------------------

    @property
    def once(self) -> bool:
        """Whether the API keeps it unique: then a row in doubt may be sent again."""
        return self.write is retries.Kind.UNIQUE

    @property
    def needed(self) -> Sequence[Sequence[str]]:
        """Groups of columns: of each, a row has one."""
        return (self.keys, *self.needs)

    def key_of(self, arguments: Arguments) -> str:
        """Return what a row calls its record, as people read it."""
        return str(arguments[self._key_in(arguments)])

    def name_of(self, arguments: Arguments) -> str:
        """Return what a row and its record have in common."""
        name = self._key_in(arguments)
        return self._named(name, arguments[name])

    def claim_of(self, arguments: Arguments) -> str:
        """Return what no two rows of a file may share. It begins with the name."""
        name = self.name_of(arguments)
        if self.write is not retries.Kind.RELATIVE:
            return name
        # A prospect may be submitted by several partners.
        ((member, value),) = arguments["partner"].items()
        return f"{name}{APART}{member}:{folded(member, value)}"

    def _key_in(self, arguments: Arguments) -> str:
        # Called for each row, and most resources have one.
        if len(self.keys) == 1:
            return self.keys[0]
        return next(name for name in self.keys if arguments.get(name) is not None)

    def _named(self, name: str, value: str) -> str:
        value = folded(name, value)
        return f"{name}:{value}" if len(self.keys) > 1 else value

    # --- a record ------------------------------------------------------------------

    def listed(self, client: Partnero) -> Pages[Any] | None:
        """Return all that is there, newest first; None where there is no such list.

        Walk it with ``.pages(window=...)``. Links are listed by owner: `find` them.
        """
        if self.owner:
            return None
        pages: Pages[Any] = getattr(client, self.resource).list(limit=PAGE)
        return pages

    def names_in(self, record: Any) -> Sequence[str]:
        """Return all names that a row may have for *record*."""
        shown = self.shows(record) if self.shows else self._plainly(record)
        return [self._named(name, value) for name in shown for value in shown[name]]

    def _plainly(self, record: Any) -> Mapping[str, Sequence[str]]:
        values = {name: getattr(record, name) for name in self.keys}
        return {name: [value] for name, value in values.items() if value}

    async def differing(
        self, referrers: Referrers, arguments: Arguments, record: Any
    ) -> list[str]:
        """Name the fields that *record* has otherwise; what is not sent is free."""
        wrong = [
            name
            for name in self.compared
            if arguments.get(name) is not None
            and not records.same(name, getattr(record, name), arguments[name])
        ]
        return [*wrong, *await self.differs(referrers, arguments, record)]

    def changes_for(
        self, arguments: Arguments, record: Any, wrong: Sequence[str]
    ) -> dict[str, Any] | None:
        """Return what `update` takes to end the difference; None where it cannot."""
        able = self.handle and getattr(record, self.handle) is not None
        if not able or not set(wrong).issubset(self.updates):
            return None
        along = [self.along[name] for name in wrong if name in self.along]
        changed = (*wrong, *(name for name in along if name in arguments))
        return {name: arguments[name] for name in changed}

    async def update(
        self, client: Partnero, record: Any, changes: Mapping[str, Any]
    ) -> Any:
        """Change *record* as `changes_for` says; return what it is then."""
        update = getattr(client, self.resource).update
        return await update(getattr(record, self.handle or ""), **changes)

    async def probe(self, client: Partnero) -> None:
        """Raise `WrongProgramError` where the key's program has no such resource.

        Any other refusal says nothing: a key may be allowed to write and not to read.
        """
        noun = {"partner": "partners", "customer": "referrals", None: self.resource}
        try:
            await getattr(client, noun[self.owner]).list(limit=10).page(1)
        except WrongProgramError:
            raise
        except PartneroError:
            pass


APART: Final = "\n"
"""Between the name and the rest of a claim: it is in no address."""


def kind_of(resource: ResourceName) -> Kind:
    """Return what is particular about *resource*.

    Raises `ImportStopError` for one that cannot be imported.
    """
    try:
        return KINDS[resource]
    except KeyError:
        raise ImportStopError(
            f"{resource!r} cannot be imported: there are {', '.join(KINDS)}"
        ) from None


PARTNER: Final = ("partner.key", "partner.id", "partner.email")
NAMES: Final = ("email", "name", "surname")

KINDS: Final[Mapping[ResourceName, Kind]] = {
    kind.resource: kind
    for kind in (
        Kind(
            resource="partners",
            create=PartnersResource.create,
            keys=("email",),
            rule=rules.partner,
            compared=(*NAMES, "id"),
            differs=records.other_key,
            unseen=records.other_key,
            find=records.partners,
            refers=("referring_partner",),
            refers_to_itself=True,
            handle="id",
            updates=("name", "surname", "key"),
        ),
        Kind(
            resource="customers",
            create=CustomersResource.create,
            keys=("key",),
            needs=(PARTNER,),
            compared=NAMES,
            refers=("partner",),
            differs=records.other_partner,
            unseen=records.other_partner,
            find=records.customers,
            handle="key",
            updates=NAMES,
        ),
        Kind(
            resource="referrals",
            create=ReferralsResource.create,
            keys=("id", "email", "key"),
            compared=("id", *NAMES),
            differs=records.other_referral,
            unseen=records.of_older(records.other_referral),
            find=records.referrals,
            shows=records.referral_names,
            refers=("referring_customer",),
            refers_to_itself=True,
            handle="id",
            updates=NAMES,
        ),
        Kind(
            resource="transactions",
            create=TransactionsResource.create,
            write=retries.Kind.MONEY,
            # Without a key a sale cannot be looked up, so the import wants one where
            # the API does not.
            keys=("key",),
            needs=(
                ("customer.key", "customer.email", "customer.id"),
                ("amount", "reward"),
            ),
            differs=sales.other_sale,
            find=sales.sales,
        ),
        Kind(
            resource="leads",
            create=LeadsResource.create,
            write=retries.Kind.RELATIVE,
            keys=("email",),
            needs=(("name",), PARTNER),
            refers=("partner",),
            differs=records.other_lead,
            find=records.leads,
            shows=records.lead_names,
        ),
        Kind(
            resource="subscribers",
            create=SubscribersResource.create,
            keys=("email",),
            compared=("email", "name", "tos", "marketing_consent", "approved"),
            differs=records.other_subscriber,
            unseen=records.of_older(records.other_subscriber),
            find=records.subscribers,
            refers=("referral",),
            refers_to_itself=True,
            handle="id",
            updates=("name", "tos", "marketing_consent", "approved", "status"),
        ),
        Kind(
            resource="coupons",
            create=CouponsResource.create,
            # Without a code of their own coupons and codes could not be looked up.
            keys=("uuid_code",),
            needs=(
                ("coupon_discount_type",),
                ("coupon_discount_amount",),
                ("coupon_duration_type",),
            ),
            rule=rules.coupon,
            compared=(
                "name",
                "coupon_discount_type",
                "coupon_discount_amount",
                "coupon_duration_type",
                "coupon_duration_value",
                "redemption_times_value",
            ),
            find=records.coupons,
            handle="uuid_code",
            updates=("name",),
        ),
        Kind(
            resource="promotion_codes",
            create=PromotionCodesResource.create,
            keys=("code",),
            needs=(("coupon_uuid",),),
            rule=rules.promotion_code,
            compared=(
                "first_time_order",
                "limit_to_specific_partner",
                "limit_to_specific_customer",
                "minimum_order_value",
                "redemption_times_value",
            ),
            refers=("coupon_uuid",),
            differs=records.other_coupon,
            find=records.promotion_codes,
            handle="code",
            updates=("limit_to_specific_partner",),
            along={"limit_to_specific_partner": "coupon_specific_partners"},
        ),
        Kind(
            resource="partner_links",
            create=PartnerLinksResource.create,
            keys=("key",),
            needs=(PARTNER,),
            rule=rules.partner_link,
            compared=("is_additional",),
            differs=records.other_owner,
            find=records.partner_links,
            owner="partner",
            refers=("partner",),
        ),
        Kind(
            resource="customer_links",
            create=CustomerLinksResource.create,
            keys=("key",),
            needs=(("customer.key", "customer.id", "customer.email"),),
            compared=("is_additional",),
            differs=records.other_owner,
            find=records.customer_links,
            owner="customer",
            refers=("customer",),
        ),
    )
}
