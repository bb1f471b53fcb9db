"""Payout requests: one covers a partner's whole unpaid balance in one currency.

The amount is what was unpaid at the time of the request and stays that, also when a
sale is archived or deleted afterwards (assumption).
"""

import sqlite3
from decimal import Decimal
from typing import Any

from . import commissions
from .calls import Answer, Call, data
from .checks import Fields, Refusal, as_list, invalid
from .paging import Limits, Where, page
from .partners import PARTNER_FILTERS, partner_named
from .routing import AFFILIATE, table

SCHEMA = """
CREATE TABLE IF NOT EXISTS payouts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    partner INTEGER NOT NULL,
    status TEXT NOT NULL,
    amount TEXT NOT NULL,
    units TEXT NOT NULL,
    gateway TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS payout_partner ON payouts (partner);
"""

_SELECT = (
    "SELECT o.*, p.id AS partner_id, p.email AS partner_email FROM payouts o"
    " JOIN partners p ON p.seq = o.partner"
)
_LIMITS = {"usual": Limits(), "connector": Limits(default=15, least=10, most=100)}
_FILTERS = {
    "amount_units": "o.units = upper(?)",
    **PARTNER_FILTERS,
    "status": "o.status = ?",
}
_STATUSES = (
    "requested",
    "approved",
    "finished",
    "rejected",
    "resubmit_requested",
    "resubmitted",
)
#: What each way of paying needs to know; nothing can be sent for wise.
_SETTINGS = {
    "crypto": ("wallet_address",),
    "paypal": ("username",),
    "venmo": ("name",),
    "wise": (),
}
_VENMO_RECIPIENTS = {"USER_HANDLE": "user_handle", "EMAIL": "email", "PHONE": "phone"}


def list_payouts(call: Call) -> Answer:
    """Serve `payouts.list`."""
    return _page(call, Where())


def search_payouts(call: Call) -> Answer:
    """Serve `payouts.search`: exact, all criteria must match, none finds them all."""
    where, fields = Where(), Fields(call.arguments)
    for name, condition in _FILTERS.items():
        value = fields.text(name)
        if value:
            where.add(condition, value)
    if fields.value("status") not in (None, "", *_STATUSES):
        fields.refuse("status", f"One of {', '.join(_STATUSES)} is expected.")
    fields.settle()
    return _page(call, where)


def get_payout(call: Call) -> Answer:
    """Serve `payouts.get`."""
    return data(_payout(_at_path(call)))


def create_payout(call: Call) -> Answer:
    """Serve `payouts.create`."""
    fields = call.fields
    units = (fields.text("amount_units", required=True) or "").upper()
    gateway = _read_gateway(fields)
    chosen = _read_rewards(call, fields)
    partner = partner_named(call, fields.nested("partner"))
    if partner["status"] != "active":
        raise _impossible(call, "partner", "The partner is not active.")
    gateway = gateway or _saved_gateway(call, partner["seq"])
    covered = [
        row
        for row in commissions.unpaid(call, partner["seq"], units)
        if chosen is None or row["seq"] in chosen
    ]
    amount = commissions.total(covered)
    if amount <= 0:
        raise _impossible(call, "amount_units", "Nothing is unpaid in this currency.")
    seq = call.state.run(
        "INSERT INTO payouts (partner, status, amount, units, gateway, created_at,"
        " updated_at) VALUES (?, 'requested', ?, ?, ?, ?, ?)",
        (partner["seq"], str(amount), units, gateway, call.now, call.now),
    )
    for row in covered:
        call.state.run(
            "UPDATE commissions SET payout = ? WHERE seq = ?", (seq, row["seq"])
        )
    call.state.note("payouts.create", partner["id"], amount)
    return data(_payout(_by_seq(call, seq)))


def approve_payout(call: Call) -> Answer:
    """Serve `payouts.approve`: only while the request waits."""
    row = _at_path(call)
    if row["status"] != "requested":
        raise _wrong_state(call, row, "approved")
    return _move(call, row, "payouts.approve", "approved")


def pay_payout(call: Call) -> Answer:
    """Serve `payouts.mark_as_paid`: only when approved."""
    row = _at_path(call)
    if row["status"] != "approved":
        raise _wrong_state(call, row, "marked as paid")
    call.state.run("UPDATE commissions SET paid = 1 WHERE payout = ?", (row["seq"],))
    return _move(call, row, "payouts.mark_as_paid", "finished")


