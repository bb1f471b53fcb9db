"""Leads: submitted for a partner, then converted into a customer or rejected."""

import sqlite3
from decimal import Decimal
from typing import Any

from . import outbox
from .amounts import share
from .calls import Answer, Call, data, deletion
from .checks import Fields, Refusal, as_list, as_object, invalid
from .codes import pack, unpack
from .customers import register
from .paging import Where, page
from .partners import partner_named
from .routing import AFFILIATE, Handler, table
from .sales import record_first_sale
from .state import generated_key

SCHEMA = """
CREATE TABLE IF NOT EXISTS leads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    partner INTEGER NOT NULL,
    answers TEXT NOT NULL,
    status TEXT NOT NULL,
    customer INTEGER,
    created_at TEXT NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0
);
"""

_SELECT = (
    "SELECT l.*, p.id AS partner_id, p.email AS partner_email,"
    " p.name AS partner_name, p.surname AS partner_surname, c.key AS customer_key,"
    " c.name AS customer_name, c.email AS customer_email FROM leads l"
    " JOIN partners p ON p.seq = l.partner LEFT JOIN customers c ON c.seq = l.customer"
)
_FORM: list[dict[str, Any]] = [
    {"id": 1, "type": "input", "title": "Company", "options": []},
    {"id": 2, "type": "checkbox", "title": "Interests", "options": ["one", "many"]},
    {"id": 3, "type": "countries", "title": "Country", "options": []},
]
_QUESTIONS = {str(field["id"]): field["title"] for field in _FORM}
_DAY = len("2026-03-04")
_PER_CENT = Decimal(100)


def list_leads(call: Call) -> Answer:
    """Serve `leads.list`."""
    where = Where()
    if not call.assumptions.deleted_listed:
        where.add("l.gone = 0")
    return page(call, select=_SELECT, table="l", where=where, item=_lead)


def get_lead(call: Call) -> Answer:
    """Serve `leads.get`."""
    return data(_lead(_find(call, call.target)))


def get_details(call: Call) -> Answer:
    """Serve `leads.details`: the form is made up, and no field of it is required.

    A program has the form that was set up in its dashboard, and no operation sets one.
    """
    return data(
        {
            "leads_enabled": "true",
            "program_leads_commission_type": "follow_program_settings",
            "leads_commission": {
                "currency": call.program.currency,
                "commission": share(call.program.commission, _PER_CENT),
                "commission_type": "percent",
            },
            "leads_custom_form_fields": [
                {**field, "text": "", "description": None, "required": False}
                for field in _FORM
            ],
        }
    )


def create_lead(call: Call) -> Answer:
    """Serve `leads.create`."""
    fields = call.fields
    name = fields.text("name", required=True)
    email = fields.email("email", required=True)
    answers = _read_answers(fields)
    partner = partner_named(call, fields.nested("partner"))
    seq = call.state.run(
        "INSERT INTO leads (name, email, partner, answers, status, created_at)"
        " VALUES (?, ?, ?, ?, 'submitted', ?)",
        (name, email, partner["seq"], pack(answers), call.now),
    )
    call.state.note("leads.create", str(seq))
    return data(_told(call, "lead.submitted", seq), status=201)


def convert_lead(call: Call) -> Answer:
    """Serve `leads.convert`: the customer gets the whole name as its name."""
    fields = Fields({**call.body, **call.arguments})
    amount = fields.number("commission_transaction_amount")
    if fields.value("commission_transaction_amount") is None:
        fields.refuse("commission_transaction_amount", "This value is needed.")
    row = _to_be_decided(call, fields)
    key = generated_key()
    customer = register(
        call,
        Fields({"name": row["name"], "email": row["email"]}),
        partner=Fields({"id": row["partner_id"]}),
        key=key,
    )
    record_first_sale(call, Fields({"amount": amount, "action": "sale"}), key=key)
    call.state.run(
        "UPDATE leads SET customer = ? WHERE seq = ?", (customer["seq"], row["seq"])
    )
    return _decide(call, row, "leads.convert", "converted", amount)


def reject_lead(call: Call) -> Answer:
    """Serve `leads.reject`."""
    row = _to_be_decided(call, Fields({**call.body, **call.arguments}))
    return _decide(call, row, "leads.reject", "rejected")


