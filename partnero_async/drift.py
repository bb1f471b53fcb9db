"""What the API sends and this version does not know: kept, counted, reported.

Nothing of it is an error: unknown members are in ``extra``, unknown values stay texts,
an amount that came as a text is read as a number, what is missing is None. But each is
news about the API, and worth a report. It is counted in memory and sent nowhere::

    async with Partnero() as client:
        ...
        print(client.drift.report())

With ``Partnero(strict=True)`` the first of it raises `DriftError`: for contract tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, Final, Literal

import attrs

from .errors import one_line

__all__ = ["Drift", "Finding"]

What = Literal["unknown field", "unknown value", "other type", "missing field"]


@attrs.frozen(order=True, cache_hash=True)  # each is counted, many times
class Finding:
    """One thing that is not as it was published."""

    what: What
    where: str
    """Model and member, such as ``Partner.loyalty_tier``."""
    detail: str = ""
    """The JSON type of an unknown field, or the unknown value itself."""

    def __str__(self) -> str:
        """Say it on one line."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.what}: {self.where}{detail}"


class Drift:
    """What was found in the answers to a client so far. True when there is any."""

    def __init__(self) -> None:
        self.counts: Counter[Finding] = Counter()
        """How often each was found."""

    def __bool__(self) -> bool:
        """Tell whether anything was found."""
        return bool(self.counts)

    def __repr__(self) -> str:
        """Show how much was found."""
        return f"<Drift: {len(self.counts)} findings>"

    def report(self) -> str:
        """Return the findings as a text to report, without personal data."""
        if not self.counts:
            return "No drift: all that came was as it was published."
        lines = [f"{finding}, {n} times" for finding, n in sorted(self.counts.items())]
        return "\n".join(["The API has sent what this version does not know:", *lines])

    def note(self, found: Iterable[Finding]) -> None:
        """Count findings."""
        for finding, times in Counter(found).items():
            if len(self.counts) < MOST or finding in self.counts:
                self.counts[finding] += times


MOST: Final = 1_000
"""Findings that are told apart: a hostile answer does not fill the memory."""

watching: ContextVar[list[Finding] | None] = ContextVar("watching", default=None)
"""Where the findings of the answer that is being read go."""


Hook = Callable[[Any, Any], Any]


class Inspector:
    """What is known of one model, and the look at what came for it."""

    def __init__(self, model: str, numbers: AbstractSet[str]) -> None:
        self._model = model
        self._always = ALWAYS.get(model, frozenset[str]())
        self._values = KNOWN_VALUES.get(model, {})
        # What a program's statistics are was published as texts: no news there.
        self._numbers = numbers if model in ALWAYS else frozenset[str]()

    def unknown(self, extra: Mapping[str, object]) -> list[Finding]:
        """Return the news about members that the model does not have."""
        return [self._unknown(name, type(value)) for name, value in extra.items()]

    def news(self, name: str) -> Callable[[type], Finding]:
        """Return what makes the news about an unknown member out of a value's type."""
        return cache(partial(self._unknown, name))

    def _unknown(self, name: str, kind: type) -> Finding:
        where = self._where(one_line(name)[:LONGEST])
        return Finding("unknown field", where, JSON_TYPES[kind])

    def missing(self, names: Iterable[str]) -> list[Finding]:
        """Return the news about members that did not come, of those that always do."""
        missing = sorted(self._always.difference(names))
        return [Finding("missing field", self._where(name)) for name in missing]

    def watch(self, name: str, hook: Hook) -> Hook:
        """Return *hook*, with a look at the values of a member where they are news."""
        if name in self._values:
            return self._watch_values(name, hook)
        return self._watch_type(name, hook) if name in self._numbers else hook

    def _where(self, name: str) -> str:
        return f"{self._model}.{name}"

    def _watch_values(self, name: str, hook: Hook) -> Hook:
        # The value that is known takes the place of the one that came: most items have
        # the same few, and need no text of their own.
        known = {value: value for value in self._values[name]}

        def look(value: Any, kind: Any) -> Any:
            same = known.get(value)
            if same is not None:
                return same
            text = hook(value, kind)
            detail = one_line(text)[:LONGEST]
            _note(Finding("unknown value", self._where(name), detail))
            return text

        return look

    def _watch_type(self, name: str, hook: Hook) -> Hook:
        news = Finding("other type", self._where(name), "a text for a number")

        def look(value: Any, kind: Any) -> Any:
            number = hook(value, kind)
            if type(value) is str:
                _note(news)
            return number

        return look


