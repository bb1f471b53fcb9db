"""Customers: registered with a partner, changed, suspended, archived, deleted."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, cast

from . import answers, outbox
from .calls import DONE, Answer, Call, data, deletion, identifier, updated_members
from .checks import Fields, Refusal, invalid
from .paging import Where, page, search
from .partners import PARTNER_FILTERS, partner_reference
from .routing import AFFILIATE, table

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    email TEXT COLLATE NOCASE,
    name TEXT,
    surname TEXT,
    partner INTEGER NOT NULL,
    status TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS customer_key ON customers (key) WHERE gone = 0;
CREATE INDEX IF NOT EXISTS customer_email ON customers (email);
CREATE INDEX IF NOT EXISTS customer_partner ON customers (partner);
"""

SELECT = (
    "SELECT c.*, p.id AS partner_id FROM customers c JOIN partners p"
    " ON p.seq = c.partner"
)
# An affiliate customer has no id of its own; what is sent as one is read as the key.
_IDENTIFIERS = {
    "id": f"{SELECT} WHERE c.gone = 0 AND c.key = ?",
    "key": f"{SELECT} WHERE c.gone = 0 AND c.key = ?",
    "email": f"{SELECT} WHERE c.gone = 0 AND c.email = ? ORDER BY c.seq DESC",
}
_CRITERIA = {
    "id": "{}(c.key, ?)",
    "key": "{}(c.key, ?)",
    "email": "{}(c.email, ?)",
}


def list_customers(call: Call) -> Answer:
    """Serve `customers.list`."""
    return _page(call, narrowed(call, PARTNER_FILTERS))


def search_customers(call: Call) -> Answer:
    """Serve `customers.search`."""
    return _page(call, search(call, _CRITERIA))


def get_customer(call: Call) -> Answer:
    """Serve `customers.get`."""
    return _single(call, customer_in_path_or_body(call))


def create_customer(call: Call) -> Answer:
    """Serve `customers.create`, flat or in the older {partner, customer} envelope."""
    fields = call.fields
    enveloped = call.body.get("customer") is not None
    customer = fields.nested("customer") if enveloped else fields
    named = fields if not enveloped or call.body.get("partner") else customer
    fields.nested("options").text("referral_url")
    row = register(call, customer, partner=named.nested("partner"))
    return _single(call, row)


def update_customer(call: Call) -> Answer:
    """Serve `customers.update`, in all of its forms."""
    row = customer_in_path_or_body(call)
    changes = updated_members(call, identifiers=tuple(_IDENTIFIERS))
    email, key = changes.email("email"), changes.text("key")
    name, surname = changes.text("name"), changes.text("surname")
    tags = changes.texts("tags")
    changes.settle()
    if key and key != row["key"]:
        _refuse_taken(call, key)
    call.state.run(
        "UPDATE customers SET key = coalesce(?, key),"
        " email = nullif(coalesce(?, email), ''),"
        " name = nullif(coalesce(?, name), ''),"
        " surname = nullif(coalesce(?, surname), ''),"
        " tags = coalesce(?, tags), updated_at = ? WHERE seq = ?",
        (
            key or None,
            email,
            name,
            surname,
            None if tags is None else json.dumps(tags),
            call.now,
            row["seq"],
        ),
    )
    call.state.note("customers.update", row["key"])
    _tell(call, "customer.updated", row["seq"])
    return _single(call, _by_seq(call, row["seq"]))


@deletion
def delete_customer(call: Call) -> None:
    """Serve `customers.delete`: its sales go with it."""
    row = customer_in_path_or_body(call)
    call.state.run(
        "UPDATE customers SET gone = 1, deleted_at = ? WHERE seq = ?",
        (call.now, row["seq"]),
    )
    call.state.run(
        "UPDATE sales SET gone = 1, deleted_at = ? WHERE customer = ? AND gone = 0",
        (call.now, row["seq"]),
    )
    call.state.note("customers.delete", row["key"])
    _tell(call, "customer.deleted", row["seq"])


def suspend_customer(call: Call) -> Answer:
    """Serve `customers.suspend`: later sales earn nothing."""
    return _set_status(call, "customers.suspend", "suspended")


def approve_customer(call: Call) -> Answer:
    """Serve `customers.approve`."""
    return _set_status(call, "customers.approve", "active")


def archive_customer(call: Call) -> Answer:
    """Serve `customers.archive`: shown as deleted, sales earn nothing, reversible."""
    return _set_archived(call, "customers.archive", archived=True)


def restore_customer(call: Call) -> Answer:
    """Serve `customers.restore`."""
    return _set_archived(call, "customers.restore", archived=False)


