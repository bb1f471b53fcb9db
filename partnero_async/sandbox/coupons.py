"""Coupons: a discount and how long it lasts, with promotion codes under it."""

import sqlite3
from typing import Any

from . import promotion_codes
from .calls import Answer, Call, data, deletion
from .checks import Fields, Refusal, as_list, as_object, invalid
from .codes import (
    merged,
    metadata,
    pack,
    read_choice,
    read_code,
    read_date,
    read_limit,
    read_metadata,
    read_whole,
    redeemed,
    removed,
    unpack,
    usage,
)
from .paging import Where, page
from .routing import EVERY, table

SCHEMA = """
CREATE TABLE IF NOT EXISTS coupons (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    active INTEGER NOT NULL,
    terms TEXT NOT NULL,
    metadata TEXT NOT NULL,
    redemptions TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS coupon_code ON coupons (code) WHERE gone = 0;
"""

_SELECT = "SELECT c.* FROM coupons c"
_LENGTH = 255
_COUNTED_DURATIONS = ("hours", "days", "months", "years")
_DURATIONS = ("once", *_COUNTED_DURATIONS, "lifetime")
_PER_CENT = 100
#: No integration is connected to the program of a sandbox.
_NO_SYNCHRONIZATION = {
    "synchronization_enabled": False,
    "synchronization_successful": False,
    "synchronization_message": "",
}


def list_coupons(call: Call) -> Answer:
    """Serve `coupons.list`."""
    where = Where()
    if not call.assumptions.deleted_listed:
        where.add("c.gone = 0")
    return page(
        call,
        select=_SELECT,
        table="c",
        where=where,
        item=lambda row: _with_codes(call, row),
    )


def get_coupon(call: Call) -> Answer:
    """Serve `coupons.get`."""
    return data(_with_codes(call, _in_path_or_body(call)))


def create_coupon(call: Call) -> Answer:
    """Serve `coupons.create`, with the promotion codes that may come along."""
    fields = Fields({**call.body, "promotion_codes": _codes(call.body)})
    code = read_code(fields, "uuid_code", longest=_LENGTH)
    name = fields.text("name") or code
    active = fields.flag("active", default=True)
    terms, extra = _read_terms(fields), read_metadata(fields)
    codes = fields.items("promotion_codes") if _codes(call.body) else []
    added = [promotion_codes.read(each) for each in codes]
    _refuse_synchronization(fields)
    fields.settle()
    _refuse_taken(call, code)
    seq = call.state.run(
        "INSERT INTO coupons (code, name, active, terms, metadata, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (code, name, active, pack(terms), pack(extra), call.now, call.now),
    )
    for each in added:
        promotion_codes.add(call, seq, each)
    call.state.note("coupons.create", code)
    return _stored(_by_seq(call, seq))


def update_coupon(call: Call) -> Answer:
    """Serve `coupons.update`; code and `active` stay, an ignored redemption too."""
    row, fields = _in_path_or_body(call), call.fields
    name = fields.text("name")
    extra = merged(row["metadata"], read_metadata(fields))
    redemptions = redeemed(call, row["redemptions"])
    _refuse_synchronization(fields)
    fields.settle()
    new = (row["name"] if name is None else name or row["code"], extra, redemptions)
    if new != (row["name"], row["metadata"], row["redemptions"]):
        call.state.run(
            "UPDATE coupons SET name = ?, metadata = ?, redemptions = ?,"
            " updated_at = ? WHERE seq = ?",
            (*new, call.now, row["seq"]),
        )
    call.state.note("coupons.update", row["code"])
    return _stored(_by_seq(call, row["seq"]))


def delete_coupon(call: Call) -> Answer:
    """Serve `coupons.delete`: its promotion codes go with it (assumption)."""
    return removed(_delete(call), "Coupon")


