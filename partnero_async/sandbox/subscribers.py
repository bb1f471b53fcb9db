"""Subscribers of a newsletter program: they bring in others by their share link."""

import sqlite3
from typing import Any

from . import answers, outbox
from .calls import Answer, Call, data, deletion, identifier, updated_members
from .checks import Fields, Refusal, invalid
from .paging import WHOLE, Limits, Where, page, search
from .routing import NEWSLETTER, table
from .state import generated_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscribers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT,
    email TEXT NOT NULL COLLATE NOCASE,
    name TEXT,
    tos INTEGER,
    marketing_consent INTEGER,
    approved INTEGER NOT NULL,
    status TEXT NOT NULL,
    referring INTEGER,
    token TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS subscriber_id ON subscribers (id)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS subscriber_email ON subscribers (email)
    WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS subscriber_referring ON subscribers (referring);
"""

_SELECT = (
    "SELECT b.*, (SELECT count(*) FROM subscribers f"
    " WHERE f.referring = b.seq AND f.deleted_at IS NULL) AS referrals_count"
    " FROM subscribers b"
)
_IDENTIFIERS = {
    "id": f"{_SELECT} WHERE b.deleted_at IS NULL AND b.id = ?",
    "email": f"{_SELECT} WHERE b.deleted_at IS NULL AND b.email = ?",
}
_CRITERIA = {"id": "{}(b.id, ?)", "email": "{}(b.email, ?)"}
_REFER_STATUSES = {
    "referred": "b.referring IS NOT NULL",
    "non_referred": "b.referring IS NULL",
}
_STATUSES = ("active", "rejected", "suspended")
_LIMITS = Limits(default=10, least=10)
_UNKNOWN = "No subscriber is called that."


def list_subscribers(call: Call) -> Answer:
    """Serve `subscribers.list`.

    Also `subscribers.get`, when an id or an e-mail comes along: the PHP library leaves
    the end of the path empty and puts the e-mail into the body.
    """
    if not {"id", "identifier", "email"}.isdisjoint(call.arguments):
        return data(_shape(call, _named(call)))
    where = Where()
    status = str(call.arguments.get("refer_status", ""))
    if status:
        if status not in _REFER_STATUSES:
            texts = ["Either referred or non_referred is expected."]
            raise invalid({"refer_status": texts})
        where.add(_REFER_STATUSES[status])
    return _page(call, where, status_shown=False)


def search_subscribers(call: Call) -> Answer:
    """Serve `subscribers.search`."""
    return _page(call, search(call, _CRITERIA), limits=WHOLE, status_shown=True)


def get_subscriber(call: Call) -> Answer:
    """Serve `subscribers.get`, by id or by e-mail."""
    for sql in _IDENTIFIERS.values():
        row = call.state.one(sql, (call.target,))
        if row is not None:
            return data(_shape(call, row))
    raise Refusal(404, _UNKNOWN)


def create_subscriber(call: Call) -> Answer:
    """Serve `subscribers.create`; the library calls the id `identifier`."""
    fields = call.fields
    subscriber_id = fields.text("id") or fields.text("identifier")
    email, name = fields.email("email", required=True), fields.text("name")
    tos, consent = _consent(fields, "tos"), _consent(fields, "marketing_consent")
    approved = fields.flag("approved", default=True)
    status = _status(fields) or "active"
    referring = _referring(call, fields.nested("referral"))
    fields.settle()
    _refuse_taken(call, None, {"id": subscriber_id, "email": email})
    if not subscriber_id and call.assumptions.subscriber_id == "generate":
        subscriber_id = generated_key()
    seq = call.state.run(
        "INSERT INTO subscribers (id, email, name, tos, marketing_consent, approved,"
        " status, referring, token, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            subscriber_id or None,
            email,
            name or None,
            tos,
            consent,
            approved,
            status,
            referring,
            generated_key(),
            call.now,
            call.now,
        ),
    )
    call.state.note("subscribers.create", email)
    _tell(call, "subscriber.created", seq)
    if referring is not None:
        _tell_of_reward(call, referring)
    return data(_shape(call, _by_seq(call, seq)))


def update_subscriber(call: Call) -> Answer:
    """Serve `subscribers.update`, in the envelope or flat."""
    row = _named(call)
    by_id = call.body.get("id") or call.body.get("identifier")
    names = ("id", "identifier") if by_id else ("email",)
    changes = updated_members(call, identifiers=names)
    subscriber_id, email = changes.text("identifier"), changes.email("email")
    name, status = changes.text("name"), _status(changes)
    tos, consent = _consent(changes, "tos"), _consent(changes, "marketing_consent")
    approved = _consent(changes, "approved")
    changes.settle()
    _refuse_taken(call, row["seq"], {"id": subscriber_id, "email": email})
    call.state.run(
        "UPDATE subscribers SET id = coalesce(?, id), email = coalesce(?, email),"
        " name = nullif(coalesce(?, name), ''), tos = coalesce(?, tos),"
        " marketing_consent = coalesce(?, marketing_consent),"
        " approved = coalesce(?, approved), status = coalesce(?, status),"
        " updated_at = ? WHERE seq = ?",
        (
            subscriber_id or None,
            email or None,
            name,
            tos,
            consent,
            approved,
            status,
            call.now,
            row["seq"],
        ),
    )
    call.state.note("subscribers.update", row["email"])
    _tell(call, "subscriber.updated", row["seq"])
    return data(_shape(call, _by_seq(call, row["seq"])))


@deletion
def delete_subscriber(call: Call) -> None:
    """Serve `subscribers.delete`, by id or by e-mail in the body."""
    row = _named(call)
    call.state.run(
        "UPDATE subscribers SET deleted_at = ? WHERE seq = ?", (call.now, row["seq"])
    )
    call.state.note("subscribers.delete", row["email"])
    _tell(call, "subscriber.deleted", row["seq"])


def _tell(call: Call, event: str, seq: int) -> None:
    outbox.start(call, event, lambda: _shape(call, _by_seq(call, seq)))


def _tell_of_reward(call: Call, seq: int) -> None:
    """Start an event when a subscriber has referred as many as a reward asks for."""
    count = _by_seq(call, seq)["referrals_count"]
    if call.state.one("SELECT 1 FROM rewards WHERE subscriber_count = ?", (count,)):
        _tell(call, "subscriber.rewarded", seq)


def _page(
    call: Call, where: Where, *, limits: Limits = _LIMITS, status_shown: bool
) -> Answer:
    if not call.assumptions.deleted_listed:
        where.add("b.deleted_at IS NULL")
    return page(
        call,
        select=_SELECT,
        table="b",
        where=where,
        item=lambda row: _shape(call, row),
        limits=limits,
        elided=("links", "meta") if status_shown else ("links", "meta", "status"),
    )


def _shape(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Shape a subscriber; `reward` was only ever seen empty."""
    website = call.program.website
    dates = {"updated_at": row["updated_at"], "deleted_at": row["deleted_at"]}
    return {
        "id": row["id"],
        **answers.texts(row, ("name",), call.assumptions),
        "email": row["email"],
        "is_referred": row["referring"] is not None,
        "tos": _given(call, row["tos"]),
        "marketing_consent": _given(call, row["marketing_consent"]),
        "status": row["status"].capitalize(),
        "approved": bool(row["approved"]),
        "portal_link": f"{website}/portal/{row['token']}",
        "share_link": f"{website}/share/{row['token']}",
        "referrals_count": row["referrals_count"],
        "reward": [],
        "created_at": row["created_at"],
        **(dates if call.assumptions.dated_subscribers else {}),
    }


