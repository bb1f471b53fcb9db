"""The modules that serve the API, a noun each, with their tables.

Each has `SCHEMA`, the statements that create its tables where they do not exist, and
`ROUTES`, its part of the route table.
"""

from . import (
    account,
    customer_links,
    customers,
    partner_links,
    partners,
    referral_sales,
    referrals,
    sales,
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
    webhooks,
)

SCHEMA = "".join(noun.SCHEMA for noun in NOUNS)
