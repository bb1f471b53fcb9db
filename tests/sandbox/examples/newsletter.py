# What the examples of newsletter programs need.

from partnero_async.sandbox import Assumptions

UNREACHABLE = {
    "rewards.list--older-item": "old form",
}
OTHER_STATUS = {"subscribers.create--suspended-status-201": 200}
SETTINGS = {
    "subscribers.create--null-id-referred": {
        "assumptions": Assumptions(subscriber_id="null")
    },
    "subscribers.list--older-item-numeric-text-id": {
        "assumptions": Assumptions(complete_lists=True, dated_subscribers=True)
    },
}

_OSKAR = ("POST", "/subscribers", {"email": "oskar.iyer@example.org"})
_GRETA = (
    "POST",
    "/subscribers",
    {
        "id": "sub-88021",
        "email": "greta.nyholm@example.net",
        "name": "Greta Nyholm",
        "tos": True,
        "marketing_consent": False,
    },
)
_REWARD = {
    "name": "Sticker pack",
    "description": "Three vinyl stickers",
    "subscribers_count": 5,
    "fulfillment_type": "generic_coupon",
    "fulfillment_value": "STICKERS-FREE",
}

SETUP = {
    "subscribers": [_GRETA],
    "subscribers.create": [_OSKAR],
    "rewards": [("POST", "/rewards", _REWARD)],
    "rewards.create": [],
}
RENAMED = {"/rewards/612": "/rewards/1"}