def _read_gateway(fields: Fields) -> str | None:
    """Read how to pay and what that needs; None if it is left out."""
    gateway = fields.text("gateway") or None
    settings = fields.nested("payout_settings")
    if gateway is None:
        return None
    if gateway not in _SETTINGS:
        fields.refuse("gateway", f"One of {', '.join(_SETTINGS)} is expected.")
        return None
    if gateway == "wise" and fields.value("payout_settings"):
        fields.refuse("payout_settings", "Nothing can be sent for wise.")
    for name in _SETTINGS[gateway]:
        settings.text(name, required=True)
    if gateway == "venmo":
        _read_recipient(settings)
    return gateway


def _read_recipient(settings: Fields) -> None:
    kind = settings.text("recipient_type")
    if kind in _VENMO_RECIPIENTS:
        settings.text(_VENMO_RECIPIENTS[kind], required=True)
    elif kind:
        expected = ", ".join(_VENMO_RECIPIENTS)
        settings.refuse("recipient_type", f"One of {expected} is expected.")


def _read_rewards(call: Call, fields: Fields) -> list[Any] | None:
    """Read the rewards to pay, as numbers in the order in which they were earned.

    No answer shows a reward's number, so this is of use only to a caller who counts.
    """
    value = fields.value("reward_ids")
    chosen = as_list(value)
    if value is None:
        return None
    if not call.assumptions.reward_ids_allowed:
        fields.refuse("reward_ids", "Rewards cannot be chosen in this program.")
    elif chosen is None or not all(type(each) is int for each in chosen):
        fields.refuse("reward_ids", "A list of whole numbers is expected.")
    return chosen


def _saved_gateway(call: Call, partner: int) -> str:
    """Return how the partner was paid last; that counts as the saved way (assumption).

    Partners save one in their portal, which the sandbox does not have.
    """
    row = call.state.one(
        "SELECT gateway FROM payouts WHERE partner = ? ORDER BY seq DESC", (partner,)
    )
    if row is None:
        raise _impossible(call, "gateway", "The partner has no payout details.")
    return str(row["gateway"])


def _impossible(call: Call, name: str, reason: str) -> Refusal:
    return invalid({name: [reason]}, status=call.assumptions.payout_impossible)


def _wrong_state(call: Call, row: sqlite3.Row, action: str) -> Refusal:
    message = f"A payout in status {row['status']} cannot be {action}."
    return Refusal(call.assumptions.payout_wrong_state, message)


def _move(call: Call, row: sqlite3.Row, operation: str, status: str) -> Answer:
    call.state.run(
        "UPDATE payouts SET status = ?, updated_at = ? WHERE seq = ?",
        (status, call.now, row["seq"]),
    )
    call.state.note(operation, str(row["seq"]), Decimal(row["amount"]))
    return data(_payout(_by_seq(call, row["seq"])))


def _page(call: Call, where: Where) -> Answer:
    return page(
        call,
        select=_SELECT,
        table="o",
        where=where,
        item=_payout,
        limits=_LIMITS[call.assumptions.payout_limits],
    )


def _at_path(call: Call) -> sqlite3.Row:
    row = call.state.one(f"{_SELECT} WHERE CAST(o.seq AS TEXT) = ?", (call.target,))
    if row is None:
        raise Refusal(404, "No payout request has this id.")
    return row


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE o.seq = ?", (seq,))
    return row


def _payout(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["seq"],
        "status": row["status"],
        "amount": Decimal(row["amount"]),
        "amount_units": row["units"],
        "gateway": row["gateway"],
        "partner": {"id": row["partner_id"], "email": row["partner_email"]},
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


ROUTES = table(
    AFFILIATE,
    [
        ("payouts.list", "GET", "/payout_requests", list_payouts),
        ("payouts.search", "GET", "/payout_requests:search", search_payouts),
        ("payouts.get", "GET", "/payout_requests/{id}", get_payout),
        ("payouts.create", "POST", "/payout_requests", create_payout),
        ("payouts.approve", "POST", "/payout_requests/{id}/approve", approve_payout),
        (
            "payouts.mark_as_paid",
            "POST",
            "/payout_requests/{id}/mark_as_paid",
            pay_payout,
        ),
    ],
)
