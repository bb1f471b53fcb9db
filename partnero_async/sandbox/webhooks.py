"""Webhooks: who wants to hear of which events, and the secret they check it with.

Events are delivered to the active ones, from the time they are there: see `outbox`.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from . import outbox
from .calls import Answer, Call, data, deletion
from .checks import Fields, Refusal, invalid
from .paging import Limits, Where, page
from .routing import EVERY, ProgramType, table
from .state import generated_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    active INTEGER NOT NULL,
    secret TEXT NOT NULL
);
"""

_SELECT = "SELECT w.* FROM webhooks w"
_LIMITS = Limits(default=10, least=10, most=100)
_NAME_LENGTH = 100
_SECRET_LENGTH = 16

_SALES = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "transaction.created",
    "transaction.deleted",
)
#: That credited and rewarded belong to refer-a-friend programs alone is inferred.
_EVENTS: Mapping[ProgramType, Sequence[str]] = {
    "affiliate": (
        "partner.created",
        "partner.updated",
        "partner.deleted",
        "partner.approved",
        "partner.rejected",
        "partner.archived",
        *_SALES,
        "lead.submitted",
        "lead.converted",
        "lead.rejected",
    ),
    "refer_a_friend": (*_SALES, "customer.credited", "customer.rewarded"),
    "newsletter": (
        "subscriber.created",
        "subscriber.updated",
        "subscriber.deleted",
        "subscriber.rewarded",
    ),
}
_DOUBTFUL = ("transaction.updated", "reward.created", "reward.approved", "reward.paid")


def list_webhooks(call: Call) -> Answer:
    """Serve `webhooks.list`."""
    return page(
        call,
        select=_SELECT,
        table="w",
        where=Where(),
        item=_webhook,
        limits=_LIMITS,
        elided=("links", "meta", "status"),
    )


def get_webhook(call: Call) -> Answer:
    """Serve `webhooks.get`."""
    return data(_webhook(_at_path(call)))


def create_webhook(call: Call) -> Answer:
    """Serve `webhooks.create`: the secret is made up and never changes."""
    fields = call.fields
    key = fields.text("key") or generated_key()
    name = _name(fields, required=True)
    url = _url(fields, required=True)
    events = _events(call, fields, required=True)
    active = fields.flag("is_active", default=True)
    fields.settle()
    if call.state.one("SELECT 1 FROM webhooks WHERE key = ?", (key,)):
        raise invalid(
            {"key": ["A webhook with this key exists."]},
            status=call.assumptions.conflict_status,
        )
    seq = call.state.run(
        "INSERT INTO webhooks (key, name, url, events, active, secret)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key, name, url, json.dumps(events), active, generated_key(_SECRET_LENGTH)),
    )
    call.state.note("webhooks.create", key)
    return _single(call, seq)


def update_webhook(call: Call) -> Answer:
    """Serve `webhooks.update`: events replace the list, key and secret stay."""
    row = _at_path(call)
    fields = call.fields
    name, url = _name(fields, required=False), _url(fields, required=False)
    events = _events(call, fields, required=False)
    active = fields.flag("is_active", default=bool(row["active"]))
    fields.settle()
    call.state.run(
        "UPDATE webhooks SET name = coalesce(?, name), url = coalesce(?, url),"
        " events = coalesce(?, events), active = ? WHERE seq = ?",
        (
            name or None,
            url or None,
            None if events is None else json.dumps(events),
            active,
            row["seq"],
        ),
    )
    call.state.note("webhooks.update", row["key"])
    # What waited while it was switched off may go now.
    call.state.outbox_version += 1
    return _single(call, row["seq"])


@deletion
def delete_webhook(call: Call) -> None:
    """Serve `webhooks.delete`."""
    row = _at_path(call)
    call.state.run("DELETE FROM webhooks WHERE seq = ?", (row["seq"],))
    outbox.drop(call.state, row["seq"])
    call.state.note("webhooks.delete", row["key"])


def _name(fields: Fields, *, required: bool) -> str | None:
    name = fields.text("name", required=required)
    if name and len(name) > _NAME_LENGTH:
        fields.refuse("name", f"At most {_NAME_LENGTH} characters are possible.")
    return name


def _url(fields: Fields, *, required: bool) -> str | None:
    url = fields.text("url", required=required)
    if url and not _is_web_address(url):
        fields.refuse("url", "Give a complete web address.")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _events(call: Call, fields: Fields, *, required: bool) -> list[str] | None:
    given, events = fields.value("events"), fields.texts("events")
    if given == [] or (given is None and required):
        fields.refuse("events", "Name at least one event.")
    doubtful = _DOUBTFUL if call.assumptions.doubtful_events == "accept" else ()
    known = (*_EVENTS[call.program.type], *doubtful)
    for position, event in enumerate(events or []):
        if event not in known:
            reason = "Programs of this type have no such event."
            fields.refuse(f"events.{position}", reason)
    return events


def _at_path(call: Call) -> sqlite3.Row:
    row = call.state.one(f"{_SELECT} WHERE w.key = ?", (call.target,))
    if row is None:
        raise Refusal(404, "No webhook has this key.")
    return row


def _single(call: Call, seq: int) -> Answer:
    (row,) = call.state.rows(f"{_SELECT} WHERE w.seq = ?", (seq,))
    return data(_webhook(row))


def _webhook(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "key": row["key"],
        "name": row["name"],
        "url": row["url"],
        "is_active": bool(row["active"]),
        "signature": row["secret"],
        "events": json.loads(row["events"]),
    }


ROUTES = table(
    EVERY,
    [
        ("webhooks.list", "GET", "/webhooks", list_webhooks),
        ("webhooks.get", "GET", "/webhooks/{key}", get_webhook),
        ("webhooks.create", "POST", "/webhooks", create_webhook),
        ("webhooks.update", "PUT", "/webhooks/{key}", update_webhook),
        ("webhooks.delete", "DELETE", "/webhooks/{key}", delete_webhook),
    ],
)
