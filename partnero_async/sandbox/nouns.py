"""The modules that serve the API, a noun each, with their tables.

Each has `SCHEMA`, the statements that create its tables where they do not exist, and
`ROUTES`, its part of the route table.
"""

from . import (
    account,
    commissions,
    coupons,
    customer_links,
    customers,
    leads,
    outbox,
    partner_links,
    partners,
    payouts,
    program,
    promotion_codes,
    referral_sales,
    referrals,
    rewards,
    sales,
    subscribers,
    webhooks,
)

NOUNS = (
    account,
    partners,
    partner_links,
    customers,
    sales,
    referrals,
    referral_sales,
    customer_links,
    subscribers,
    rewards,
    program,
    webhooks,
    commissions,
    coupons,
    promotion_codes,
    payouts,
    leads,
)

SCHEMA = "".join(noun.SCHEMA for noun in NOUNS) + outbox.SCHEMA
