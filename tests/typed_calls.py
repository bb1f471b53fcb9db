"""Every method of the client, called as its types say: for type checkers, never run.

The results are compared with what is promised, so a method that loses its types is an
error here, and so is a parameter that is renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, assert_type

from partnero_async import Pages, Partnero
from partnero_async.models import (
    Account,
    Coupon,
    Customer,
    CustomerBalance,
    Lead,
    LeadDetails,
    LinkDomain,
    NewsletterReward,
    Partner,
    PartnerBonus,
    PayoutRequest,
    Program,
    ProgramOverview,
    PromotionCode,
    Referral,
    ReferralLink,
    SignInUrl,
    Subscriber,
    Transaction,
    Webhook,
)

WHEN = datetime(2026, 3, 4, 10, tzinfo=UTC)
DAY = date(2026, 3, 4)
MONEY = Decimal("42.75")


async def account(client: Partnero) -> None:
    """Use `client.account`."""
    assert_type(await client.account.test(), Account)


async def coupons(client: Partnero) -> None:
    """Use `client.coupons`."""
    assert_type(client.coupons.list(limit=10), Pages[Coupon])
    assert_type(await client.coupons.get("SPRING"), Coupon)
    made = await client.coupons.create(
        coupon_discount_type="percent",
        coupon_discount_amount=10,
        coupon_duration_type="months",
        coupon_duration_value=3,
        name="Spring",
        uuid_code="SPRING",
        active=True,
        redemption_specific_date_status=True,
        redemption_specific_date_value=DAY,
        redemption_times_status=True,
        redemption_times_value=100,
        promotion_codes=[{"code": "SPRING-1"}],
        metadata={"campaign": "spring"},
        sync={"provider": "stripe"},
        if_exists="return",
    )
    assert_type(made, Coupon)
    changed = await client.coupons.update(
        "SPRING",
        name="Spring sale",
        metadata={"campaign": "spring"},
        redeem=True,
        transaction_key="inv-1",
        sync={"provider": "paddle"},
    )
    assert_type(changed, Coupon)
    await client.coupons.delete("SPRING")


async def customer_links(client: Partnero) -> None:
    """Use `client.customer_links`."""
    assert_type(client.customer_links.list("usr-1", limit=10), Pages[ReferralLink])
    found = await client.customer_links.search(
        id="otter", key="otter", customer_id="usr-1"
    )
    assert_type(found, Sequence[ReferralLink])
    assert_type(await client.customer_links.get("otter"), ReferralLink)
    made = await client.customer_links.create(
        "otter",
        customer={"id": "usr-1"},
        domain_id=3,
        is_additional=True,
        if_exists="return",
    )
    assert_type(made, ReferralLink)
    changed = await client.customer_links.update(
        "otter", key="heron", url="https://shop.example", default=True
    )
    assert_type(changed, ReferralLink)
    await client.customer_links.delete("heron")


async def customers(client: Partnero) -> None:
    """Use `client.customers`."""
    listed = client.customers.list(
        limit=10, partner_key="ada", partner_email="ada@example.com", sort="asc"
    )
    assert_type(listed, Pages[Customer])
    async for customer in listed:
        assert_type(customer, Customer)
    found = client.customers.search(
        email="bea@example.com", id="c-1", key="c-1", limit=10
    )
    assert_type(found, Pages[Customer])
    assert_type(await client.customers.get("c-1"), Customer)
    made = await client.customers.create(
        "c-1",
        partner={"key": "ada"},
        email="bea@example.com",
        name="Bea",
        surname="Ray",
        tags=["vip"],
        referral_url="https://shop.example?ref=ada",
        transaction={"key": "inv-1", "amount": MONEY},
        if_exists="return",
    )
    assert_type(made, Customer)
    changed = await client.customers.update(
        "c-1",
        email="bea@example.com",
        name="Bea",
        surname="Ray",
        new_key="c-2",
        tags=(),
    )
    assert_type(changed, Customer)
    assert_type(client.customers.transactions("c-1", limit=10), Pages[Transaction])
    await client.customers.suspend("c-1")
    await client.customers.approve("c-1")
    await client.customers.archive("c-1")
    await client.customers.restore("c-1")
    await client.customers.delete("c-1")


async def leads(client: Partnero) -> None:
    """Use `client.leads`."""
    assert_type(client.leads.list(limit=10, sort="desc"), Pages[Lead])
    assert_type(await client.leads.get(318), Lead)
    made = await client.leads.create(
        name="Dagny Moreau",
        email="dagny@example.org",
        partner={"id": "pt_1"},
        cfields={"12": "text", "13": ["one", "two"]},
    )
    assert_type(made, Lead)
    converted = await client.leads.convert(318, commission_transaction_amount=MONEY)
    assert_type(converted, Lead)
    assert_type(await client.leads.reject(319), Lead)
    assert_type(await client.leads.details(), LeadDetails)
    await client.leads.delete(319)


async def partner_links(client: Partnero) -> None:
    """Use `client.partner_links`."""
    assert_type(client.partner_links.list("pt_1", limit=10), Pages[ReferralLink])
    found = await client.partner_links.search(id="ada", key="ada")
    assert_type(found, Sequence[ReferralLink])
    assert_type(client.partner_links.domains(limit=10), Pages[LinkDomain])
    assert_type(await client.partner_links.get("ada"), ReferralLink)
    made = await client.partner_links.create(
        "ada", partner={"id": "pt_1"}, domain_id=3, is_additional=True
    )
    assert_type(made, ReferralLink)
    changed = await client.partner_links.update(
        "ada", key="byron", url="https://shop.example", default=True
    )
    assert_type(changed, ReferralLink)
    await client.partner_links.delete("byron")


async def partners(client: Partnero) -> None:
    """Use `client.partners`."""
    assert_type(client.partners.list(limit=10, sort="asc"), Pages[Partner])
    found = client.partners.search(
        id="pt_1", email="ada@example.com", key="ada", limit=10
    )
    assert_type(await found.first(), Partner | None)
    assert_type(await client.partners.get("pt_1"), Partner)
    assert_type(await client.partners.find(key="ada"), Partner)
    made = await client.partners.create(
        email="ada@example.com",
        name="Ada",
        surname="Byron",
        password="Correct1",
        id="pt_1",
        key="ada",
        tags=["blog"],
        referring_partner={"email": "bea@example.com"},
        if_exists="raise",
    )
    assert_type(made, Partner)
    changed = await client.partners.update(
        "pt_1",
        email="ada@example.com",
        name="Ada",
        surname="Byron",
        password="Correct1",
        key="byron",
        tags=[],
    )
    assert_type(changed, Partner)
    url = await client.partners.sign_in_url(key="ada", email=None, expires_in=120)
    assert_type(url, SignInUrl)
    bonus = await client.partners.add_reward(
        "pt_1", amount=MONEY, date=WHEN, note="Contest"
    )
    assert_type(bonus, PartnerBonus)
    await client.partners.archive("pt_1")
    await client.partners.restore("pt_1")
    await client.partners.delete("pt_1")


async def payouts(client: Partnero) -> None:
    """Use `client.payouts`."""
    assert_type(client.payouts.list(limit=10, sort="desc"), Pages[PayoutRequest])
    found = client.payouts.search(
        amount_units="eur",
        partner_email="ada@example.com",
        partner_id="pt_1",
        partner_key="ada",
        status="requested",
        limit=10,
        sort="asc",
    )
    assert_type(await found.collect(), list[PayoutRequest])
    assert_type(await client.payouts.get(3071), PayoutRequest)
    made = await client.payouts.create(
        partner={"id": "pt_1"},
        amount_units="eur",
        gateway="paypal",
        payout_settings={"username": "ada@example.com"},
        reward_ids=[1, 2],
    )
    assert_type(made, PayoutRequest)
    assert_type(await client.payouts.approve(3071), PayoutRequest)
    assert_type(await client.payouts.mark_as_paid(3071), PayoutRequest)


async def program(client: Partnero) -> None:
    """Use `client.program`."""
    assert_type(await client.program.get(), Program)
    assert_type(await client.program.overview(), ProgramOverview)
    await client.program.update(
        name="Ambassadors",
        website="https://shop.example",
        program_settings={"currency": "EUR", "cookie_lifetime": 45},
        portal_settings={"widget_enabled": True},
    )
    await client.program.delete(confirm="K7WQHARB")


async def promotion_codes(client: Partnero) -> None:
    """Use `client.promotion_codes`."""
    assert_type(client.promotion_codes.list(limit=10), Pages[PromotionCode])
    assert_type(await client.promotion_codes.get("SPRING-1"), PromotionCode)
    made = await client.promotion_codes.create(
        coupon_uuid="SPRING",
        code="SPRING-1",
        first_time_order=True,
        limit_to_specific_partner=True,
        coupon_specific_partners={"id": 1, "full_name": "Ada Byron"},
        limit_to_specific_customer=False,
        coupon_specific_customers=[{"id": 2, "customer_full_name": "Bea Ray"}],
        limit_to_specific_subscriber=False,
        coupon_specific_subscribers=[{"id": 3, "subscriber_full_name": "Cy Orr"}],
        minimum_order_status=True,
        minimum_order_value=50,
        expiration_date_status=True,
        expiration_date_value=DAY,
        redemption_times_status=True,
        redemption_times_value=1,
        metadata={"campaign": "spring"},
        if_exists="raise",
    )
    assert_type(made, PromotionCode)
    changed = await client.promotion_codes.update(
        "SPRING-1",
        limit_to_specific_partner=True,
        coupon_specific_partners={"id": 1, "full_name": "Ada Byron"},
        metadata={"campaign": "spring"},
        redeem=True,
        transaction_key="inv-1",
    )
    assert_type(changed, PromotionCode)
    await client.promotion_codes.delete("SPRING-1", coupon_uuid="SPRING")


async def referrals(client: Partnero) -> None:
    """Use `client.referrals`."""
    listed = client.referrals.list(limit=10, refer_status="referred", sort="asc")
    assert_type(listed, Pages[Referral])
    found = client.referrals.search(
        id="usr-1", key="otter", email="priya@example.com", limit=10
    )
    assert_type(found, Pages[Referral])
    assert_type(await client.referrals.get("usr-1"), Referral)
    made = await client.referrals.create(
        id="usr-1",
        key="otter",
        email="priya@example.com",
        name="Priya",
        surname="Sandoval",
        password="Correct1",
        metadata={"date_of_birth": DAY},
        referring_customer={"key": "heron"},
        if_exists="return",
    )
    assert_type(made, Referral)
    changed = await client.referrals.update(
        "usr-1",
        email="priya@example.com",
        name="Priya",
        surname="Sandoval",
        id_in_body=True,
    )
    assert_type(changed, Referral)
    assert_type(await client.referrals.referred("usr-1"), Sequence[Referral])
    assert_type(await client.referrals.stats("usr-1"), Any)
    sent = await client.referrals.invite(
        email="noah@example.net",
        name="Noah",
        surname="Eklund",
        personalization={"sender": "Priya"},
    )
    assert_type(sent, Any)
    assert_type(await client.referrals.balance("usr-1"), CustomerBalance)
    credited = await client.referrals.credit(
        "usr-1", amount=MONEY, amount_units="EUR", is_currency=True
    )
    assert_type(credited, Any)
    await client.referrals.archive("usr-1")
    await client.referrals.restore("usr-1")
    await client.referrals.delete("usr-1")


async def rewards(client: Partnero) -> None:
    """Use `client.rewards`."""
    assert_type(await client.rewards.list(), Sequence[NewsletterReward])
    assert_type(await client.rewards.get(612), NewsletterReward)
    made = await client.rewards.create(
        name="Sticker pack",
        description="Three stickers",
        subscribers_count=5,
        fulfillment_type="generic_coupon",
        fulfillment_value="STICKERS",
    )
    assert_type(made, NewsletterReward)


async def settings(client: Partnero) -> None:
    """Use `client.settings`."""
    await client.settings.update({"cookie_lifetime": 45})


async def subscribers(client: Partnero) -> None:
    """Use `client.subscribers`."""
    listed = client.subscribers.list(limit=10, refer_status="non_referred")
    assert_type(listed, Pages[Subscriber])
    found = await client.subscribers.search(email="greta@example.net", id="s-1")
    assert_type(found, Sequence[Subscriber])
    assert_type(await client.subscribers.get("greta@example.net"), Subscriber)
    made = await client.subscribers.create(
        email="greta@example.net",
        id="s-1",
        name="Greta",
        tos=True,
        marketing_consent=False,
        approved=True,
        status="active",
        referral={"email": "oskar@example.org"},
        if_exists="return",
    )
    assert_type(made, Subscriber)
    changed = await client.subscribers.update(
        "s-1",
        email="greta@example.net",
        name="Greta",
        new_id="s-2",
        tos=True,
        marketing_consent=True,
        approved=True,
        status="suspended",
    )
    assert_type(changed, Subscriber)
    await client.subscribers.delete(email="greta@example.net")


async def transactions(client: Partnero) -> None:
    """Use `client.transactions`."""
    listed = client.transactions.list(
        limit=10,
        key="inv-1",
        partner_key="ada",
        partner_email="ada@example.com",
        customer_key="c-1",
        sort="asc",
    )
    assert_type(listed, Pages[Transaction])
    assert_type(await client.transactions.get("inv-1"), Transaction)
    made = await client.transactions.create(
        customer={"key": "c-1", "partner": {"key": "ada"}},
        key="inv-1",
        amount=MONEY,
        reward=Decimal(5),
        amount_units="EUR",
        action="sale",
        product_id="p-1",
        product_type=[1, 2],
        rewarded=False,
        rewardable=True,
        created_at=WHEN,
        gross_amount=MONEY,
        discount_amount=Decimal(0),
        discount_code="SPRING",
        status="paid",
        partner={"key": "ada"},
        create_customer=True,
        referral_url="https://shop.example?ref=ada",
    )
    assert_type(made, Transaction)
    batch = await client.transactions.create_batch(
        customer={"key": "c-1"},
        transactions=[{"key": "inv-2", "amount": MONEY, "action": "sale"}],
        create_customer=False,
        referral_url="https://shop.example?ref=ada",
    )
    assert_type(batch, Any)
    left = await client.transactions.partial_refund(
        "inv-1", amount=Decimal(5), delete_and_create_again=True
    )
    assert_type(left, Transaction)
    await client.transactions.archive("inv-1")
    await client.transactions.restore("inv-1")
    await client.transactions.delete("inv-1")


async def webhooks(client: Partnero) -> None:
    """Use `client.webhooks`."""
    assert_type(client.webhooks.list(limit=10), Pages[Webhook])
    assert_type(await client.webhooks.get("ab12cd34ef56"), Webhook)
    made = await client.webhooks.create(
        name="Ledger",
        url="https://ledger.example/hooks",
        events=["transaction.created", "an.event.to.come"],
        key="ab12cd34ef56",
        is_active=True,
        if_exists="raise",
    )
    assert_type(made, Webhook)
    changed = await client.webhooks.update(
        "ab12cd34ef56",
        name="Ledger",
        url="https://ledger.example/hooks",
        is_active=False,
        events=["transaction.deleted"],
    )
    assert_type(changed, Webhook)
    await client.webhooks.delete("ab12cd34ef56")