@deletion
def _delete(call: Call) -> None:
    row = _in_path_or_body(call)
    call.state.run(
        "UPDATE coupons SET gone = 1, deleted_at = ? WHERE seq = ?",
        (call.now, row["seq"]),
    )
    call.state.run(
        "UPDATE promotion_codes SET gone = 1 WHERE coupon = ?", (row["seq"],)
    )
    call.state.note("coupons.delete", row["code"])


def _codes(body: dict[str, Any]) -> list[Any]:
    """List the promotion codes to create: objects like those of their own creation.

    The shape is unknown: one object, a list of objects or of codes, and a list in an
    envelope like the one of the answer are understood.
    """
    value = body.get("promotion_codes")
    members = as_object(value) or {}
    items = as_list(members.get("data", value))
    if items is None:
        items = [] if value is None else [value]
    return [{"code": each} if isinstance(each, str) else each for each in items]


def _read_terms(fields: Fields) -> dict[str, Any]:
    kind = read_choice(fields, "coupon_discount_type", ("percent", "static"))
    amount = fields.number("coupon_discount_amount")
    if fields.value("coupon_discount_amount") is None:
        fields.refuse("coupon_discount_amount", "This value is needed.")
    elif amount is not None and amount < 0:
        fields.refuse("coupon_discount_amount", "A negative discount is impossible.")
    elif amount is not None and kind == "percent" and amount > _PER_CENT:
        fields.refuse("coupon_discount_amount", "At most 100 per cent are possible.")
    duration = read_choice(fields, "coupon_duration_type", _DURATIONS)
    value = read_whole(fields, "coupon_duration_value")
    if duration in _COUNTED_DURATIONS and not fields.value("coupon_duration_value"):
        fields.refuse("coupon_duration_value", "This value is needed.")
    return {
        "coupon_discount_type": kind,
        "coupon_discount_amount": amount,
        "coupon_duration_type": duration,
        "coupon_duration_value": value,
        **read_limit(fields, "redemption_specific_date", read_date),
        **read_limit(fields, "redemption_times", read_whole),
    }


def _refuse_synchronization(fields: Fields) -> None:
    sync = fields.nested("sync")
    if sync.text("provider"):
        sync.refuse("provider", "This provider is not connected to the program.")


def _refuse_taken(call: Call, code: str) -> None:
    if call.state.one(f"{_SELECT} WHERE c.code = ? AND c.gone = 0", (code,)):
        raise invalid(
            {"uuid_code": ["A coupon with this code exists."]},
            status=call.assumptions.conflict_status,
        )


def _in_path_or_body(call: Call) -> sqlite3.Row:
    code = call.target or call.fields.text("uuid_code", required=True)
    call.fields.settle()
    row = call.state.one(f"{_SELECT} WHERE c.code = ? AND c.gone = 0", (code,))
    if row is None:
        raise Refusal(404, "No coupon has this code.")
    return row


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE c.seq = ?", (seq,))
    return row


def _shape(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "uuid_code": row["code"],
        "active": bool(row["active"]),
        **unpack(row["terms"]),
        "metadata": metadata(row),
        **usage(row),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": row["deleted_at"],
    }


def _with_codes(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    codes = promotion_codes.items_of(call, row["seq"])
    return {**_shape(row), "promotion_codes": {"data": codes}}


def _stored(row: sqlite3.Row) -> Answer:
    return Answer(
        200,
        {
            "data": _shape(row),
            "status": 1,
            "message": "Coupon stored.",
            **_NO_SYNCHRONIZATION,
        },
    )


_EITHER = "/coupons /coupons/{uuid_code}"
ROUTES = table(
    EVERY,
    [
        ("coupons.list", "GET", "/coupons", list_coupons),
        ("coupons.get", "GET", "/coupons/{uuid_code}", get_coupon),
        ("coupons.create", "POST", "/coupons", create_coupon),
        ("coupons.update", "PUT", _EITHER, update_coupon),
        ("coupons.delete", "DELETE", _EITHER, delete_coupon),
    ],
)