@deletion
def delete_lead(call: Call) -> None:
    """Serve `leads.delete`: the customer it was converted to stays (assumption)."""
    row = _find(call, call.target)
    call.state.run("UPDATE leads SET gone = 1 WHERE seq = ?", (row["seq"],))
    call.state.note("leads.delete", str(row["seq"]))


def _in_transaction(handler: Handler) -> Handler:
    """Make a handler for the GET form of what changes something."""

    def serve(call: Call) -> Answer:
        with call.state.write():
            return handler(call)

    return serve


def _read_answers(fields: Fields) -> dict[str, Any]:
    """Read the answers by the id of their question; unknown questions are kept too."""
    value = fields.value("cfields")
    answers = as_object(value)
    if answers is None and value is not None:
        fields.refuse("cfields", "An object is expected.")
    for name, answer in (answers or {}).items():
        if not all(isinstance(each, str) for each in as_list(answer) or [answer]):
            fields.refuse(f"cfields.{name}", "Text or a list of texts is expected.")
    return answers or {}


def _to_be_decided(call: Call, fields: Fields) -> sqlite3.Row:
    number = fields.integer("id", default=0)
    if fields.value("id") is None:
        fields.refuse("id", "This value is needed.")
    fields.settle()
    row = _find(call, str(number))
    if row["status"] != "submitted":
        raise invalid(
            {"id": [f"The lead is {row['status']} already."]},
            status=call.assumptions.lead_wrong_state,
        )
    return row


def _decide(
    call: Call,
    row: sqlite3.Row,
    operation: str,
    status: str,
    amount: Decimal | None = None,
) -> Answer:
    call.state.run("UPDATE leads SET status = ? WHERE seq = ?", (status, row["seq"]))
    call.state.note(operation, str(row["seq"]), amount)
    return data(_told(call, f"lead.{status}", row["seq"]))


def _told(call: Call, event: str, seq: int) -> dict[str, Any]:
    """Start an event about a lead; return its shape."""
    lead = _lead(_by_seq(call, seq))
    outbox.start(call, event, lambda: lead)
    return lead


def _find(call: Call, number: str | None) -> sqlite3.Row:
    row = call.state.one(
        f"{_SELECT} WHERE CAST(l.seq AS TEXT) = ? AND l.gone = 0", (number,)
    )
    if row is None:
        raise Refusal(404, "No lead has this id.")
    return row


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE l.seq = ?", (seq,))
    return row


def _lead(row: sqlite3.Row) -> dict[str, Any]:
    names = (row["partner_name"], row["partner_surname"])
    converted = {name: row[f"customer_{name}"] for name in ("key", "name", "email")}
    is_open = row["status"] == "submitted"
    return {
        "id": row["seq"],
        "status": row["status"],
        "created_at": row["created_at"][:_DAY],
        "lead_info": {"name": row["name"], "email": row["email"]},
        "converted_to": converted if row["customer"] is not None else None,
        "submitter": {
            "id": row["partner_id"],
            "name": " ".join(name for name in names if name),
            "email": row["partner_email"],
        },
        "submission_form": [
            {"question": "Name", "answer": row["name"]},
            {"question": "Email address", "answer": row["email"]},
            *(
                {"question": _QUESTIONS.get(number, number), "answer": answer}
                for number, answer in unpack(row["answers"]).items()
            ),
        ],
        "can_be_converted": is_open,
        "can_be_rejected": is_open,
    }


# Of two rows for an operation the last one is its main form.
ROUTES = table(
    AFFILIATE,
    [
        ("leads.list", "GET", "/leads", list_leads),
        ("leads.get", "GET", "/leads/{id}", get_lead),
        ("leads.create", "POST", "/leads", create_lead),
        ("leads.convert", "POST", "/leads/convert", convert_lead),
        ("leads.convert", "GET", "/leads/convert", _in_transaction(convert_lead)),
        ("leads.reject", "POST", "/leads/reject", reject_lead),
        ("leads.reject", "GET", "/leads/reject", _in_transaction(reject_lead)),
        ("leads.delete", "DELETE", "/leads/{id}", delete_lead),
        ("leads.details", "GET", "/leads/details", get_details),
    ],
)
