"""What the API returns, as attrs classes; they know nothing of the wire.

Common to all of them:

- a field that an answer leaves out is None (lists leave out more than single reads);
- a member that this version does not know is kept in ``extra``, and written back;
- a status of which this version does not know is kept as the text that came;
- money is `decimal.Decimal` in major units, not rounded; times are aware `datetime`,
  and a day without a time is a `date`.

They load when they are first used: of forty classes a program uses a few, and the
others would take a tenth of its first call.
"""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:
    from .account import Account, ProgramId
    from .coupons import (
        AdditionalInfo,
        CodeHolder,
        Coupon,
        CouponShort,
        CouponSync,
        PromotionCode,
        PromotionCodes,
        Redemption,
    )
    from .customers import Customer, CustomerRef, NewCustomer
    from .leads import (
        Lead,
        LeadAnswer,
        LeadDetails,
        LeadFormField,
        LeadPerson,
        LeadsCommission,
    )
    from .links import LinkDomain, ReferralLink
    from .pages import Page
    from .partners import (
        CurrencyAmount,
        Partner,
        PartnerBonus,
        PartnerCommissions,
        PartnerRef,
        PartnerReferrals,
        SignInUrl,
    )
    from .payouts import PayoutRequest, PayoutSettings
    from .program import (
        CurrentSettings,
        PortalSettings,
        Program,
        ProgramInfo,
        ProgramOverview,
        ProgramSettings,
        ProgramStats,
        ReferralStats,
    )
    from .referrals import (
        Balance,
        CustomerBalance,
        Referral,
        ReferralMetadata,
        ReferringCustomer,
        UnitAmount,
    )
    from .rewards import NewsletterReward
    from .subscribers import Subscriber, SubscriberRef
    from .transactions import BatchTransaction, Transaction, TransactionReward
    from .webhooks import Webhook, WebhookEventName

__all__ = [
    "Account",
    "AdditionalInfo",
    "Balance",
    "BatchTransaction",
    "CodeHolder",
    "Coupon",
    "CouponShort",
    "CouponSync",
    "CurrencyAmount",
    "CurrentSettings",
    "Customer",
    "CustomerBalance",
    "CustomerRef",
    "Lead",
    "LeadAnswer",
    "LeadDetails",
    "LeadFormField",
    "LeadPerson",
    "LeadsCommission",
    "LinkDomain",
    "NewCustomer",
    "NewsletterReward",
    "Page",
    "Partner",
    "PartnerBonus",
    "PartnerCommissions",
    "PartnerRef",
    "PartnerReferrals",
    "PayoutRequest",
    "PayoutSettings",
    "PortalSettings",
    "Program",
    "ProgramId",
    "ProgramInfo",
    "ProgramOverview",
    "ProgramSettings",
    "ProgramStats",
    "PromotionCode",
    "PromotionCodes",
    "Redemption",
    "Referral",
    "ReferralLink",
    "ReferralMetadata",
    "ReferralStats",
    "ReferringCustomer",
    "SignInUrl",
    "Subscriber",
    "SubscriberRef",
    "Transaction",
    "TransactionReward",
    "UnitAmount",
    "Webhook",
    "WebhookEventName",
]

_MODULES = {
    ".account": "Account ProgramId",
    ".coupons": (
        "AdditionalInfo CodeHolder Coupon CouponShort CouponSync PromotionCode "
        "PromotionCodes Redemption"
    ),
    ".customers": "Customer CustomerRef NewCustomer",
    ".leads": "Lead LeadAnswer LeadDetails LeadFormField LeadPerson LeadsCommission",
    ".links": "LinkDomain ReferralLink",
    ".partners": (
        "CurrencyAmount Partner PartnerBonus PartnerCommissions PartnerRef "
        "PartnerReferrals SignInUrl"
    ),
    ".payouts": "PayoutRequest PayoutSettings",
    ".program": (
        "CurrentSettings PortalSettings Program ProgramInfo ProgramOverview "
        "ProgramSettings ProgramStats ReferralStats"
    ),
    ".referrals": (
        "Balance CustomerBalance Referral ReferralMetadata ReferringCustomer UnitAmount"
    ),
    ".rewards": "NewsletterReward",
    ".subscribers": "Subscriber SubscriberRef",
    ".transactions": "BatchTransaction Transaction TransactionReward",
    ".webhooks": "Webhook WebhookEventName",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

if not TYPE_CHECKING:  # a checker takes a misspelt name for one of these
    __getattr__ = lazily(__name__, __all__, _HOMES, ".pages")


def __dir__() -> list[str]:
    return sorted(__all__)
