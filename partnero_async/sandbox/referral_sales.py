"""Sales of a refer-a-friend program: who referred the buyer gets the reward."""

import sqlite3
from decimal import Decimal
from functools import partial
from typing import Any

import attrs

from . import outbox, referrals
from .amounts import add, share
from .calls import Answer, Call, data, deletion
from .checks import Fields, Refusal, invalid
from .paging import Where, page
from .routing import REFER_A_FRIEND, Route, table
from .sales import batched
from .state import generated_key

# The table is there with the customers, whose balance it is a part of.
SCHEMA = ""

_SELECT = (
    "SELECT s.*, g.id AS referrer_id, b.id AS buyer_id FROM referral_sales s"
    " LEFT JOIN referrals g ON g.seq = s.referrer"
    " LEFT JOIN referrals b ON b.seq = s.buyer"
)
_FILTERS = {
    "key": "s.key = ?",
    "customer_id": "b.id = ?",
    "customer_key": "b.seq = (SELECT l.customer FROM referral_links l WHERE l.key = ?)",
    "customer_email": "b.email = ?",
}


@attrs.frozen(kw_only=True)
class _Sale:
    """What a body says about one sale."""

    key: str | None
    amount: Decimal
    units: str
    action: str | None
    rewardable: bool
    created_at: str


def list_sales(call: Call) -> Answer:
    """Serve `transactions.list`: the filters name the buyer."""
    where = Where()
    fields = Fields(call.arguments)
    for name, condition in _FILTERS.items():
        value = fields.text(name)
        if value:
            where.add(condition, value)
    fields.settle()
    if not call.assumptions.deleted_listed:
        where.add("s.deleted_at ISNULL")
    return page(call, select=_SELECT, table="s", where=where, item=_shape)


def get_sale(call: Call) -> Answer:
    """Serve `transactions.get`: the newest one, where several share the key."""
    return data(_shape(_named(call)[0]))


def create_sale(call: Call) -> Answer:
    """Serve `transactions.create`."""
    sale = _read(call, call.fields)
    buyer = _buyer(call, call.fields)
    return data(_record(call, sale, buyer, operation="transactions.create"))


def create_sales(call: Call) -> Answer:
    """Serve `transactions.create_batch`: all of the sales or none."""
    sales = [_read(call, item) for item in batched(call)]
    buyer = _buyer(call, call.fields)
    operation = "transactions.create_batch"
    return data([_record(call, sale, buyer, operation=operation) for sale in sales])


@deletion
def delete_sale(call: Call) -> None:
    """Serve `transactions.delete`: the reward is taken back with it."""
    rows = _named(call)
    for row in rows if call.assumptions.shared_key == "all" else rows[:1]:
        call.state.run(
            "UPDATE referral_sales SET deleted_at = ? WHERE seq = ?",
            (call.now, row["seq"]),
        )
        call.state.note("transactions.delete", row["key"], Decimal(row["amount"]))
        outbox.start(call, "transaction.deleted", partial(_at, call, row["seq"]))


def _read(call: Call, fields: Fields) -> _Sale:
    """Read a sale; `reward` is for affiliate programs only, and has no effect here."""
    amount = fields.number("amount")
    fields.number("reward")
    if fields.value("amount") is None and fields.value("reward") is None:
        fields.refuse("amount", "An amount or a reward is needed.")
    key = fields.text("key")
    if not key and call.assumptions.missing_key == "generate":
        key = generated_key()
    return _Sale(
        key=key or None,
        amount=Decimal(0) if amount is None else amount,
        units=(fields.text("amount_units") or call.program.currency).upper(),
        action=fields.text("action") or None,
        rewardable=fields.flag("rewardable", default=True),
        created_at=fields.moment("created_at") or call.now,
    )


def _buyer(call: Call, fields: Fields) -> sqlite3.Row | None:
    """Find the buyer, or create it when the options say so."""
    options = fields.nested("options")
    options.text("referral_url")
    create = options.flag("create_customer", default=False)
    reference = fields.nested("customer")
    given = {name: reference.text(name) for name in ("id", "key", "email")}
    if not any(given.values()):
        reference.refuse("key", "Name a customer by key, e-mail or id.")
    fields.settle()
    row = referrals.find(call, given)
    if row is None and create:
        row = referrals.register(call, reference)
    return _referred(call, row)


