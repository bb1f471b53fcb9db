"""What nobody outside Partnero knows, and the reading the sandbox takes of it."""

from typing import Literal

import attrs


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
    #: Which sales DELETE and archive touch when several share the key.
    shared_key: Literal["newest", "all"] = "newest"
    #: Whether `/partners/{id}` accepts a referral key too.
    key_in_partner_path: bool = False
    #: Whether partner objects have the `key` member of the oldest documentation.
    legacy_partner_key: bool = False
