"""The oracle: the operations, written from the published facts, not from the code.

Whoever changes the client or the sandbox does not change this file with it: it follows
``api/operations.json`` (ids, methods, routes, evidence, types of program) and the retry
rules of ``reliability.md``, section 2 (letters), which stand beside the checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

API = Path(__file__).parents[1].parent / "shared" / "api"
"""The compilation of facts. A test that does not find it fails; it never skips."""

TYPES = {"a": "affiliate", "r": "refer_a_friend", "n": "newsletter"}
"""The types of program, by their initials."""


class Operation(NamedTuple):
    """One operation, as published."""

    id: str
    method: str
    route: str
    evidence: str
    """How well method and route are attested."""
    retry: str
    """A read, B sets a state, C unique key, D key that is not unique, E relative."""
    types: str
    """Initials of the types of program that have it."""

    @property
    def line(self) -> str:
        """Name it in a message: id, method and route."""
        return f"{self.id}: {self.method} {self.route}"

    @property
    def noun(self) -> str:
        """The resource that it belongs to."""
        return self.id.partition(".")[0]

    @property
    def programs(self) -> tuple[str, ...]:
        """The types of program that have it."""
        return tuple(TYPES[initial] for initial in self.types)


OPERATIONS = tuple(
    Operation(*line.split())
    for line in """
