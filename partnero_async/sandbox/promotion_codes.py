"""Promotion codes: what customers type in, each under a coupon."""

import sqlite3
from typing import Any

import attrs

from .calls import Answer, Call, data, deletion
from .checks import Fields, Refusal, as_list, as_object, invalid
from .codes import (
    merged,
    metadata,
    pack,
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
CREATE TABLE IF NOT EXISTS promotion_codes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL,
    coupon INTEGER NOT NULL,
    terms TEXT NOT NULL,
    partner_id TEXT,
    metadata TEXT NOT NULL,
    redemptions TEXT NOT NULL DEFAULT '[]',
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS promotion_code ON promotion_codes (code)
    WHERE gone = 0;
CREATE INDEX IF NOT EXISTS promotion_code_coupon ON promotion_codes (coupon);
"""

_SELECT = "SELECT p.* FROM promotion_codes p"
_LENGTH = 100
_COUPON_SHORT = (
    "coupon_discount_type",
    "coupon_discount_amount",
    "coupon_duration_type",
    "coupon_duration_value",
)


@attrs.frozen(kw_only=True)
class PromotionCode:
    """What a body says about a code; *partner_id* is whom it is limited to."""

    code: str
    terms: dict[str, Any]
    partner_id: str | None
    metadata: dict[str, Any]


def list_codes(call: Call) -> Answer:
    """Serve `promotion_codes.list`."""
    where = Where()
    if not call.assumptions.deleted_listed:
        where.add("p.gone = 0")
    return page(
        call,
        select=_SELECT,
        table="p",
        where=where,
        item=lambda row: shape(call, row),
    )


def get_code(call: Call) -> Answer:
    """Serve `promotion_codes.get`, with the coupon in short."""
    row = _find(call, call.target)
    (coupon,) = call.state.rows("SELECT * FROM coupons WHERE seq = ?", (row["coupon"],))
    terms = unpack(coupon["terms"])
    short = {
        "name": coupon["name"],
        "uuid_code": coupon["code"],
        "active": bool(coupon["active"]),
        **{name: terms[name] for name in _COUPON_SHORT},
        "created_at": coupon["created_at"],
        "updated_at": coupon["updated_at"],
    }
    return data({**shape(call, row), "coupon": short})


def create_code(call: Call) -> Answer:
    """Serve `promotion_codes.create`; the oldest form names the coupon by number."""
    fields = call.fields
    code = read(fields)
    number = read_whole(fields, "coupon_id")
    uuid = fields.text("coupon_uuid", required=number is None)
    fields.settle()
    coupon = call.state.one(
        "SELECT seq FROM coupons WHERE gone = 0 AND (code = ? OR seq = ?)",
        (uuid, None if uuid else number),
    )
    if coupon is None:
        raise Refusal(404, "No coupon has this code.")
    seq = add(call, coupon["seq"], code)
    call.state.note("promotion_codes.create", code.code)
    return _stored(shape(call, _by_seq(call, seq)))


def update_code(call: Call) -> Answer:
    """Serve `promotion_codes.update`; the answer alone shows the redemptions."""
    row, fields = _in_path_or_body(call), call.fields
    changes = read_metadata(fields)
    terms = unpack(row["terms"])
    limit = _read_specific(fields, "partner")
    terms |= {name: value for name, value in limit.items() if name in call.body}
    redemptions = redeemed(call, row["redemptions"])
    fields.settle()
    call.state.run(
        "UPDATE promotion_codes SET terms = ?, partner_id = ?, metadata = ?,"
        " redemptions = ? WHERE seq = ?",
        (
            pack(terms),
            _partner_id(terms),
            merged(row["metadata"], changes),
            redemptions,
            row["seq"],
        ),
    )
    call.state.note("promotion_codes.update", row["code"])
    row = _by_seq(call, row["seq"])
    return _stored({**shape(call, row), **usage(row)})


def delete_code(call: Call) -> Answer:
    """Serve `promotion_codes.delete`: for good."""
    return removed(_delete(call), "Promotion code")


@deletion
def _delete(call: Call) -> None:
    coupon = call.fields.nested("coupon")
    uuid = coupon.text("uuid_code", required=call.target is None)
    row = _in_path_or_body(call)
    owner = "SELECT 1 FROM coupons WHERE seq = ? AND code = ?"
    if uuid and call.state.one(owner, (row["coupon"], uuid)) is None:
        raise Refusal(404, "The coupon has no such promotion code.")
    call.state.run("UPDATE promotion_codes SET gone = 1 WHERE seq = ?", (row["seq"],))
    call.state.note("promotion_codes.delete", row["code"])


def read(fields: Fields) -> PromotionCode:
    """Read a code with its limits."""
    code = read_code(fields, "code", longest=_LENGTH)
    terms = {
        "first_time_order": fields.flag("first_time_order", default=False),
        **_read_specific(fields, "partner"),
        **_read_specific(fields, "customer"),
        **read_limit(fields, "minimum_order", read_whole),
        **read_limit(fields, "expiration_date", read_date),
        **read_limit(fields, "redemption_times", read_whole),
    }
    # Accepted, but shown in no answer.
    _read_specific(fields, "subscriber")
    return PromotionCode(
        code=code,
        terms=terms,
        partner_id=_partner_id(terms),
        metadata=read_metadata(fields),
    )


def add(call: Call, coupon: int, code: PromotionCode) -> int:
    """Record a code under a coupon; return its sequence."""
    taken = "SELECT 1 FROM promotion_codes WHERE code = ? AND gone = 0"
    if call.state.one(taken, (code.code,)) is not None:
        raise invalid(
            {"code": ["A promotion code with this code exists."]},
            status=call.assumptions.conflict_status,
        )
    return call.state.run(
        "INSERT INTO promotion_codes (code, coupon, terms, partner_id, metadata)"
        " VALUES (?, ?, ?, ?, ?)",
        (code.code, coupon, pack(code.terms), code.partner_id, pack(code.metadata)),
    )


def items_of(call: Call, coupon: int) -> list[dict[str, Any]]:
    """Shape the codes of a coupon, oldest first."""
    rows = call.state.rows(
        f"{_SELECT} WHERE p.coupon = ? AND p.gone = 0 ORDER BY p.seq", (coupon,)
    )
    return [shape(call, row) for row in rows]


def owner(call: Call, code: str) -> int | None:
    """Return the sequence of the partner whom a code is limited to."""
    row = call.state.one(
        "SELECT e.seq FROM promotion_codes p JOIN partners e ON e.id = p.partner_id"
        " WHERE p.code = ? AND p.gone = 0 AND e.gone = 0",
        (code,),
    )
    return None if row is None else int(row["seq"])


def shape(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Shape a code as lists show it."""
    short = {
        "code": row["code"],
        **unpack(row["terms"]),
        "metadata": metadata(row),
    }
    return short | usage(row) if call.assumptions.full_promotion_codes else short


def _read_specific(fields: Fields, kind: str) -> dict[str, Any]:
    """Read for whom a code is: an object with an id, or a list of such.

    The people are not looked up: whether the id is the one that the API shows or one
    of the dashboard is not known.
    """
    status, name = f"limit_to_specific_{kind}", f"coupon_specific_{kind}s"
    limited = fields.flag(status, default=False)
    value = fields.value(name)
    people = as_list(value) or [value or {}]
    if not all(_is_person(each) for each in people):
        fields.refuse(name, "An object with an id, or a list of such, is expected.")
    if limited and not value:
        fields.refuse(name, "This value is needed.")
    return {status: limited, name: value or []}


def _is_person(value: object) -> bool:
    members = as_object(value)
    if members is None or isinstance(members.get("id"), bool):
        return False
    return isinstance(members.get("id", ""), str | int)


def _partner_id(terms: dict[str, Any]) -> str | None:
    """Return the id of the partner whom a code is limited to, the first of several."""
    value = terms["coupon_specific_partners"]
    people = as_list(value) or [value]
    first = as_object(people[0]) or {}
    if not terms["limit_to_specific_partner"] or "id" not in first:
        return None
    return str(first["id"])


def _in_path_or_body(call: Call) -> sqlite3.Row:
    code = call.target or call.fields.text("code", required=True)
    call.fields.settle()
    return _find(call, code)


def _find(call: Call, code: str | None) -> sqlite3.Row:
    row = call.state.one(f"{_SELECT} WHERE p.code = ? AND p.gone = 0", (code,))
    if row is None:
        raise Refusal(404, "No promotion code has this code.")
    return row


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE p.seq = ?", (seq,))
    return row


def _stored(body: dict[str, Any]) -> Answer:
    message = "Promotion code stored."
    return Answer(200, {"data": body, "status": 1, "message": message})


_EITHER = "/promotion-codes /promotion-codes/{code}"
ROUTES = table(
    EVERY,
    [
        ("promotion_codes.list", "GET", "/promotion-codes", list_codes),
        ("promotion_codes.get", "GET", "/promotion-codes/{code}", get_code),
        (
            "promotion_codes.create",
            "POST",
            "/promotion-codes /promotion-code",
            create_code,
        ),
        ("promotion_codes.update", "PUT", _EITHER, update_code),
        ("promotion_codes.delete", "DELETE", _EITHER, delete_code),
    ],
)