def register(
    call: Call,
    customer: Fields,
    *,
    partner: Fields,
    key: str | None = None,
) -> sqlite3.Row:
    """Create a customer from *customer* with the partner that *partner* names."""
    key = key or customer.text("key", required=True) or ""
    email = customer.email("email")
    name, surname = customer.text("name"), customer.text("surname")
    tags = customer.texts("tags")
    created_at = customer.moment("created_at") or call.now
    # None is noted as a mistake, so settle raises before it could be used.
    owner = cast("sqlite3.Row", partner_reference(call, partner))
    customer.settle()
    _refuse_taken(call, key)
    seq = call.state.run(
        "INSERT INTO customers (key, email, name, surname, partner, status, tags,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?)",
        (
            key,
            email or None,
            name or None,
            surname or None,
            owner["seq"],
            json.dumps(tags or []),
            created_at,
            call.now,
        ),
    )
    call.state.note("customers.create", key)
    _tell(call, "customer.created", seq)
    return _by_seq(call, seq)


def customer_reference(call: Call, reference: Fields) -> sqlite3.Row | None:
    """Find the customer of a sale; without any identifier the mistake is noted."""
    given = identifier(reference, _IDENTIFIERS)
    if given is None:
        reference.refuse("key", "Name a customer by key, e-mail or id.")
        return None
    name, value = given
    return call.state.one(_IDENTIFIERS[name], (value,))


def customer_in_path_or_body(call: Call) -> sqlite3.Row:
    """Find the customer of the call: by key, or else by e-mail, in the path."""
    if call.target is not None:
        for name in ("key", "email"):
            row = call.state.one(_IDENTIFIERS[name], (call.target,))
            if row is not None:
                return row
        raise Refusal(404, "No customer has this key.")
    fields = Fields({**call.body, **call.arguments})
    row = customer_reference(call, fields)
    fields.settle()
    if row is None:
        raise Refusal(404, "No customer has this key.")
    return row


def narrowed(call: Call, filters: Mapping[str, str]) -> Where:
    """Turn the filters that the call has into conditions."""
    where = Where()
    fields = Fields(call.arguments)
    for name, condition in filters.items():
        value = fields.text(name)
        if value:
            where.add(condition, value)
    fields.settle()
    return where


def _page(call: Call, where: Where) -> Answer:
    if not call.assumptions.deleted_listed:
        where.add("c.gone = 0")
    return page(
        call,
        select=SELECT,
        table="c",
        where=where,
        item=lambda row: answers.customer(
            row,
            full=call.assumptions.full_customer_items,
            assumptions=call.assumptions,
        ),
    )


def _single(call: Call, row: sqlite3.Row) -> Answer:
    return data(_full(call, row))


def _full(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return answers.customer(row, full=True, assumptions=call.assumptions)


def _tell(call: Call, event: str, seq: int) -> None:
    outbox.start(call, event, lambda: _full(call, _by_seq(call, seq)))


def _tell_status(call: Call, seq: int) -> None:
    if call.assumptions.status_events == "updated":
        _tell(call, "customer.updated", seq)


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{SELECT} WHERE c.seq = ?", (seq,))
    return row


def _refuse_taken(call: Call, key: str) -> None:
    if call.state.one(_IDENTIFIERS["key"], (key,)) is not None:
        raise invalid(
            {"key": ["A customer with this key exists."]},
            status=call.assumptions.conflict_status,
        )


def _set_status(call: Call, operation: str, status: str) -> Answer:
    row = customer_in_path_or_body(call)
    if row["status"] == status and call.assumptions.repeated_suspend != DONE.status:
        raise Refusal(400, f"The customer is {status} already.")
    call.state.run(
        "UPDATE customers SET status = ?, updated_at = ? WHERE seq = ?",
        (status, call.now, row["seq"]),
    )
    call.state.note(operation, row["key"])
    _tell_status(call, row["seq"])
    return DONE


def _set_archived(call: Call, operation: str, *, archived: bool) -> Answer:
    row = customer_in_path_or_body(call)
    if (row["deleted_at"] is not None) == archived:
        if call.assumptions.repeated_archive == DONE.status:
            return DONE
        state = "archived already" if archived else "not archived"
        raise Refusal(400, f"The customer is {state}.")
    call.state.run(
        "UPDATE customers SET deleted_at = ?, updated_at = ? WHERE seq = ?",
        (call.now if archived else None, call.now, row["seq"]),
    )
    call.state.note(operation, row["key"])
    _tell_status(call, row["seq"])
    return DONE


# Creation and the list of sales are served by the module of the sales.
_EITHER = "/customers/{key} /customers /customer"
_RESTORE = "/customers/{key}/revoke-archive"
ROUTES = table(
    AFFILIATE,
    [
        ("customers.list", "GET", "/customers", list_customers),
        ("customers.search", "GET", "/customers:search", search_customers),
        ("customers.get", "GET", "/customers/{key} /customer", get_customer),
        ("customers.update", "PUT", _EITHER, update_customer),
        ("customers.delete", "DELETE", _EITHER, delete_customer),
        ("customers.suspend", "POST", "/customers/{key}/suspend", suspend_customer),
        ("customers.approve", "POST", "/customers/{key}/approve", approve_customer),
        ("customers.archive", "POST", "/customers/{key}/archive", archive_customer),
        ("customers.restore", "POST", _RESTORE, restore_customer),
    ],
)