def _note(finding: Finding) -> None:
    found = watching.get()
    if found is not None:
        found.append(finding)


LONGEST: Final = 60
"""Characters that a finding keeps of a name or a value."""


class _JsonTypes(dict[type, str]):
    def __missing__(self, kind: type) -> str:
        return "number"


JSON_TYPES: Final = _JsonTypes(
    {dict: "object", list: "array", str: "text", bool: "boolean", type(None): "null"}
)

# --- what was published (openapi.yaml: `required`, `x-known-values`) ----------------


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALWAYS: Final[Mapping[str, frozenset[str]]] = {
    "Partner": _names(
        "email created_at updated_at id name surname approved status custom_fields"
    ),
    "PartnerReferrals": _names("clicks signups revenue sales_count paid_accounts"),
    "PartnerCommissions": _names("paid pending not_paid"),
    "CurrencyAmount": _names("currency amount"),
    "Customer": _names(
        "key partner deleted name surname email created_at updated_at deleted_at"
    ),
    "Transaction": _names(
        "key action amount customer credit is_currency amount_units created_at rewards"
    ),
    "TransactionReward": _names(
        "key action status customer partner amount amount_units is_currency credit"
        " created_at deleted_at product_type_data"
    ),
    "ReferralLink": _names(
        "id key url default is_additional direct_tracking direct_tracking_redirect"
        " direct_tracking_redirect_url"
    ),
    "LinkDomain": _names("id domain url is_additional"),
    "PayoutRequest": _names("status"),
    "Coupon": _names(
        "name uuid_code active coupon_discount_type coupon_discount_amount"
        " coupon_duration_type coupon_duration_value redemption_specific_date_status"
        " redemption_specific_date_value redemption_times_status"
        " redemption_times_value metadata created_at updated_at deleted_at"
    ),
    "PromotionCode": _names(
        "code first_time_order limit_to_specific_partner coupon_specific_partners"
        " limit_to_specific_customer coupon_specific_customers minimum_order_status"
        " minimum_order_value expiration_date_status expiration_date_value"
        " redemption_times_status redemption_times_value metadata"
    ),
    "Lead": _names(
        "id status created_at lead_info converted_to submitter submission_form"
        " can_be_converted can_be_rejected"
    ),
    "LeadDetails": _names(
        "leads_enabled program_leads_commission_type leads_commission"
        " leads_custom_form_fields"
    ),
    "Referral": _names(
        "email created_at updated_at id name surname approved status"
        " referring_customer referrals_count referral_link referral_links"
    ),
    "CustomerBalance": _names("customer balance"),
    "UnitAmount": _names("amount amount_units is_currency"),
    "Subscriber": _names(
        "id name email is_referred tos marketing_consent status approved portal_link"
        " share_link referrals_count reward created_at"
    ),
    "NewsletterReward": _names(
        "id name description status type fulfillment_type fulfillment_type_name"
        " fulfillment_value subscriber_count created_at updated_at"
    ),
    "Webhook": _names("key name url is_active signature events"),
}
"""Members that all published forms of a model have."""

KNOWN_VALUES: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "Partner": {"status": _names("active pending archived deleted")},
    "Customer": {"status": _names("active suspended")},
    "TransactionReward": {"status": _names("ok review_period rejected")},
    "PayoutRequest": {
        "status": _names(
            "requested approved finished rejected resubmit_requested resubmitted"
        )
    },
    "Coupon": {
        "coupon_discount_type": _names("percent static"),
        "coupon_duration_type": _names("once hours days months years lifetime"),
    },
    "CouponShort": {
        "coupon_discount_type": _names("percent static"),
        "coupon_duration_type": _names("once hours days months years lifetime"),
    },
    "Lead": {"status": _names("submitted converted rejected")},
    "ProgramInfo": {"type": _names("Affiliate Referral Newsletter")},
    "Referral": {"status": _names("active deleted")},
    "Subscriber": {"status": _names("Active")},
    "NewsletterReward": {
        "status": _names("active"),
        "type": _names("default"),
        "fulfillment_type": _names("url_link generic_coupon amazon_gift_card"),
    },
}
"""Values that were published of a text that is one of a few."""
