"""What the API returns, as attrs classes; they know nothing of the wire.

Common to all of them:

- a field that an answer leaves out is None (lists leave out more than single reads);
- a member that this version does not know is kept in ``extra``, and written back;
- a status of which this version does not know is kept as the text that came;
- money is `decimal.Decimal` in major units, not rounded; times are aware `datetime`,
  and a day without a time is a `date`.
"""

from .account import Account, ProgramId
from .coupons import (
    AdditionalInfo,
    CodeHolder,
    Coupon,
    CouponShort,
    CouponSync,
    PromotionCode,
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
from .transactions import BatchTransaction, Transaction, TransactionReward
from .webhooks import Webhook, WebhookEventName

__all__ = [
    "Account",
    "AdditionalInfo",
    "BatchTransaction",
    "CodeHolder",
    "Coupon",
    "CouponShort",
    "CouponSync",
    "CurrencyAmount",
    "Customer",
    "CustomerRef",
    "Lead",
    "LeadAnswer",
    "LeadDetails",
    "LeadFormField",
    "LeadPerson",
    "LeadsCommission",
    "LinkDomain",
    "NewCustomer",
    "Page",
    "Partner",
    "PartnerBonus",
    "PartnerCommissions",
    "PartnerRef",
    "PartnerReferrals",
    "PayoutRequest",
    "PayoutSettings",
    "ProgramId",
    "PromotionCode",
    "Redemption",
    "ReferralLink",
    "SignInUrl",
    "Transaction",
    "TransactionReward",
    "Webhook",
    "WebhookEventName",
]