def _referred(call: Call, buyer: sqlite3.Row | None) -> sqlite3.Row | None:
    """Refuse the sale of a customer whom nobody referred: there are none of these."""
    known = buyer is not None and buyer["referring"] is not None
    if not known and call.assumptions.unreferred_sale == "refuse":
        raise invalid({"customer": ["Nobody referred this customer."]})
    return buyer


def _record(
    call: Call, sale: _Sale, buyer: sqlite3.Row | None, *, operation: str
) -> dict[str, Any]:
    if sale.key and call.assumptions.unique_transaction_keys:
        _refuse_taken(call, sale.key)
    reward = _reward(call, sale, buyer)
    seq = call.state.run(
        "INSERT INTO referral_sales (key, action, amount, units, referrer, buyer,"
        " reward, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sale.key,
            sale.action,
            str(sale.amount),
            sale.units,
            None if buyer is None else buyer["referring"],
            None if buyer is None else buyer["seq"],
            None if reward is None else str(reward),
            sale.created_at,
        ),
    )
    call.state.note(operation, sale.key, sale.amount)
    shape = _at(call, seq)
    outbox.start(call, "transaction.created", lambda: shape)
    if reward is not None and buyer is not None:
        referrals.tell(call, "customer.rewarded", buyer["referring"])
    return shape


def _at(call: Call, seq: int) -> dict[str, Any]:
    (row,) = call.state.rows(f"{_SELECT} WHERE s.seq = ?", (seq,))
    return _shape(row)


def _reward(call: Call, sale: _Sale, buyer: sqlite3.Row | None) -> Decimal | None:
    """Work out the reward by the rule of the sandbox; None if the sale earns none."""
    if buyer is None or buyer["referring"] is None or not sale.rewardable:
        return None
    referrer = referrals.by_seq(call, buyer["referring"])
    if buyer["deleted_at"] is not None or referrer["deleted_at"] is not None:
        return None
    rule = call.program.referral_reward
    if rule.first_sale_only and call.state.one(
        "SELECT 1 FROM referral_sales WHERE buyer = ? AND deleted_at ISNULL",
        (buyer["seq"],),
    ):
        return None
    reward = add(share(sale.amount, rule.share), rule.amount)
    return reward or None


def _refuse_taken(call: Call, key: str) -> None:
    sql = "SELECT 1 FROM referral_sales WHERE key = ? AND deleted_at ISNULL"
    if call.state.one(sql, (key,)):
        status = call.assumptions.conflict_status
        raise invalid({"key": ["A transaction with this key exists."]}, status=status)


def _named(call: Call) -> list[sqlite3.Row]:
    """Return the sales under the key of the path or the body, newest first."""
    fields = Fields({**call.body, **call.arguments})
    key = call.target or fields.text("key", required=True)
    fields.settle()
    rows = call.state.rows(
        f"{_SELECT} WHERE s.key = ? AND s.deleted_at ISNULL ORDER BY s.seq DESC", (key,)
    )
    if not rows:
        raise Refusal(404, "No transaction has this key.")
    return rows


def _shape(row: sqlite3.Row) -> dict[str, Any]:
    """Shape a sale: `customer` is the one who referred the buyer.

    The members of a reward were never shown; these follow the affiliate ones.
    """
    shared = {
        "key": row["key"],
        "action": row["action"],
        "amount_units": row["units"],
        "customer": row["referrer_id"],
        "referred_customer": row["buyer_id"],
        "credit": False,
        "is_currency": True,
        "created_at": row["created_at"],
    }
    reward = row["reward"]
    rewards = [{**shared, "status": "ok", "amount": Decimal(reward)}] if reward else []
    return {**shared, "amount": Decimal(row["amount"]), "rewards": rewards}


#: Shares its URL with `transactions.create`; the member `transactions` of the body
#: tells them apart.
BATCH = Route(
    "transactions.create_batch", "POST", ["/transactions"], create_sales, REFER_A_FRIEND
)
_EITHER = "/transactions/{key} /transactions"
# Archiving is documented for affiliate programs only; reading and deleting by key is
# not confirmed for these, and served.
ROUTES = table(
    REFER_A_FRIEND,
    [
        ("transactions.list", "GET", "/transactions", list_sales),
        ("transactions.get", "GET", "/transactions/{key}", get_sale),
        ("transactions.create", "POST", "/transactions", create_sale),
        ("transactions.delete", "DELETE", _EITHER, delete_sale),
    ],
)
