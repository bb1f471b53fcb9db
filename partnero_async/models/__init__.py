"""What the API returns, as attrs classes; they know nothing of the wire.

Common to all of them:

- a field that an answer leaves out is None (lists leave out more than single reads);
- a member that this version does not know is kept in ``extra``, and written back;
- a status of which this version does not know is kept as the text that came;
- money is `decimal.Decimal` in major units, not rounded; times are aware `datetime`.
"""

from .account import Account, ProgramId
from .customers import Customer, CustomerRef, NewCustomer
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
from .transactions import BatchTransaction, Transaction, TransactionReward

__all__ = [
    "Account",
    "BatchTransaction",
    "CurrencyAmount",
    "Customer",
    "CustomerRef",
    "LinkDomain",
    "NewCustomer",
    "Page",
    "Partner",
    "PartnerBonus",
    "PartnerCommissions",
    "PartnerRef",
    "PartnerReferrals",
    "ProgramId",
    "ReferralLink",
    "SignInUrl",
    "Transaction",
    "TransactionReward",
]
