"""Rewards of a newsletter program: what a number of referred subscribers unlocks."""

import sqlite3
from typing import Any

from .calls import Answer, Call, data
from .checks import Refusal
from .routing import NEWSLETTER, table

SCHEMA = """
CREATE TABLE IF NOT EXISTS rewards (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT,
    fulfillment_type TEXT NOT NULL,
    fulfillment_value TEXT,
    subscriber_count INTEGER NOT NULL,
    created_at TEXT NOT NULL
);
"""

# A reward was triggered by everyone who referred as many as it asks for.
_SELECT = (
    "SELECT w.*, (SELECT count(*) FROM subscribers b WHERE b.deleted_at IS NULL"
    " AND (SELECT count(*) FROM subscribers f WHERE f.referring = b.seq"
    " AND f.deleted_at IS NULL) >= w.subscriber_count) AS times_triggered"
    " FROM rewards w"
)
_TYPES = {
    "url_link": "URL",
    "generic_coupon": "Coupon code",
    "amazon_gift_card": "Amazon gift card",
}
_MOST = 2**53


def list_rewards(call: Call) -> Answer:
    """Serve `rewards.list`, newest first; no pages were published."""
    rows = call.state.rows(f"{_SELECT} ORDER BY w.seq DESC")
    return data([_shape(row) for row in rows])


def get_reward(call: Call) -> Answer:
    """Serve `rewards.get`."""
    row = call.state.one(f"{_SELECT} WHERE CAST(w.seq AS TEXT) = ?", (call.target,))
    if row is None:
        raise Refusal(404, "No reward has this id.")
    return data(_shape(row))


def create_reward(call: Call) -> Answer:
    """Serve `rewards.create`.

    The count goes in as `subscribers_count`, a whole number or a text, and comes out as
    `subscriber_count`; what is left out is 1 subscriber and a URL (assumption).
    """
    fields = call.fields
    name = fields.text("name", required=True)
    description = fields.text("description")
    plural = fields.value("subscribers_count") not in (None, "")
    count_name = "subscribers_count" if plural else "subscriber_count"
    count = fields.integer(count_name, default=1)
    if count is not None and not 1 <= count <= _MOST:
        fields.refuse(count_name, "A number from 1 is expected.")
    kind = fields.text("fulfillment_type") or "url_link"
    if kind not in _TYPES:
        fields.refuse("fulfillment_type", f"One of {', '.join(_TYPES)} is expected.")
    value = fields.text("fulfillment_value")
    fields.settle()
    seq = call.state.run(
        "INSERT INTO rewards (name, description, fulfillment_type, fulfillment_value,"
        " subscriber_count, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (name, description or None, kind, value or None, count, call.now),
    )
    call.state.note("rewards.create", str(seq))
    (row,) = call.state.rows(f"{_SELECT} WHERE w.seq = ?", (seq,))
    return data(_shape(row))


def _shape(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["seq"],
        "name": row["name"],
        "description": row["description"],
        "status": "active",
        "type": "default",
        "fulfillment_type": row["fulfillment_type"],
        "fulfillment_type_name": _TYPES[row["fulfillment_type"]],
        "fulfillment_value": row["fulfillment_value"],
        "subscriber_count": row["subscriber_count"],
        "times_triggered": row["times_triggered"],
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
    }


ROUTES = table(
    NEWSLETTER,
    [
        ("rewards.list", "GET", "/rewards", list_rewards),
        ("rewards.get", "GET", "/rewards/{id}", get_reward),
        ("rewards.create", "POST", "/rewards", create_reward),
    ],
)