account.test              GET    /test                              vendor-sdk A arn
partners.list             GET    /partners                          documented A a
partners.search           GET    /partners:search                   documented A a
partners.get              GET    /partners/{id}                     documented A a
partners.find             GET    /partner                           vendor-n8n A a
partners.create           POST   /partners                          documented C a
partners.update           PUT    /partners/{id}                     documented B a
partners.delete           DELETE /partners/{id}                     documented B a
partners.archive          POST   /partners/{id}/archive             documented B a
partners.restore          POST   /partners/{id}/revoke-archive      documented B a
partners.sign_in_url      POST   /partners:sign-in-url              vendor-n8n E a
partners.add_reward       POST   /partners/{id}/reward              vendor-n8n E a
partner_links.list        GET    /partners/{id}/referral_links      documented A a
partner_links.search      GET    /partner_referral_links:search     vendor-sdk A a
partner_links.domains     GET    /partner_referral_links:domains    documented A a
partner_links.get         GET    /partner_referral_links/{id}       vendor-sdk A a
partner_links.create      POST   /partner_referral_links            documented C a
partner_links.update      PUT    /partner_referral_links/{id}       vendor-sdk B a
partner_links.delete      DELETE /partner_referral_links/{id}       vendor-sdk B a
payouts.list              GET    /payout_requests                   vendor-n8n A a
payouts.search            GET    /payout_requests:search            vendor-n8n A a
payouts.get               GET    /payout_requests/{id}              vendor-n8n A a
payouts.create            POST   /payout_requests                   vendor-n8n E a
payouts.approve           POST   /payout_requests/{id}/approve      vendor-n8n B a
payouts.mark_as_paid      POST   /payout_requests/{id}/mark_as_paid vendor-n8n B a
coupons.list              GET    /coupons                           documented A arn
coupons.get               GET    /coupons/{uuid_code}               inferred   A arn
coupons.create            POST   /coupons                           documented C arn
coupons.update            PUT    /coupons                           documented B arn
coupons.delete            DELETE /coupons                           inferred   B arn
promotion_codes.list      GET    /promotion-codes                   documented A arn
promotion_codes.get       GET    /promotion-codes/{code}            documented A arn
promotion_codes.create    POST   /promotion-codes                   documented C arn
promotion_codes.update    PUT    /promotion-codes                   documented B arn
promotion_codes.delete    DELETE /promotion-codes                   documented B arn
program.get               GET    /program                           documented A arn
program.overview          GET    /program/overview                  old-docs   A ar
program.update            PUT    /program                           documented B ar
program.delete            DELETE /program                           documented B arn
settings.update           PUT    /settings                          vendor-sdk B arn
rewards.list              GET    /rewards                           old-docs   A n
rewards.get               GET    /rewards/{id}                      old-docs   A n
rewards.create            POST   /rewards                           old-docs   E n
customers.list            GET    /customers                         documented A a
customers.search          GET    /customers:search                  vendor-sdk A a
customers.get             GET    /customers/{key}                   documented A a
customers.create          POST   /customers                         documented C a
customers.update          PUT    /customers/{key}                   documented B a
customers.delete          DELETE /customers/{key}                   documented B a
customers.suspend         POST   /customers/{key}/suspend           documented B a
customers.approve         POST   /customers/{key}/approve           documented B a
customers.archive         POST   /customers/{key}/archive           vendor-n8n B a
customers.restore         POST   /customers/{key}/revoke-archive    vendor-n8n B a
customers.transactions    GET    /customers/{key}/transactions      documented A a
referrals.list            GET    /customers                         documented A r
referrals.search          GET    /customers:search                  vendor-sdk A r
referrals.get             GET    /customers/{id}                    vendor-sdk A r
referrals.create          POST   /customers                         documented C r
referrals.update          PUT    /customers/{id}                    inferred   B r
referrals.delete          DELETE /customers/{id}                    vendor-sdk B r
referrals.archive         POST   /customers/{id}/archive            documented B r
referrals.restore         POST   /customers/{id}/revoke-archive     vendor-n8n B r
referrals.referred        GET    /customers/{id}/referrals          vendor-sdk A r
referrals.stats           GET    /customers/{id}/stats              vendor-sdk A r
referrals.invite          POST   /customers:invite                  vendor-sdk E r
referrals.balance         GET    /customers/{id}/balance            old-docs   A r
referrals.credit          POST   /customers/{id}/balance/credit     old-docs   E r
customer_links.list       GET    /customers/{id}/referral_links     old-docs   A r
customer_links.search     GET    /customer_referral_links:search    vendor-sdk A r
customer_links.get        GET    /customer_referral_links/{id}      old-docs   A r
customer_links.create     POST   /customer_referral_links           old-docs   C r
customer_links.update     PUT    /customer_referral_links/{id}      vendor-sdk B r
customer_links.delete     DELETE /customer_referral_links/{id}      vendor-sdk B r
leads.list                GET    /leads                             documented A a
leads.get                 GET    /leads/{id}                        documented A a
leads.create              POST   /leads                             documented E a
leads.convert             GET    /leads/convert                     documented E a
leads.reject              GET    /leads/reject                      old-docs   B a
leads.delete              DELETE /leads/{id}                        vendor-n8n B a
leads.details             GET    /leads/details                     old-docs   A a
transactions.list         GET    /transactions                      documented A ar
transactions.get          GET    /transactions/{key}                documented A a
transactions.create       POST   /transactions                      documented D ar
transactions.create_batch POST   /transactions                      old-docs   D ar
transactions.delete       DELETE /transactions/{key}                documented B a
transactions.archive      POST   /transactions/{key}/archive        documented B a
transactions.restore      POST   /transactions/{key}/revoke-archive documented B a
subscribers.list          GET    /subscribers                       old-docs   A n
subscribers.search        GET    /subscribers:search                vendor-sdk A n
subscribers.get           GET    /subscribers/{identifier}          vendor-sdk A n
subscribers.create        POST   /subscribers                       documented C n
subscribers.update        PUT    /subscribers                       vendor-sdk B n
subscribers.delete        DELETE /subscribers                       vendor-sdk B n
webhooks.list             GET    /webhooks                          old-docs   A arn
webhooks.get              GET    /webhooks/{key}                    vendor-sdk A arn
webhooks.create           POST   /webhooks                          documented C arn
webhooks.update           PUT    /webhooks/{key}                    documented B arn
webhooks.delete           DELETE /webhooks/{key}                    vendor-sdk B arn
""".strip().splitlines()
)

BY_ID = {operation.id: operation for operation in OPERATIONS}

RESOURCES = tuple(dict.fromkeys(operation.noun for operation in OPERATIONS))
"""The nouns."""
