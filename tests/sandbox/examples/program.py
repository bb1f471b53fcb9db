# What the examples of a program need: something that happened.

UNREACHABLE = {
    "program.delete--step-two": "the code is another one",
    "program.get--integer-counts": "deviates from the schema on purpose",
}

_PARTNER = {"email": "marisol.okafor@example.org", "id": "pt_7Q2mK9"}
_CUSTOMER = {"key": "acct-20418", "partner": {"id": "pt_7Q2mK9"}}
_SALE = {"key": "inv-1", "amount": 149.5, "customer": {"key": "acct-20418"}}
_PRIYA = {"id": "usr-5531", "key": "saffron-otter"}
_NOAH = {"id": "usr-5604", "referring_customer": {"key": "saffron-otter"}}
_ORDER = {"key": "ord-7712", "amount": 58.9, "customer": {"id": "usr-5604"}}
_SOLD = [
    ("POST", "/partners", _PARTNER),
    ("POST", "/customers", _CUSTOMER),
    ("POST", "/transactions", _SALE),
]
_REFERRED = [
    ("POST", "/customers", _PRIYA),
    ("POST", "/customers", _NOAH),
    ("POST", "/transactions", _ORDER),
]

SETUP = {
    "program.get": _SOLD,
    "program.get--no-money-yet": [],
    "program.get--newsletter": [],
    "program.get--refer-a-friend": _REFERRED,
    "program.overview": _REFERRED,
    "program.overview--affiliate": _SOLD,
}
REFUSALS = ["422-status-and-errors-without-message"]
