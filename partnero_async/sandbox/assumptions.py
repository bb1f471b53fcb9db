"""What nobody outside Partnero knows, and the reading the sandbox takes of it."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import attrs

#: How the body of a delivery is written: as other answers are, the way PHP does by
#: default (`\\/` and `\\u00f8`), or with slashes escaped and other letters as UTF-8.
DeliveryBody = Literal["plain", "php", "slashes"]


def _check_waits(_owner: object, _field: object, waits: Sequence[float]) -> None:
    if not all(0 <= wait < math.inf for wait in waits):
        raise ValueError("a wait is a number of seconds from 0")


@attrs.frozen(kw_only=True)
class Assumptions:
    """Choose how the sandbox behaves where the API's sources are silent or disagree.

    The defaults are the readings of the project's compilation of facts (its table of
    unknowns); each alternative is one that a source mentions or a client may meet.
    """

    #: 422 and 400 bodies: all members, the message alone, status and errors without a
    #: message (the one published body), an empty object, or a web page.
    error_body: Literal["full", "message", "errors", "empty", "html"] = "full"
    #: The code for a key, id or e-mail that is taken.
    conflict_status: Literal[422, 409] = 422
    #: A limit or page outside its range.
    out_of_range: Literal["refuse", "clamp"] = "refuse"
    #: Whether `links` carry the query parameters of the request.
    filters_in_links: bool = True
    #: How a search criterion is compared, and how several are combined.
    search_match: Literal["partial", "exact"] = "partial"
    search_combine: Literal["all", "any"] = "all"
    #: Whether deleted objects stay visible in lists.
    deleted_listed: bool = False
    #: How a text that was never supplied is answered.
    absent_text: Literal["null", "empty", "missing"] = "null"
    #: Whether customers in lists have status and tags.
    full_customer_items: bool = False
    #: Archiving an archived customer, or restoring one that is not archived.
    repeated_archive: Literal[400, 200] = 400
    #: Suspending a suspended customer, or approving an active one.
    repeated_suspend: Literal[200, 400] = 200
    #: Deleting what is not there.
    repeated_delete: Literal[404, 200] = 404
    #: A deletion's answer: `{"status": 1}` or an empty 204.
    deletion_status: Literal[200, 204] = 200
    #: A sale of a customer nobody registered.
    unknown_customer: Literal["record", "refuse"] = "record"
    #: An unknown partner together with `options.create_customer`.
    unknown_partner: Literal["refuse", "record"] = "refuse"
    #: Whether a second sale under the same key is refused.
    unique_transaction_keys: bool = False
    #: A sale sent without a key.
    missing_key: Literal["generate", "null"] = "generate"
    #: What the sales of a batch may have: all that a single sale has, or what the
    #: documentation shows of them (key, amount, action); the rest is not looked at.
    batch_sale: Literal["full", "documented"] = "full"
    #: Which sales DELETE and archive touch when several share the key.
    shared_key: Literal["newest", "all"] = "newest"
    #: Whether `/partners/{id}` accepts a referral key too.
    key_in_partner_path: bool = False
    #: Whether partner objects have the `key` member of the oldest documentation.
    legacy_partner_key: bool = False
    #: Whether the lists that were published without `links` and `meta` have them:
    #: links of partners and customers, subscribers, webhooks (these even without
    #: `status`).
    complete_lists: bool = False
    #: Events that only a guide mentions: `transaction.updated`, `reward.created`,
    #: `reward.approved`, `reward.paid`.
    doubtful_events: Literal["refuse", "accept"] = "refuse"
    #: Whether a partner's default link can be deleted; the oldest one left follows it.
    default_link_deletable: bool = False
    #: Additional domains for links: by id, the label before the website's host. They
    #: are set up in the dashboard only.
    link_subdomains: Mapping[int, str] = MappingProxyType({1: "go"})
    #: Approving or paying a payout request in the wrong state.
    payout_wrong_state: Literal[400, 422] = 400
    #: The partner is not active, has no payout details, or nothing to be paid.
    payout_impossible: Literal[422, 400] = 422
    #: Page sizes of payout requests: as for all lists, or the connector's 10 to 100.
    payout_limits: Literal["usual", "connector"] = "usual"
    #: Where commissions stand while the payout request that covers them is open.
    requested_commissions: Literal["pending", "not_paid"] = "pending"
    #: Whether the program lets `reward_ids` narrow a payout request.
    reward_ids_allowed: bool = False
    #: Who earns when a discount code names a partner and somebody else referred the
    #: customer.
    discount_code_rewards: Literal["both", "coupon", "referring"] = "both"
    #: Whether promotion codes have `times_redeemed` and `additional_info` everywhere
    #: (newer field table), or in the answer to an update only, as published.
    full_promotion_codes: bool = False
    #: Converting or rejecting a lead that was converted or rejected before.
    lead_wrong_state: Literal[422, 400] = 422
    #: How the one who referred a customer is answered, where somebody did.
    referring_customer: Literal["id", "full"] = "id"
    #: The list of referred customers: in `data`, or once more inside of it.
    referred_list: Literal["data", "nested"] = "data"
    #: A sale of a refer-a-friend customer whom nobody referred, unknown ones included.
    unreferred_sale: Literal["refuse", "record"] = "refuse"
    #: A credit in another unit than the program's currency.
    foreign_credit: Literal["refuse", "accept"] = "refuse"
    #: A subscriber created without an id: the API's own, or null as a mailing provider
    #: is to assign it.
    subscriber_id: Literal["generate", "null"] = "generate"
    #: A subscriber's consents that were never given.
    absent_consent: Literal["null", "false"] = "null"
    #: Whether subscribers have `updated_at` and `deleted_at` (old documentation).
    dated_subscribers: bool = False
    #: A confirmation code that is wrong or older than 20 seconds.
    wrong_code: Literal[422, 400] = 422
    #: The errors of a program update: without a message, the one published case, or
    #: with all members like the others.
    program_errors: Literal["errors", "full"] = "errors"
    #: Seconds from a delivery that fails to each of its repeats; then it is given up,
    #: and its webhook stays active.
    delivery_waits: Sequence[float] = attrs.field(
        default=(10, 60, 300, 1800, 7200), validator=_check_waits
    )
    #: Seconds that a receiver has to answer. Documented; fewer make tests faster.
    delivery_timeout: float = 5.0
    #: Deliveries to a webhook in the order of the events, or in any order.
    delivery_order: Literal["in order", "shuffled"] = "in order"
    #: The bytes of a delivery's body.
    delivery_body: DeliveryBody = "plain"
    #: What a change of status without an event of its own is: suspending, approving,
    #: archiving or restoring a customer, restoring a partner.
    status_events: Literal["updated", "none"] = "updated"
