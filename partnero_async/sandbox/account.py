"""The account behind an API key."""

from .calls import Answer, Call, data
from .routing import EVERY, table

SCHEMA = ""


def test_key(call: Call) -> Answer:
    """Serve `account.test`."""
    return data({"program": {"pub_id": call.program.id}})


ROUTES = table(EVERY, [("account.test", "GET", "/test", test_key)])