def _given(call: Call, consent: int | None) -> bool | None:
    if consent is None and call.assumptions.absent_consent == "null":
        return None
    return bool(consent)


def _consent(fields: Fields, name: str) -> bool | None:
    if fields.value(name) is None:
        return None
    return fields.flag(name, default=False)


def _status(fields: Fields) -> str | None:
    status = (fields.text("status") or "").lower()
    if status and status not in _STATUSES:
        fields.refuse("status", f"One of {', '.join(_STATUSES)} is expected.")
    return status or None


def _referring(call: Call, reference: Fields) -> int | None:
    """Find who referred a subscriber; unknown ones are refused like partner keys."""
    given = identifier(reference, _IDENTIFIERS)
    if given is None:
        return None
    row = call.state.one(_IDENTIFIERS[given[0]], given[1:])
    if row is None:
        raise Refusal(400, f"The referral {given[0]} is not valid.")
    return int(row["seq"])


def _named(call: Call) -> sqlite3.Row:
    given = {**call.body, **call.arguments}
    fields = Fields({**given, "id": given.get("id") or given.get("identifier")})
    named = identifier(fields, _IDENTIFIERS)
    if named is None:
        fields.refuse("id", "Name a subscriber by id or e-mail.")
    fields.settle()
    name, value = named or ("id", "")
    row = call.state.one(_IDENTIFIERS[name], (value,))
    if row is None:
        raise Refusal(404, _UNKNOWN)
    return row


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE b.seq = ?", (seq,))
    return row


def _refuse_taken(call: Call, seq: int | None, values: dict[str, str | None]) -> None:
    errors: dict[str, list[str]] = {}
    for name, value in values.items():
        owner = call.state.one(_IDENTIFIERS[name], (value,)) if value else None
        if owner is not None and owner["seq"] != seq:
            errors[name] = [f"This {'e-mail' if name == 'email' else name} is in use."]
    if errors:
        raise invalid(errors, status=call.assumptions.conflict_status)


ROUTES = table(
    NEWSLETTER,
    [
        ("subscribers.list", "GET", "/subscribers", list_subscribers),
        ("subscribers.search", "GET", "/subscribers:search", search_subscribers),
        ("subscribers.get", "GET", "/subscribers/{identifier}", get_subscriber),
        ("subscribers.create", "POST", "/subscribers", create_subscriber),
        ("subscribers.update", "PUT", "/subscribers", update_subscriber),
        ("subscribers.delete", "DELETE", "/subscribers", delete_subscriber),
    ],
)
