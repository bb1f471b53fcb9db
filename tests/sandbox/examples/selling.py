# What the examples of partners, customers and transactions need; the constants that
# such a file may have are explained in ../test_examples.py.

UNREACHABLE = {
    "account.test--more-members": "members beyond the known one",
    "customers.get--without-status-and-tags": "old form",
    "customers.list--deleted-and-full-items": "two kinds of item in one list",
    "partners.create--no-tags-member": "old form",
    "partners.get--amounts-as-strings": "deviates from the schema on purpose",
    "partners.get--multi-currency-custom-fields-object": "no custom fields",
    "partners.list--custom-fields-object": "no custom fields",
    "partners.list--legacy-key-without-id": "oldest form",
    "partners.list--unknown-fields": "members no source mentions",
    "transactions.get--amounts-as-strings": "deviates from the schema on purpose",
    "transactions.list--empty-array-product-unknown-reward-status": "PHP's empty map",
}
OTHER_STATUS = {
    "partners.create--email-only-status-200": 201,
    "customers.create--minimal-status-201": 200,
}

_ARCHIVE_SALE = ("POST", "/transactions/inv-2026-00731/archive", None)
_PARTNERS = [
    ("POST", "/partners", partner)
    for partner in (
        {
            "id": "pt_7Q2mK9",
            "key": "marisol-hl",
            "email": "marisol.okafor@example.org",
            "name": "Marisol",
            "surname": "Okafor",
            "tags": ["travel-blog"],
        },
        {"id": "pt_B4xWn1", "email": "henrik.vasquez@example.net", "name": "Henrik"},
        {"id": "pt_R8dLs3", "email": "odile.ferro@example.com", "name": "Odile"},
        {
            "id": "pt_Zk5Tq0",
            "key": "ines-hl",
            "email": "ines.dragomir@example.net",
            "tags": ["podcast", "emea"],
        },
    )
]
_CUSTOMER = {
    "key": "acct-20418",
    "email": "tomasz.lindqvist@example.com",
    "name": "Tomasz",
    "surname": "Lindqvist",
    "tags": ["annual-plan"],
    "partner": {"key": "marisol-hl"},
}
_PRODUCT = {"product_id": "cabin-42", "product_type": "weekend"}
_SALES = [
    ("POST", "/transactions", {"customer": {"key": "acct-20418"}, **sale})
    for sale in (
        {"key": "inv-2026-00702", "amount": 64, "action": "sale", "rewardable": False},
        {"key": "inv-2026-00731", "amount": 149.5, "action": "sale", **_PRODUCT},
    )
]
_ALL = [*_PARTNERS, ("POST", "/customers", _CUSTOMER), *_SALES]

SETUP = {
    "partners": _ALL,
    "partners.create": [*_PARTNERS[:3], *_ALL[4:]],
    "customers": _ALL,
    "customers.create": _PARTNERS,
    "transactions": _ALL,
    "422-status-message-errors": _ALL,
}
BEFORE = {
    "customers.get--suspended": [("POST", "/customers/acct-20418/suspend", None)],
    "customers.restore": [("POST", "/customers/acct-20418/archive", None)],
    "partners.restore": [("POST", "/partners/pt_B4xWn1/archive", None)],
    "transactions.get--archived": [_ARCHIVE_SALE],
    "transactions.restore": [_ARCHIVE_SALE],
    "400-already-archived": [("POST", "/partners/pt_R8dLs3/archive", None)],
}
REFUSALS = [
    "400-already-archived",
    "400-not-archived",
    "400-unknown-partner-key",
    "404-partner",
    "422-status-message-errors",
]
