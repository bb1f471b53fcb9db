"""Partners: created, changed, archived, found, rewarded."""

import json
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from . import answers, commissions, outbox
from .amounts import sums
from .calls import DONE, Answer, Call, data, deletion, identifier, updated_members
from .checks import Fields, Refusal, invalid
from .commissions import Commission
from .paging import Where, page, search
from .routing import AFFILIATE, table
from .state import State, generated_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS partners (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    email TEXT NOT NULL COLLATE NOCASE,
    name TEXT,
    surname TEXT,
    status TEXT NOT NULL,
    tags TEXT NOT NULL,
    referring INTEGER,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS partner_id ON partners (id) WHERE gone = 0;
CREATE UNIQUE INDEX IF NOT EXISTS partner_email ON partners (email) WHERE gone = 0;
"""

_SELECT = "SELECT p.* FROM partners p"
# Which of several identifiers counts: id over key is documented for referring
# customers only, the rest is read the same way.
_IDENTIFIERS = {
    "id": f"{_SELECT} WHERE p.gone = 0 AND p.id = ?",
    "key": f"{_SELECT} JOIN links l ON l.partner = p.seq "
    "WHERE p.gone = 0 AND l.key = ?",
    "email": f"{_SELECT} WHERE p.gone = 0 AND p.email = ?",
}
_CRITERIA = {
    "id": "{}(p.id, ?)",
    "key": "EXISTS (SELECT 1 FROM links l WHERE l.partner = p.seq AND {}(l.key, ?))",
    "email": "{}(p.email, ?)",
    "name": "{}(p.name, ?)",
}
PARTNER_FILTERS: Mapping[str, str] = {
    "partner_id": "(p.id = ? AND p.gone = 0)",
    "partner_key": "p.seq = (SELECT l.partner FROM links l WHERE l.key = ?)",
    "partner_email": "(p.email = ? AND p.gone = 0)",
}
"""How lists that join partners as `p` are narrowed to one of them."""
# What the event of a new partner has, as documented; the others have it whole.
_ANNOUNCED = ("id", "email", "name", "surname", "created_at", "referral_link")
_SIGN_IN_SECONDS = 120
_SIGN_IN_RANGE = range(30, 901)
_CENT = Decimal("0.01")


def list_partners(call: Call) -> Answer:
    """Serve `partners.list`."""
    return _page(call, Where())


def search_partners(call: Call) -> Answer:
    """Serve `partners.search`."""
    return _page(call, search(call, _CRITERIA))


def get_partner(call: Call) -> Answer:
    """Serve `partners.get`."""
    return data(_detail(call, partner_at_path(call)))


def find_partner(call: Call) -> Answer:
    """Serve `partners.find`."""
    return data(_detail(call, partner_named(call, Fields(call.arguments))))


def create_partner(call: Call) -> Answer:
    """Serve `partners.create`: approved and active at once, with a default link."""
    fields = call.fields
    email = fields.email("email", required=True)
    partner_id = fields.text("id") or generated_key()
    key = fields.text("key") or generated_key()
    name, surname = fields.text("name"), fields.text("surname")
    tags = fields.texts("tags")
    fields.password("password")
    referring = _referrer(call, fields.nested("referring_partner"))
    fields.settle()
    _refuse_taken(call, None, email=email, key=key, partner_id=partner_id)
    seq = call.state.run(
        "INSERT INTO partners (id, email, name, surname, status, tags, referring,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, 'active', ?, ?, ?, ?)",
        (
            partner_id,
            email,
            name or None,
            surname or None,
            json.dumps(tags or []),
            referring,
            call.now,
            call.now,
        ),
    )
    call.state.run(
        "INSERT INTO links (key, partner, main) VALUES (?, ?, 1)", (key, seq)
    )
    call.state.note("partners.create", partner_id)
    short = _short(call, _by_seq(call.state, seq))
    outbox.start(call, "partner.created", lambda: _announced(short))
    return data(short, status=201)


def update_partner(call: Call) -> Answer:
    """Serve `partners.update`, with or without the envelope and the id in the path."""
    row = _in_path_or_body(call)
    _change(call, row, updated_members(call, identifiers=tuple(_IDENTIFIERS)))
    call.state.note("partners.update", row["id"])
    short = _short(call, _by_seq(call.state, row["seq"]))
    outbox.start(call, "partner.updated", lambda: short)
    return data(short)


@deletion
def delete_partner(call: Call) -> None:
    """Serve `partners.delete`: final; its customers and sales keep its id."""
    row = _in_path_or_body(call)
    seq = row["seq"]
    call.state.run(
        "UPDATE partners SET gone = 1, updated_at = ? WHERE seq = ?", (call.now, seq)
    )
    # Its links are part of what is told about it.
    _tell(call, "partner.deleted", seq)
    call.state.run("DELETE FROM links WHERE partner = ?", (seq,))
    call.state.note("partners.delete", row["id"])


def archive_partner(call: Call) -> Answer:
    """Serve `partners.archive`."""
    row = partner_at_path(call)
    if row["status"] == "archived":
        raise Refusal(400, "The partner cannot be archived.")
    _set_status(call, row, "archived")
    call.state.note("partners.archive", row["id"])
    _tell(call, "partner.archived", row["seq"])
    return DONE


def restore_partner(call: Call) -> Answer:
    """Serve `partners.restore`."""
    row = partner_at_path(call)
    if row["status"] != "archived":
        raise Refusal(400, "The partner is not archived.")
    _set_status(call, row, "active")
    call.state.note("partners.restore", row["id"])
    if call.assumptions.status_events == "updated":
        _tell(call, "partner.updated", row["seq"])
    return DONE


def reward_partner(call: Call) -> Answer:
    """Serve `partners.add_reward`: an amount in the program's currency."""
    fields = call.fields
    amount = fields.number("amount") or Decimal(0)
    moment = fields.moment("date") or call.now
    note = fields.text("note")
    if amount < _CENT or amount != amount.quantize(_CENT):
        fields.refuse("amount", "An amount of 0.01 or more in cents is expected.")
    row = partner_at_path(call)
    fields.settle()
    if row["status"] == "archived":
        raise Refusal(400, "An archived partner cannot be rewarded.")
    units = call.program.currency
    bonus = Commission(partner=row["seq"], amount=amount, units=units)
    commissions.add(call, bonus)
    call.state.note("partners.add_reward", row["id"], amount)
    return data(
        {
            "amount": amount,
            "amount_units": units,
            "note": note,
            "created_at": moment,
        }
    )


def sign_in_url(call: Call) -> Answer:
    """Serve `partners.sign_in_url`: a URL on the made-up website."""
    fields = call.fields
    seconds = fields.integer("expires_in", default=_SIGN_IN_SECONDS)
    if seconds is not None and seconds not in _SIGN_IN_RANGE:
        fields.refuse("expires_in", "From 30 to 900 seconds are possible.")
    key, email = fields.text("key"), fields.text("email")
    if bool(key) == bool(email):
        fields.refuse("key", "Either a key or an e-mail is expected.")
    fields.settle()
    row = partner_named(call, fields)
    if row["status"] == "archived":
        raise Refusal(400, "An archived partner cannot sign in.")
    call.state.note("partners.sign_in_url", row["id"])
    return data(
        {
            "url": f"{call.program.website}/sign-in/{generated_key(24)}",
            "expires_at": call.later(seconds or 0),
        }
    )


def partner_reference(call: Call, reference: Fields) -> sqlite3.Row | None:
    """Find the partner that the body of another object points at.

    Without any identifier the mistake is noted; an unknown one is a refusal with 400.
    """
    given = identifier(reference, _IDENTIFIERS)
    if given is None:
        reference.refuse("key", "Name a partner.")
        return None
    name, value = given
    row = call.state.one(_IDENTIFIERS[name], (value,))
    if row is None:
        raise Refusal(400, f"The partner {name} is not valid.")
    return row


def partner_at_path(call: Call) -> sqlite3.Row:
    """Find the partner of the call by the id in the path."""
    names = ["id", "key"] if call.assumptions.key_in_partner_path else ["id"]
    for name in names:
        row = call.state.one(_IDENTIFIERS[name], (call.target,))
        if row is not None:
            return row
    raise Refusal(404, "No partner has this id.")


def partner_named(call: Call, fields: Fields) -> sqlite3.Row:
    """Find the partner that *fields* name; an unknown one is a refusal with 404."""
    given = identifier(fields, _IDENTIFIERS)
    if given is None:
        fields.refuse("key", "Name a partner by id, key or e-mail.")
    fields.settle()
    name, value = given or ("id", "")
    row = call.state.one(_IDENTIFIERS[name], (value,))
    if row is None:
        raise Refusal(404, f"No partner has this {name}.")
    return row


def _page(call: Call, where: Where) -> Answer:
    if not call.assumptions.deleted_listed:
        where.add("p.gone = 0")
    return page(
        call,
        select="SELECT p.*, (SELECT l.key FROM links l WHERE l.partner = p.seq"
        " AND l.main = 1) AS key FROM partners p",
        table="p",
        where=where,
        item=lambda row: answers.partner_item(
            row, key=row["key"], assumptions=call.assumptions
        ),
    )


def _in_path_or_body(call: Call) -> sqlite3.Row:
    if call.target is not None:
        return partner_at_path(call)
    return partner_named(call, Fields({**call.body, **call.arguments}))


def _by_seq(state: State, seq: int) -> sqlite3.Row:
    (row,) = state.rows(f"{_SELECT} WHERE p.seq = ?", (seq,))
    return row


def _referrer(call: Call, reference: Fields) -> int | None:
    given = identifier(reference, _IDENTIFIERS)
    if given is None:
        return None
    name, value = given
    row = call.state.one(_IDENTIFIERS[name], (value,))
    if row is None:
        raise Refusal(404, "The referring partner does not exist.")
    return int(row["seq"])


def _set_status(call: Call, row: sqlite3.Row, status: str) -> None:
    call.state.run(
        "UPDATE partners SET status = ?, updated_at = ? WHERE seq = ?",
        (status, call.now, row["seq"]),
    )


def _change(call: Call, row: sqlite3.Row, changes: Fields) -> None:
    email, key = changes.email("email"), changes.text("key")
    name, surname = changes.text("name"), changes.text("surname")
    tags = changes.texts("tags")
    changes.password("password")
    changes.settle()
    _refuse_taken(call, row, email=email, key=key)
    call.state.run(
        "UPDATE partners SET email = coalesce(?, email),"
        " name = nullif(coalesce(?, name), ''),"
        " surname = nullif(coalesce(?, surname), ''),"
        " tags = coalesce(?, tags), updated_at = ? WHERE seq = ?",
        (
            email or None,
            name,
            surname,
            None if tags is None else json.dumps(tags),
            call.now,
            row["seq"],
        ),
    )
    if key:
        call.state.run(
            "UPDATE links SET key = ? WHERE partner = ? AND main = 1",
            (key, row["seq"]),
        )


def _refuse_taken(
    call: Call,
    row: sqlite3.Row | None,
    *,
    email: str | None,
    key: str | None,
    partner_id: str | None = None,
) -> None:
    texts = {
        "id": (partner_id, "This id is in use."),
        "key": (key, "This key is in use."),
        "email": (email, "This e-mail is in use."),
    }
    errors: dict[str, list[str]] = {}
    for name, (value, text) in texts.items():
        owner = call.state.one(_IDENTIFIERS[name], (value,)) if value else None
        if owner is not None and (row is None or owner["seq"] != row["seq"]):
            errors[name] = [text]
    # Not even the same partner can have two links with one key.
    if key and call.state.one("SELECT 1 FROM links WHERE key = ? AND main = 0", (key,)):
        errors["key"] = ["This key is in use."]
    if errors:
        raise invalid(errors, status=call.assumptions.conflict_status)


def _links(state: State, seq: int) -> list[sqlite3.Row]:
    return state.rows(
        "SELECT * FROM links WHERE partner = ? ORDER BY main DESC, seq", (seq,)
    )


def _signups(state: State, seq: int) -> int:
    (row,) = state.rows(
        "SELECT count(*) AS signups FROM customers WHERE partner = ? AND gone = 0",
        (seq,),
    )
    return int(row["signups"])


def _short(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return answers.partner(
        row,
        links=_links(call.state, row["seq"]),
        referrals=_signups(call.state, row["seq"]),
        program=call.program,
    )


def _announced(short: Mapping[str, Any]) -> dict[str, Any]:
    return {name: short[name] for name in _ANNOUNCED if name in short}


def _tell(call: Call, event: str, seq: int) -> None:
    outbox.start(call, event, lambda: _short(call, _by_seq(call.state, seq)))


def _detail(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Add the statistics, counted from what happened and is neither hidden nor gone."""
    seq = row["seq"]
    sales = call.state.rows(
        "SELECT amount, units, customer FROM sales"
        " WHERE partner = ? AND gone = 0 AND deleted_at IS NULL",
        (seq,),
    )
    short = _short(call, row)
    return {
        **short,
        "referrals": {
            "clicks": 0,
            "signups": short["referrals_count"],
            "revenue": answers.money(sums([(s["units"], s["amount"]) for s in sales])),
            "sales_count": len(sales),
            "paid_accounts": len({sale["customer"] for sale in sales}),
        },
        "commissions": commissions.balance(call, seq),
        "custom_field_values": [],
    }


# Singular paths are the legacy ones of the vendor's PHP library.
_EITHER = "/partners/{id} /partners /partner"
ROUTES = table(
    AFFILIATE,
    [
        ("partners.list", "GET", "/partners", list_partners),
        ("partners.search", "GET", "/partners:search", search_partners),
        ("partners.get", "GET", "/partners/{id}", get_partner),
        ("partners.find", "GET", "/partner", find_partner),
        ("partners.create", "POST", "/partners /partner", create_partner),
        ("partners.update", "PUT", _EITHER, update_partner),
        ("partners.delete", "DELETE", _EITHER, delete_partner),
        ("partners.archive", "POST", "/partners/{id}/archive", archive_partner),
        ("partners.restore", "POST", "/partners/{id}/revoke-archive", restore_partner),
        ("partners.sign_in_url", "POST", "/partners:sign-in-url", sign_in_url),
        ("partners.add_reward", "POST", "/partners/{id}/reward", reward_partner),
    ],
)
