"""Referral links of customers in a refer-a-friend program."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from .calls import Answer, Call, data, deletion
from .checks import Fields, Refusal, invalid
from .paging import USUAL, WHOLE, Limits, Where, page, search
from .referrals import at_path, find, link_url
from .routing import REFER_A_FRIEND, table

# The table is there with the customers: everyone has a link from the start.
SCHEMA = ""

_SELECT = (
    "SELECT l.*, r.id AS customer_id FROM referral_links l"
    " JOIN referrals r ON r.seq = l.customer"
)
_CRITERIA = {"id": "{}(l.key, ?)", "key": "{}(l.key, ?)"}
_NOBODY = "No customer is called that."


def list_links(call: Call) -> Answer:
    """Serve `customer_links.list`: oldest last, as everywhere."""
    where = Where()
    where.add("l.customer = ?", at_path(call)["seq"])
    return _page(call, where, elided=("links", "meta", "status"))


def search_links(call: Call) -> Answer:
    """Serve `customer_links.search`; `customer[id]` narrows to one customer."""
    where = search(call, _CRITERIA)
    customer_id = Fields(call.arguments).text("customer_id")
    if customer_id:
        where.add("r.id = ?", customer_id)
    return _page(call, where, limits=WHOLE, elided=("links", "meta"))


def get_link(call: Call) -> Answer:
    """Serve `customer_links.get`."""
    return data(_link(call, _link_at_path(call)))


def create_link(call: Call) -> Answer:
    """Serve `customer_links.create`; camelCase flags of the PHP library are ignored."""
    fields = call.fields
    key = fields.text("key", required=True) or ""
    fields.integer("domain_id", default=0)
    additional = fields.flag("is_additional", default=False)
    owner = find(call, _customer(fields))
    fields.settle()
    if owner is None:
        raise Refusal(404, _NOBODY)
    _refuse_taken(call, key)
    call.state.run(
        "INSERT INTO referral_links (key, customer, additional) VALUES (?, ?, ?)",
        (key, owner["seq"], additional),
    )
    call.state.note("customer_links.create", key)
    return data(_link(call, _by_key(call, key)))


def update_link(call: Call) -> Answer:
    """Serve `customer_links.update`: a flat body; a URL follows from the key."""
    row, fields = _link_at_path(call), call.fields
    key = fields.text("key") or row["key"]
    main = fields.flag("default", default=bool(row["main"]))
    fields.text("url")
    if row["main"] and not main:
        fields.refuse("default", "Make another link the default one instead.")
    fields.settle()
    if key != row["key"]:
        _refuse_taken(call, key)
    call.state.run("UPDATE referral_links SET key = ? WHERE seq = ?", (key, row["seq"]))
    if main:
        call.state.run(
            "UPDATE referral_links SET main = (seq = ?) WHERE customer = ?",
            (row["seq"], row["customer"]),
        )
    call.state.note("customer_links.update", row["key"])
    return data(_link(call, _by_key(call, key)))


@deletion
def delete_link(call: Call) -> None:
    """Serve `customer_links.delete`."""
    row = _link_at_path(call)
    if row["main"] and not call.assumptions.default_link_deletable:
        raise invalid({"id": ["The default link cannot be deleted."]})
    call.state.run("DELETE FROM referral_links WHERE seq = ?", (row["seq"],))
    call.state.run(
        "UPDATE referral_links SET main = 1 WHERE seq = (SELECT seq FROM referral_links"
        " WHERE customer = ? ORDER BY main DESC, seq LIMIT 1)",
        (row["customer"],),
    )
    call.state.note("customer_links.delete", row["key"])


def _customer(fields: Fields) -> dict[str, Any]:
    names = ("id", "key", "email")
    reference = fields.nested("customer")
    given = {name: reference.text(name) for name in names}
    if not any(given.values()):
        reference.refuse("key", "Name a customer by key, e-mail or id.")
    fields.settle()
    return given


def _page(
    call: Call, where: Where, *, limits: Limits = USUAL, elided: Sequence[str]
) -> Answer:
    return page(
        call,
        select=_SELECT,
        table="l",
        where=where,
        item=lambda row: _link(call, row),
        limits=limits,
        elided=elided,
    )


def _refuse_taken(call: Call, key: str) -> None:
    if call.state.one(f"{_SELECT} WHERE l.key = ?", (key,)) is not None:
        status = call.assumptions.conflict_status
        raise invalid({"key": ["This key is in use."]}, status=status)


def _link_at_path(call: Call) -> sqlite3.Row:
    row = call.state.one(f"{_SELECT} WHERE l.key = ?", (call.target,))
    if row is None:
        raise Refusal(404, "No link has this id.")
    return row


def _by_key(call: Call, key: str) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE l.key = ?", (key,))
    return row


def _link(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["key"],
        "key": row["key"],
        "url": link_url(call, row["key"]),
        "default": bool(row["main"]),
        "is_additional": bool(row["additional"]),
        "direct_tracking": False,
        "direct_tracking_redirect": False,
        "direct_tracking_redirect_url": None,
    }


_LINK = "/customer_referral_links/{id}"
_SEARCH = "/customer_referral_links:search"
ROUTES = table(
    REFER_A_FRIEND,
    [
        ("customer_links.list", "GET", "/customers/{id}/referral_links", list_links),
        ("customer_links.search", "GET", _SEARCH, search_links),
        ("customer_links.get", "GET", _LINK, get_link),
        ("customer_links.create", "POST", "/customer_referral_links", create_link),
        ("customer_links.update", "PUT", _LINK, update_link),
        ("customer_links.delete", "DELETE", _LINK, delete_link),
    ],
)
