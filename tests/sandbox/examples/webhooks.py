# What the examples of webhooks need; see ../test_examples.py.

from partnero_async.sandbox import Assumptions

OTHER_STATUS = {"webhooks.create--own-key-status-201": 200}
SETTINGS = {
    "webhooks.list--with-pagination": {"assumptions": Assumptions(complete_lists=True)}
}

_WEBHOOK = {
    "key": "eT5mXr90LbQy",
    "name": "Ledger sync",
    "url": "https://ledger.harborlight.example/hooks/partnero",
    "events": ["transaction.created", "transaction.deleted"],
}
SETUP = {"webhooks": [("POST", "/webhooks", _WEBHOOK)]}
