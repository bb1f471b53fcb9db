"""The program that an API key belongs to, whatever its type."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict, get_args

import attrs

from ._model import Model, no_extra

Figure = int | Decimal | str | None
"""A count or a rate: some programs answer numbers, others texts.

A text that is a plain number is read as one; another stays as it came.
"""

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _figure(value: Figure) -> Figure:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value) if "." in value else int(value)
    return value


def _figures(
    _model: type[Any], fields: Sequence["attrs.Attribute[Any]"]
) -> list["attrs.Attribute[Any]"]:
    """Read each field that is a figure as one."""
    figure = get_args(Figure)
    return [
        field.evolve(converter=_figure) if get_args(field.type) == figure else field
        for field in fields
    ]


class ProgramSettings(TypedDict, total=False):
    """What `update` can set for the program; members left out stay as they are."""

    currency: str
    """ISO 4217 code, three letters. Affiliate programs."""
    cookie_lifetime: int
    """Days, 1 to 9,999,999. Affiliate programs."""
    welcome_email_enabled: bool
    """Affiliate programs."""
    onboarding_enabled: bool
    """Affiliate programs."""
    partner_email_notifications_enabled: bool
    """Affiliate programs."""
    referral_portal_enabled: bool
    """Refer-a-friend programs."""
    rewards_notification_enabled: bool
    """Refer-a-friend programs."""


class PortalSettings(TypedDict, total=False):
    """What `update` can set for the portal; members left out stay as they are.

    Of refer-a-friend programs the list was not seen to its end.
    """

    program_page_enabled: bool
    """Affiliate and refer-a-friend programs."""
    leads_page_enabled: bool
    """Affiliate programs."""
    registration_disabled: bool
    """Affiliate and refer-a-friend programs."""
    google_login_enabled: bool
    """Affiliate programs."""
    passwordless_login_enabled: bool
    """Affiliate programs."""
    sub_accounts_enabled: bool
    """Affiliate programs."""
    widget_enabled: bool
    """Affiliate and refer-a-friend programs."""
    signup_popup_enabled: bool
    """Affiliate programs."""
    embeddable_form_enabled: bool
    """Affiliate and refer-a-friend programs."""
    popup_form_enabled: bool
    """Refer-a-friend programs."""


@attrs.define(kw_only=True)
class ProgramInfo(Model):
    """What a program is called, and of which type it is."""

    id: int | None = None
    public_id: str | None = None
    """The key check calls it ``pub_id``."""
    website: str | None = None
    initial: str | None = None
    type: str | None = None
    """``Affiliate``, ``Referral`` or ``Newsletter``."""
    name: str | None = None
    created_at: date | None = None
    last_edited: date | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True, field_transformer=_figures)
class ProgramStats(Model):
    """The statistics of an affiliate program.

    Money is text as it is shown to people, with a symbol and thousands separators, by
    lower-case currency: ``{"eur": "€1,904.25"}``; ``{}`` where there is none. Growth
    is in per cent.
    """

    total_partners: Figure = None
    total_partners_growth: Figure = None
    total_purchases: Figure = None
    total_purchases_growth: Figure = None
    total_signups: Figure = None
    total_signups_growth: Figure = None
    total_paid_accounts: Figure = None
    total_paid_accounts_growth: Figure = None
    total_reward: dict[str, Any] | list[Any] | None = None
    total_reward_growth: Figure = None
    total_revenue: dict[str, Any] | list[Any] | None = None
    total_revenue_growth: Figure = None
    affiliate_referred_visitors_clicks: Figure = None
    affiliate_referred_visitors_clicks_growth: Figure = None
    click_to_signup_conversion: Figure = None
    click_to_signup_conversion_growth: Figure = None
    signup_to_sale_conversion: Figure = None
    signup_to_sale_conversion_growth: Figure = None
    total_paid: dict[str, Any] | list[Any] | None = None
    """Only ever seen empty."""
    total_pending: dict[str, Any] | list[Any] | None = None
    """Only ever seen empty."""
    net_profit: Decimal | None = None
    """In major units of the program's currency."""
    net_profit_growth: Figure = None
    net_profit_formatted: str | None = None
    average_order_value: dict[str, Any] | list[Any] | None = None
    rewards_breakdown: dict[str, Any] | list[Any] | None = None
    """By ``unclaimed``, ``in_review`` and ``paid``; what is inside was never shown."""
    partner_activity: dict[str, Any] | list[Any] | None = None
    """Partners by status; what is inside was never shown."""
    payout_status_breakdown: dict[str, Any] | list[Any] | None = None
    """What is inside was never shown."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True, field_transformer=_figures)
class CurrentSettings(Model):
    """How a program is set up at present; each answer has some of it."""

    currency: str | None = None
    """ISO 4217 code."""
    cookie_lifetime: Figure = None
    """Days."""
    commission_description: str | None = None
    commission_value: Figure = None
    """Per cent, or an amount: the description says which."""
    has_multiple_commissions: bool | None = None
    payout_threshold: Figure = None
    """In major units of the currency."""
    partner_portal_url: str | None = None
    website_url: str | None = None
    program_initials: str | None = None
    program_type_title: str | None = None
    program_name: str | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True, field_transformer=_figures)
class ReferralStats(Model):
    """The statistics of a refer-a-friend program. Growth is in per cent.

    ``..._before`` is the figure of the period before.
    """

    program: ProgramInfo | None = None
    """None in newsletter programs."""
    active_rewards: Figure = None
    total_customers: Figure = None
    total_customers_before: Figure = None
    total_customers_growth: Figure = None
    total_referring_customers: Figure = None
    total_referring_customers_before: Figure = None
    total_referring_customers_growth: Figure = None
    total_referred_customers: Figure = None
    total_referred_customers_before: Figure = None
    total_referred_customers_growth: Figure = None
    total_sales: Figure = None
    total_sales_before: Figure = None
    total_sales_growth: Figure = None
    participation: Figure = None
    """Per cent of the customers who refer others."""
    participation_before: Figure = None
    participation_growth: Figure = None
    total_revenue_from_sales: dict[str, Any] | list[Any] | None = None
    """Text as it is shown to people, by lower-case currency."""
    overview_program_current_settings: CurrentSettings | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True, field_transformer=_figures)
class Program(ReferralStats):
    """A program. Each type answers other fields of it, the rest is None.

    Affiliate programs have `program`, `stats`, `program_settings` and
    `portal_settings`; refer-a-friend programs have `program` and the figures beside it;
    newsletter programs have what begins with `id`, and no `program`.
    """

    stats: ProgramStats | None = None
    program_settings: CurrentSettings | None = None
    portal_settings: dict[str, Any] | list[Any] | None = None
    """The field table was not seen; presumably the switches of `PortalSettings`."""
    id: str | None = None
    """The public id."""
    name: str | None = None
    esp_type: str | None = None
    """The provider that sends the newsletter."""
    esp_type_name: str | None = None
    total_subscribers: Figure = None
    total_referring: Figure = None
    total_referred: Figure = None
    created_at: datetime | None = None


@attrs.define(kw_only=True, field_transformer=_figures)
class ProgramOverview(ReferralStats):
    """Statistics as the old documentation has them: deprecated, use `Program`.

    Affiliate programs have the fields of this class, whose types were never published;
    refer-a-friend programs those of `ReferralStats`.
    """

    total_partners: Figure = None
    total_partners_growth: Figure = None
    total_signups: Figure = None
    total_signups_growth: Figure = None
    total_purchases: Figure = None
    total_purchases_growth: Figure = None
    total_paid_accounts: Figure = None
    total_paid_accounts_growth: Figure = None
    total_reward: Any | None = None
    """Plain JSON, as it came; so are the revenue and what was paid."""
    total_reward_growth: Figure = None
    total_revenue: Any | None = None
    total_revenue_growth: Figure = None
    total_paid: Any | None = None
    total_paid_growth: Figure = None


@attrs.define(kw_only=True)
class DeletionCode(Model):
    """What confirms the deletion of a program, for 20 seconds."""

    confirmation_code: str | None = attrs.field(default=None, repr=lambda _: "'***'")
    """Eight characters."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)
