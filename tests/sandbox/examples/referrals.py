# What the examples of refer-a-friend programs need: Priya referred Noah and Lin.

from partnero_async.sandbox import Assumptions

UNREACHABLE = {
    "referrals.balance": "old form",
    "referrals.get--maps-as-empty-arrays": "deviates from the schema on purpose",
    "referrals.list--older-item": "old form",
}
OTHER_STATUS = {
    "customer_links.create--library-members-status-201": 200,
    "referrals.create--referred-status-201": 200,
}
SETTINGS = {
    "customer_links.list--with-pagination": {
        "assumptions": Assumptions(complete_lists=True)
    },
    "referrals.referred--nested-data": {
        "assumptions": Assumptions(referred_list="nested")
    },
}

_PRIYA = {
    "id": "usr-5531",
    "key": "saffron-otter",
    "email": "priya.sandoval@example.com",
    "name": "Priya",
    "surname": "Sandoval",
}
_NOAH = {
    "id": "usr-5604",
    "key": "quiet-heron",
    "email": "noah.eklund@example.net",
    "name": "Noah",
    "referring_customer": {"key": "saffron-otter"},
}
_LIN = {"key": "lin", "referring_customer": {"id": "usr-5531"}}
_CUSTOMERS = [("POST", "/customers", each) for each in (_PRIYA, _NOAH, _LIN)]


def _link(key: str) -> list[object]:
    body = {"key": key, "customer": {"id": "usr-5531"}}
    return [*_CUSTOMERS, ("POST", "/customer_referral_links", body)]


_SALE = {"key": "ord-7712", "amount": 58.9, "customer": {"id": "usr-5604"}}

SETUP = {
    "referrals": _CUSTOMERS,
    "referrals.create": [],
    "referrals.create--referred-status-201": _CUSTOMERS[:1],
    "referrals.restore": [
        *_CUSTOMERS,
        ("POST", "/customers/usr-5531/archive", None),
    ],
    "customer_links": _link("otter-instagram"),
    "customer_links.create": _CUSTOMERS,
    "customer_links.delete": _link("otter-insta"),
    "customer_links.search": _link("otter-insta"),
    "transactions.create--refer-a-friend": _CUSTOMERS,
    "transactions.list--refer-a-friend": [
        *_CUSTOMERS,
        ("POST", "/transactions", _SALE),
    ],
}
