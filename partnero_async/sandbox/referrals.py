"""Customers of a refer-a-friend program: they refer each other, and have a balance."""

import sqlite3
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from . import answers, outbox
from .amounts import sums
from .calls import DONE, Answer, Call, data, deletion, identifier, updated_members
from .checks import Fields, Refusal, invalid
from .paging import Where, page, search
from .routing import REFER_A_FRIEND, table
from .state import generated_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS referrals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    email TEXT COLLATE NOCASE,
    name TEXT,
    surname TEXT,
    date_of_birth TEXT,
    referring INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS referral_id ON referrals (id) WHERE gone = 0;
CREATE UNIQUE INDEX IF NOT EXISTS referral_email ON referrals (email) WHERE gone = 0;
CREATE INDEX IF NOT EXISTS referral_referring ON referrals (referring);
CREATE TABLE IF NOT EXISTS referral_links (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    customer INTEGER NOT NULL,
    main INTEGER NOT NULL DEFAULT 0,
    additional INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS referral_link_customer ON referral_links (customer);
CREATE TABLE IF NOT EXISTS referral_sales (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT,
    action TEXT,
    amount TEXT NOT NULL,
    units TEXT NOT NULL,
    referrer INTEGER,
    buyer INTEGER,
    reward TEXT,
    created_at TEXT NOT NULL,
    deleted_at TEXT
);
CREATE INDEX IF NOT EXISTS referral_sale_key ON referral_sales (key);
CREATE INDEX IF NOT EXISTS referral_sale_referrer ON referral_sales (referrer);
CREATE INDEX IF NOT EXISTS referral_sale_buyer ON referral_sales (buyer);
CREATE TABLE IF NOT EXISTS credits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    customer INTEGER NOT NULL,
    amount TEXT NOT NULL,
    units TEXT NOT NULL,
    is_currency INTEGER NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS credit_customer ON credits (customer);
"""

_SELECT = (
    "SELECT r.*, g.id AS referring_id, (SELECT count(*) FROM referrals f"
    " WHERE f.referring = r.seq AND f.gone = 0) AS referrals_count"
    " FROM referrals r LEFT JOIN referrals g ON g.seq = r.referring"
)
# Documented for referring customers: the id wins over the key.
_IDENTIFIERS = {
    "id": f"{_SELECT} WHERE r.gone = 0 AND r.id = ?",
    "key": f"{_SELECT} JOIN referral_links l ON l.customer = r.seq"
    " WHERE r.gone = 0 AND l.key = ?",
    "email": f"{_SELECT} WHERE r.gone = 0 AND r.email = ?",
}
_CRITERIA = {
    "id": "{}(r.id, ?)",
    "key": "EXISTS (SELECT 1 FROM referral_links l WHERE l.customer = r.seq"
    " AND {}(l.key, ?))",
    "email": "{}(r.email, ?)",
}
_STATUSES = {"referred": "r.referring NOTNULL", "non_referred": "r.referring ISNULL"}


def list_referrals(call: Call) -> Answer:
    """Serve `referrals.list`."""
    where = Where()
    status = str(call.arguments.get("refer_status", ""))
    if status:
        if status not in _STATUSES:
            texts = ["Either referred or non_referred is expected."]
            raise invalid({"refer_status": texts})
        where.add(_STATUSES[status])
    return _page(call, where)


def search_referrals(call: Call) -> Answer:
    """Serve `referrals.search`."""
    return _page(call, search(call, _CRITERIA))


def get_referral(call: Call) -> Answer:
    """Serve `referrals.get`."""
    return data(shape(call, at_path(call)))


def create_referral(call: Call) -> Answer:
    """Serve `referrals.create`: referred by somebody or by nobody."""
    return data(shape(call, register(call, call.fields)))


def update_referral(call: Call) -> Answer:
    """Serve `referrals.update`, in all of its forms."""
    row = at_path(call) if call.target is not None else _named(call)
    changes = updated_members(call, identifiers=("id", "key"))
    email, name = changes.email("email"), changes.text("name")
    surname, birth = changes.text("surname"), _date_of_birth(changes)
    changes.settle()
    _refuse_taken(call, row["seq"], {"email": email})
    call.state.run(
        "UPDATE referrals SET email = nullif(coalesce(?, email), ''),"
        " name = nullif(coalesce(?, name), ''),"
        " surname = nullif(coalesce(?, surname), ''),"
        " date_of_birth = coalesce(?, date_of_birth), updated_at = ? WHERE seq = ?",
        (email, name, surname, birth, call.now, row["seq"]),
    )
    call.state.note("referrals.update", row["id"])
    tell(call, "customer.updated", row["seq"])
    return data(shape(call, by_seq(call, row["seq"])))


@deletion
def delete_referral(call: Call) -> None:
    """Serve `referrals.delete`: what it bought and what that earned goes with it."""
    row = at_path(call)
    seq = row["seq"]
    call.state.run(
        "UPDATE referrals SET gone = 1, deleted_at = ? WHERE seq = ?", (call.now, seq)
    )
    call.state.run(
        "UPDATE referral_sales SET deleted_at = ?"
        " WHERE buyer = ? AND deleted_at ISNULL",
        (call.now, seq),
    )
    # Its links are part of what is told about it.
    tell(call, "customer.deleted", seq)
    call.state.run("DELETE FROM referral_links WHERE customer = ?", (seq,))
    call.state.note("referrals.delete", row["id"])


def archive_referral(call: Call) -> Answer:
    """Serve `referrals.archive`: shown as deleted, earns nothing, reversible."""
    return _set_archived(call, "referrals.archive", archived=True)


def restore_referral(call: Call) -> Answer:
    """Serve `referrals.restore`."""
    return _set_archived(call, "referrals.restore", archived=False)


def list_referred(call: Call) -> Answer:
    """Serve `referrals.referred`: a list that was never published, without pages."""
    rows = call.state.rows(
        f"{_SELECT} WHERE r.gone = 0 AND r.referring = ? ORDER BY r.seq DESC",
        (at_path(call)["seq"],),
    )
    items = [shape(call, row) for row in rows]
    nested = call.assumptions.referred_list == "nested"
    return data({"data": items} if nested else items)


def get_stats(call: Call) -> Answer:
    """Serve `referrals.stats`: an answer that was never published."""
    return data({"referrals_count": at_path(call)["referrals_count"]})


def invite(call: Call) -> Answer:
    """Serve `referrals.invite`: no e-mail leaves this machine."""
    fields = call.fields
    email = fields.email("email", required=True)
    fields.text("name")
    fields.text("surname")
    fields.nested("personalization")
    fields.settle()
    call.state.note("referrals.invite", email)
    return data([])


def get_balance(call: Call) -> Answer:
    """Serve `referrals.balance`."""
    row = at_path(call)
    return data({"customer": shape(call, row), "balance": _balance(call, row["seq"])})


def credit(call: Call) -> Answer:
    """Serve `referrals.credit`: the unit in either case."""
    row, fields = at_path(call), call.fields
    amount, units = fields.number("amount"), fields.text("amount_units", required=True)
    if fields.value("is_currency") is None:
        fields.refuse("is_currency", "This value is needed.")
    is_currency = fields.flag("is_currency", default=True)
    if amount is None or amount <= 0:
        fields.refuse("amount", "An amount above 0 is expected.")
    fields.settle()
    unit = str(units).upper() if is_currency else units
    if call.assumptions.foreign_credit == "refuse" and not (
        is_currency and unit == call.program.currency
    ):
        raise invalid({"amount_units": ["This unit is not set up as a reward."]})
    call.state.run(
        "INSERT INTO credits (customer, amount, units, is_currency, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (row["seq"], str(amount), unit, is_currency, call.now),
    )
    call.state.note("referrals.credit", row["id"], amount)
    tell(call, "customer.credited", row["seq"])
    return data({"balance": _balance(call, row["seq"])})


def register(call: Call, fields: Fields) -> sqlite3.Row:
    """Create a customer from *fields*; what is only given a key has it as its id too.

    The public key is the key of the customer's first link.
    """
    key, customer_id = fields.text("key"), fields.text("id")
    email, name = fields.email("email"), fields.text("name")
    surname, birth = fields.text("surname"), _date_of_birth(fields)
    fields.password("password")
    referring = _referring(call, fields.nested("referring_customer"))
    fields.settle()
    _refuse_taken(call, None, {"id": customer_id, "key": key, "email": email})
    customer_id = customer_id or _free_id(call, key)
    seq = call.state.run(
        "INSERT INTO referrals (id, email, name, surname, date_of_birth, referring,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            customer_id,
            email or None,
            name or None,
            surname or None,
            birth,
            referring,
            call.now,
            call.now,
        ),
    )
    call.state.run(
        "INSERT INTO referral_links (key, customer, main) VALUES (?, ?, 1)",
        (key or generated_key(), seq),
    )
    call.state.note("referrals.create", customer_id)
    tell(call, "customer.created", seq)
    return by_seq(call, seq)


def find(call: Call, given: Mapping[str, Any]) -> sqlite3.Row | None:
    """Find a customer by the id, key or e-mail that an object has, in this order."""
    fields = Fields(given)
    named = identifier(fields, _IDENTIFIERS)
    fields.settle()
    return None if named is None else call.state.one(_IDENTIFIERS[named[0]], named[1:])


def at_path(call: Call) -> sqlite3.Row:
    """Find the customer in the path: by id, or by key as third parties send it."""
    for name in ("id", "key"):
        row = call.state.one(_IDENTIFIERS[name], (call.target,))
        if row is not None:
            return row
    raise Refusal(404, "No customer has this id.")


def by_seq(call: Call, seq: int) -> sqlite3.Row:
    """Read a customer again after a change, deleted ones included."""
    (row,) = call.state.rows(f"{_SELECT} WHERE r.seq = ?", (seq,))
    return row


def shape(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Shape a customer, in lists as well as alone."""
    rows = call.state.rows(
        "SELECT key FROM referral_links WHERE customer = ? ORDER BY main DESC, seq",
        (row["seq"],),
    )
    urls = [link_url(call, link["key"]) for link in rows]
    return {
        "email": row["email"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "id": row["id"],
        **answers.texts(row, ("name", "surname"), call.assumptions),
        "approved": True,
        "status": "active" if row["deleted_at"] is None else "deleted",
        "referring_customer": _referring_shape(call, row),
        "referrals_count": row["referrals_count"],
        "metadata": {"date_of_birth": row["date_of_birth"]},
        "referral_link": urls[0] if urls else "",
        "referral_links": urls,
        "custom_fields": {},
    }


def tell(call: Call, event: str, seq: int) -> None:
    """Start an event about a customer."""
    outbox.start(call, event, lambda: shape(call, by_seq(call, seq)))


def link_url(call: Call, key: str) -> str:
    """Write the URL of a link: its parameter is a setting, `ref` in most examples."""
    prefix = answers.parameter_of(call.program.website, "ref")
    return prefix + quote(key, safe="")


def _referring_shape(call: Call, row: sqlite3.Row) -> dict[str, Any] | None:
    if row["referring"] is None:
        return None
    if call.assumptions.referring_customer == "full":
        return shape(call, by_seq(call, row["referring"]))
    return {"id": row["referring_id"]}


def _page(call: Call, where: Where) -> Answer:
    if not call.assumptions.deleted_listed:
        where.add("r.gone = 0")
    return page(
        call,
        select=_SELECT,
        table="r",
        where=where,
        item=lambda row: shape(call, row),
    )


def _named(call: Call) -> sqlite3.Row:
    row = find(call, {**call.body, **call.arguments})
    if row is None:
        raise Refusal(404, "No customer has this id.")
    return row


def _date_of_birth(fields: Fields) -> str | None:
    metadata = fields.nested("metadata")
    text = metadata.text("date_of_birth")
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        metadata.refuse("date_of_birth", "A date like 1991-07-19 is expected.")
        return None


def _referring(call: Call, reference: Fields) -> int | None:
    given = identifier(reference, ("id", "key"))
    if given is None:
        return None
    row = call.state.one(_IDENTIFIERS[given[0]], given[1:])
    if row is None:
        raise Refusal(400, f"The referring customer {given[0]} is not valid.")
    return int(row["seq"])


def _free_id(call: Call, key: str | None) -> str:
    """Use the key as the id, if nobody else chose it as an id."""
    if key and call.state.one(_IDENTIFIERS["id"], (key,)) is None:
        return key
    return generated_key()


def _refuse_taken(
    call: Call, seq: int | None, values: Mapping[str, str | None]
) -> None:
    errors: dict[str, list[str]] = {}
    for name, value in values.items():
        owner = call.state.one(_IDENTIFIERS[name], (value,)) if value else None
        if owner is not None and owner["seq"] != seq:
            errors[name] = [f"This {'e-mail' if name == 'email' else name} is in use."]
    if errors:
        raise invalid(errors, status=call.assumptions.conflict_status)


def _set_archived(call: Call, operation: str, *, archived: bool) -> Answer:
    row = at_path(call)
    if (row["deleted_at"] is not None) == archived:
        if call.assumptions.repeated_archive == DONE.status:
            return DONE
        state = "archived already" if archived else "not archived"
        raise Refusal(400, f"The customer is {state}.")
    call.state.run(
        "UPDATE referrals SET deleted_at = ?, updated_at = ? WHERE seq = ?",
        (call.now if archived else None, call.now, row["seq"]),
    )
    call.state.note(operation, row["id"])
    if call.assumptions.status_events == "updated":
        tell(call, "customer.updated", row["seq"])
    return DONE


def _balance(call: Call, seq: int) -> dict[str, Any]:
    """Add up credits, and the rewards of sales that are not deleted."""
    money = call.state.rows(
        "SELECT units, amount FROM credits WHERE customer = ? AND is_currency"
        " UNION ALL SELECT units, reward FROM referral_sales"
        " WHERE referrer = ? AND reward NOTNULL AND deleted_at ISNULL",
        (seq, seq),
    )
    other = call.state.rows(
        "SELECT units, amount FROM credits WHERE customer = ? AND NOT is_currency",
        (seq,),
    )
    balance = {"currency": _amounts(money, is_currency=True)}
    # The bucket of what is no money was never shown; there is none by default.
    return balance | ({"other": _amounts(other, is_currency=False)} if other else {})


def _amounts(rows: list[sqlite3.Row], *, is_currency: bool) -> list[dict[str, Any]]:
    totals: Mapping[str, Decimal] = sums([(row[0], row[1]) for row in rows])
    return [
        {"amount": totals[units], "amount_units": units, "is_currency": is_currency}
        for units in sorted(totals)
    ]


_BALANCE = "/customers/{id}/balance"
_RESTORE = "/customers/{id}/revoke-archive"
ROUTES = table(
    REFER_A_FRIEND,
    [
        ("referrals.list", "GET", "/customers", list_referrals),
        ("referrals.search", "GET", "/customers:search", search_referrals),
        ("referrals.get", "GET", "/customers/{id}", get_referral),
        ("referrals.create", "POST", "/customers", create_referral),
        ("referrals.update", "PUT", "/customers/{id} /customers", update_referral),
        ("referrals.delete", "DELETE", "/customers/{id}", delete_referral),
        ("referrals.archive", "POST", "/customers/{id}/archive", archive_referral),
        ("referrals.restore", "POST", _RESTORE, restore_referral),
        ("referrals.referred", "GET", "/customers/{id}/referrals", list_referred),
        ("referrals.stats", "GET", "/customers/{id}/stats", get_stats),
        ("referrals.invite", "POST", "/customers:invite", invite),
        ("referrals.balance", "GET", _BALANCE, get_balance),
        ("referrals.credit", "POST", f"{_BALANCE}/credit", credit),
    ],
)
