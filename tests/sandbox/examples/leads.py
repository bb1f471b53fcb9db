# What the examples of leads and payout requests need; see ../test_examples.py.

from typing import Any

Calls = list[tuple[str, str, dict[str, Any] | None]]

UNREACHABLE = {
    "leads.get--unknown-status": "a status no source mentions",
    "payouts.get--unknown-status": "a status no source mentions",
}
OTHER_STATUS = {"leads.create--checkbox-list-status-200": 201}
RENAMED = {
    "/payout_requests/3071": "/payout_requests/1",
    "/leads/318": "/leads/1",
    "/leads/319": "/leads/1",
    '"id": 318': '"id": 1',
    '"id": 319': '"id": 1',
}
REFUSALS = ["400-payout-wrong-status"]

_PARTNER = {
    "id": "pt_7Q2mK9",
    "key": "marisol-hl",
    "email": "marisol.okafor@example.org",
    "name": "Marisol",
    "surname": "Okafor",
}
_REWARD = {"amount": 70.15}
_PAYOUT = {
    "partner": {"id": "pt_7Q2mK9"},
    "amount_units": "eur",
    "gateway": "paypal",
    "payout_settings": {"username": "payouts.okafor@example.org"},
}
_LEAD = {
    "name": "Dagny Moreau",
    "email": "dagny.moreau@example.com",
    "partner": {"id": "pt_7Q2mK9"},
    "cfields": {"23": "12 boats"},
}
_UNPAID: Calls = [
    ("POST", "/partners", _PARTNER),
    ("POST", "/partners/pt_7Q2mK9/reward", _REWARD),
]
_REQUESTED: Calls = [*_UNPAID, ("POST", "/payout_requests", _PAYOUT)]
_LEADS: Calls = [("POST", "/partners", _PARTNER), ("POST", "/leads", _LEAD)]

SETUP: dict[str, Calls] = {
    "leads": _LEADS,
    "leads.create": _LEADS[:1],
    "leads.details": [],
    "payouts": _REQUESTED,
    "payouts.create": _UNPAID,
}
BEFORE: dict[str, Calls] = {
    "payouts.mark_as_paid": [("POST", "/payout_requests/1/approve", None)],
}
