"""Sales (the API's transactions): recorded, paid, archived, deleted."""

import json
import sqlite3
from decimal import Decimal
from typing import Any

import attrs

from . import answers, commissions, outbox, promotion_codes
from .amounts import share
from .calls import DONE, Answer, Call, data, deletion
from .checks import Fields, Refusal, as_list, invalid
from .commissions import Commission
from .customers import (
    create_customer,
    customer_in_path_or_body,
    customer_reference,
    narrowed,
    register,
)
from .paging import Where, page
from .partners import PARTNER_FILTERS
from .routing import AFFILIATE, Route, table
from .state import generated_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS sales (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT,
    action TEXT,
    amount TEXT NOT NULL,
    units TEXT NOT NULL,
    partner INTEGER,
    customer INTEGER,
    product TEXT NOT NULL,
    created_at TEXT NOT NULL,
    deleted_at TEXT,
    gone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS sale_key ON sales (key);
CREATE INDEX IF NOT EXISTS sale_partner ON sales (partner);
CREATE INDEX IF NOT EXISTS sale_customer ON sales (customer);
"""

_SELECT = (
    "SELECT s.*, p.id AS partner_id, c.key AS customer_key,"
    " (SELECT json_group_array(json_array(id, amount)) FROM"
    " (SELECT e.id, m.amount FROM commissions m JOIN partners e ON e.seq = m.partner"
    " WHERE m.sale = s.seq ORDER BY m.seq)) AS rewards FROM sales s"
    " LEFT JOIN partners p ON p.seq = s.partner"
    " LEFT JOIN customers c ON c.seq = s.customer"
)
_FILTERS = {
    "key": "s.key = ?",
    **PARTNER_FILTERS,
    "customer_key": "c.key = ?",
    "customer_id": "c.key = ?",
    "customer_email": "c.email = ?",
}
# An integer that does not fit 64 bits cannot be written as JSON again.
_BIG = 2**63


@attrs.frozen(kw_only=True)
class _Sale:
    """What a body says about one sale."""

    key: str | None
    amount: Decimal
    reward: Decimal | None
    units: str
    action: str | None
    rewarded: bool
    rewardable: bool
    code: str | None
    product: dict[str, Any]
    created_at: str


def list_sales(call: Call) -> Answer:
    """Serve `transactions.list`."""
    return _page(call, narrowed(call, _FILTERS))


def list_sales_of_customer(call: Call) -> Answer:
    """Serve `customers.transactions`."""
    where = Where()
    where.add("s.customer = ?", customer_in_path_or_body(call)["seq"])
    return _page(call, where)


def get_sale(call: Call) -> Answer:
    """Serve `transactions.get`: the newest one, where several share the key."""
    return data(answers.sale(_named(call)[0]))


def create_sale(call: Call) -> Answer:
    """Serve `transactions.create`."""
    fields = call.fields
    sale = _read(call, fields)
    _read_options(fields)
    customer = _customer(call, fields)
    fields.settle()
    return data(_record(call, sale, customer, operation="transactions.create"))


def create_sales(call: Call) -> Answer:
    """Serve `transactions.create_batch`: all of the sales or none."""
    fields = call.fields
    sales = [_read(call, item) for item in batched(call)]
    _read_options(fields)
    customer = _customer(call, fields)
    fields.settle()
    return data(
        [
            _record(call, sale, customer, operation="transactions.create_batch")
            for sale in sales
        ]
    )


def batched(call: Call) -> list[Fields]:
    """Return the sales of a batch, with what such sales may have."""
    sales = call.fields.items("transactions")
    if call.assumptions.batch_sale == "documented":
        return [sale.only("key", "amount", "action") for sale in sales]
    return sales


def create_customer_and_sale(call: Call) -> Answer:
    """Serve `customers.create`, with the first sale that may come along."""
    answer = create_customer(call)
    if call.body.get("transaction") is not None:
        sale = call.fields.nested("transaction")
        record_first_sale(call, sale, key=answer.body["data"]["key"])
    return answer


def record_first_sale(call: Call, fields: Fields, *, key: str) -> None:
    """Record the sale that a customer comes with; *key* is the customer's."""
    sale = _read(call, fields)
    fields.settle()
    customer = customer_reference(call, Fields({"key": key}))
    _record(call, sale, customer, operation="transactions.create")


@deletion
def delete_sale(call: Call) -> None:
    """Serve `transactions.delete`: the commission is reversed with it."""
    for row in _touched(call):
        call.state.run(
            "UPDATE sales SET gone = 1, deleted_at = ? WHERE seq = ?",
            (call.now, row["seq"]),
        )
        call.state.note("transactions.delete", row["key"], Decimal(row["amount"]))
        _tell(call, "transaction.deleted", row["seq"])


def archive_sale(call: Call) -> Answer:
    """Serve `transactions.archive`: hidden with its rewards until restored."""
    return _set_archived(call, "transactions.archive", archived=True)


def restore_sale(call: Call) -> Answer:
    """Serve `transactions.restore`."""
    return _set_archived(call, "transactions.restore", archived=False)


def _read(call: Call, fields: Fields) -> _Sale:
    amount, reward = fields.number("amount"), fields.number("reward")
    if fields.value("amount") is None and fields.value("reward") is None:
        fields.refuse("amount", "An amount or a reward is needed.")
    for name in ("gross_amount", "discount_amount"):
        fields.number(name)
    code = fields.text("discount_code") or None
    fields.text("status")
    key = fields.text("key")
    if not key and call.assumptions.missing_key == "generate":
        key = generated_key()
    return _Sale(
        key=key or None,
        amount=Decimal(0) if amount is None else amount,
        reward=reward,
        units=(fields.text("amount_units") or call.program.currency).upper(),
        action=fields.text("action") or None,
        rewarded=fields.flag("rewarded", default=False),
        rewardable=fields.flag("rewardable", default=True),
        code=code,
        product=_product(fields),
        created_at=fields.moment("created_at") or call.now,
    )


def _product(fields: Fields) -> dict[str, Any]:
    """Read texts, integers, or lists of them; lists come out joined by commas.

    The form of a list in answers is unknown, and an answer is a text or an integer.
    """
    product: dict[str, Any] = {}
    for name in ("product_id", "product_type"):
        value = fields.value(name)
        parts = as_list(value)
        if value in (None, "", []):
            continue
        if not all(_is_text_or_integer(part) for part in parts or [value]):
            fields.refuse(name, "Text, a whole number, or a list is expected.")
        elif parts is None:
            product[name] = value
        else:
            product[name] = ",".join(str(part) for part in parts)
    return product


def _is_text_or_integer(value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < _BIG
    return isinstance(value, str)


def _read_options(fields: Fields) -> None:
    options = fields.nested("options")
    options.flag("create_customer", default=False)
    options.text("referral_url")


def _customer(call: Call, fields: Fields) -> sqlite3.Row | None:
    """Find the buyer, or create it when the options say so; None if unknown."""
    reference = fields.nested("customer")
    row = customer_reference(call, reference)
    fields.settle()
    if row is not None:
        return row
    if fields.nested("options").flag("create_customer", default=False):
        return _new_customer(call, fields, reference)
    if call.assumptions.unknown_customer == "refuse":
        raise invalid({"customer.key": ["No customer has this key."]})
    return None


def _new_customer(call: Call, fields: Fields, customer: Fields) -> sqlite3.Row | None:
    nested = customer.value("partner") is not None
    partner = customer.nested("partner") if nested else fields.nested("partner")
    key = customer.text("key") or customer.text("id") or customer.text("email")
    try:
        return register(call, customer, partner=partner, key=key)
    except Refusal as refusal:
        if refusal.status == 400 and call.assumptions.unknown_partner == "record":
            return None
        raise


def _record(
    call: Call, sale: _Sale, customer: sqlite3.Row | None, *, operation: str
) -> dict[str, Any]:
    if sale.key and call.assumptions.unique_transaction_keys:
        _refuse_taken(call, sale.key)
    seq = call.state.run(
        "INSERT INTO sales (key, action, amount, units, partner, customer,"
        " product, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sale.key,
            sale.action,
            str(sale.amount),
            sale.units,
            None if customer is None else customer["partner"],
            None if customer is None else customer["seq"],
            json.dumps(sale.product),
            sale.created_at,
        ),
    )
    _reward(call, sale, customer, seq)
    call.state.note(operation, sale.key, sale.amount)
    shape = _shape(call, seq)
    outbox.start(call, "transaction.created", lambda: shape)
    for reward in shape["rewards"]:
        _tell_of_reward(call, reward)
    return shape


def _tell_of_reward(call: Call, reward: dict[str, Any]) -> None:
    outbox.start(call, "reward.created", lambda: reward)


def _shape(call: Call, seq: int) -> dict[str, Any]:
    (row,) = call.state.rows(f"{_SELECT} WHERE s.seq = ?", (seq,))
    return answers.sale(row)


def _tell(call: Call, event: str, seq: int) -> None:
    outbox.start(call, event, lambda: _shape(call, seq))


def _reward(call: Call, sale: _Sale, customer: sqlite3.Row | None, seq: int) -> None:
    """Record the commissions of a sale, not rounded; a fixed one is for each earner."""
    amount = sale.reward
    if amount is None:
        amount = share(sale.amount, call.program.commission)
    for partner in _earners(call, sale, customer):
        commissions.add(
            call,
            Commission(
                partner=partner,
                amount=amount,
                units=sale.units,
                sale=seq,
                paid=sale.rewarded,
            ),
        )


def _earners(call: Call, sale: _Sale, customer: sqlite3.Row | None) -> list[int]:
    """Say which partners earn: who referred the customer, whose code was used.

    No source says what a sale with a discount code does to commissions. Here the
    partner whom a promotion code is limited to earns like the referring one, once if
    they are the same; the sale does not redeem the code.
    """
    if not sale.rewardable or (customer is not None and not _is_good(customer)):
        return []
    referring = None if customer is None else _active(call, customer["partner"])
    owner = sale.code and promotion_codes.owner(call, sale.code)
    coupon = _active(call, owner) if owner else None
    match call.assumptions.discount_code_rewards:
        case "both":
            earners = [referring, coupon]
        case "coupon":
            earners = [coupon or referring]
        case _:
            earners = [referring or coupon]
    return list(dict.fromkeys(each for each in earners if each is not None))


def _is_good(customer: sqlite3.Row) -> bool:
    return customer["status"] == "active" and customer["deleted_at"] is None


def _active(call: Call, partner: int) -> int | None:
    row = call.state.one(
        "SELECT seq FROM partners WHERE seq = ? AND status = 'active' AND gone = 0",
        (partner,),
    )
    return None if row is None else int(row["seq"])


def _refuse_taken(call: Call, key: str) -> None:
    if call.state.one("SELECT 1 FROM sales WHERE key = ? AND gone = 0", (key,)):
        raise invalid(
            {"key": ["A transaction with this key exists."]},
            status=call.assumptions.conflict_status,
        )


def _page(call: Call, where: Where) -> Answer:
    if not call.assumptions.deleted_listed:
        where.add("s.gone = 0")
    return page(call, select=_SELECT, table="s", where=where, item=answers.sale)


def _named(call: Call) -> list[sqlite3.Row]:
    """Return the sales under the key of the path or the body, newest first."""
    fields = Fields({**call.body, **call.arguments})
    key = call.target or fields.text("key", required=True)
    fields.settle()
    rows = call.state.rows(
        f"{_SELECT} WHERE s.key = ? AND s.gone = 0 ORDER BY s.seq DESC", (key,)
    )
    if not rows:
        raise Refusal(404, "No transaction has this key.")
    return rows


def _touched(call: Call) -> list[sqlite3.Row]:
    rows = _named(call)
    return rows if call.assumptions.shared_key == "all" else rows[:1]


def _set_archived(call: Call, operation: str, *, archived: bool) -> Answer:
    rows = [row for row in _touched(call) if (row["deleted_at"] is None) == archived]
    if not rows:
        state = "archived already" if archived else "not archived"
        raise Refusal(400, f"The transaction is {state}.")
    for row in rows:
        call.state.run(
            "UPDATE sales SET deleted_at = ? WHERE seq = ?",
            (call.now if archived else None, row["seq"]),
        )
        call.state.note(operation, row["key"], Decimal(row["amount"]))
        _tell(call, "transaction.updated", row["seq"])
    return DONE


_EITHER = "/transactions/{key} /transactions"
_RESTORE = "/transactions/{key}/revoke-archive"
_OF_CUSTOMER = "/customers/{key}/transactions"
ROUTES = table(
    AFFILIATE,
    [
        (
            "customers.create",
            "POST",
            "/customers /customer",
            create_customer_and_sale,
        ),
        ("customers.transactions", "GET", _OF_CUSTOMER, list_sales_of_customer),
        ("transactions.list", "GET", "/transactions", list_sales),
        ("transactions.get", "GET", "/transactions/{key}", get_sale),
        ("transactions.create", "POST", "/transactions", create_sale),
        ("transactions.delete", "DELETE", _EITHER, delete_sale),
        ("transactions.archive", "POST", "/transactions/{key}/archive", archive_sale),
        ("transactions.restore", "POST", _RESTORE, restore_sale),
    ],
)

#: Shares its URL with `transactions.create`; the member `transactions` of the body
#: tells them apart.
BATCH = Route(
    "transactions.create_batch", "POST", ["/transactions"], create_sales, AFFILIATE
)
