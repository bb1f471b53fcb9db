"""The JSON shapes of the API's answers."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from .assumptions import Assumptions
from .calls import Program


def tags(stored: str) -> list[dict[str, str]]:
    """Turn stored tags into objects: they go in as texts and come out like this."""
    return [{"value": value} for value in json.loads(stored)]


def money(amounts: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """List sums by currency."""
    return [{"currency": units, "amount": amounts[units]} for units in sorted(amounts)]


def texts(
    row: sqlite3.Row, names: Sequence[str], assumptions: Assumptions
) -> dict[str, Any]:
    """Take *names* of a row, with what the assumptions say about absent texts."""
    absent = "" if assumptions.absent_text == "empty" else None
    return {
        name: absent if row[name] is None else row[name]
        for name in names
        if row[name] is not None or assumptions.absent_text != "missing"
    }


def link_prefix(domain: int | None, program: Program) -> str:
    """Return what a key is appended to; *domain* None means the website itself."""
    label = program.assumptions.link_subdomains.get(domain or 0)
    website = program.website
    if label is not None:
        website = website.replace("://", f"://{label}.", 1)
    return parameter_of(website, "aff")


def parameter_of(website: str, name: str) -> str:
    """Return the URL of *website* up to the value of a further parameter."""
    return f"{website}{'&' if '?' in website else '?'}{name}="


def link_url(row: sqlite3.Row, program: Program) -> str:
    """Return the address of a link: the one that was set, or the one its key makes."""
    made = link_prefix(row["domain"], program) + quote(row["key"], safe="")
    return str(row["url"] or made)


def partner_item(
    row: sqlite3.Row, *, key: str | None, assumptions: Assumptions
) -> dict[str, Any]:
    """Shape a partner in a list: without tags, links, counters and statistics."""
    item: dict[str, Any] = {
        "email": row["email"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "id": row["id"],
        **texts(row, ("name", "surname"), assumptions),
        "approved": True,
        "status": "deleted" if row["gone"] else row["status"],
        "custom_fields": [],
    }
    if assumptions.legacy_partner_key:
        item["key"] = key
    return item


def partner(
    row: sqlite3.Row,
    *,
    links: Sequence[sqlite3.Row],
    referrals: int,
    program: Program,
) -> dict[str, Any]:
    """Shape a partner as creation and update answer it, with the default link first."""
    key = links[0]["key"] if links else None
    urls = [link_url(link, program) for link in links]
    return {
        **partner_item(row, key=key, assumptions=program.assumptions),
        "tos": False,
        "referrals_count": referrals,
        "tags": tags(row["tags"]),
        "referral_link": urls[0] if urls else None,
        "referral_links": urls,
    }


def customer(
    row: sqlite3.Row, *, full: bool, assumptions: Assumptions
) -> dict[str, Any]:
    """Shape a customer; only the *full* one has status and tags.

    The row joins the id of the partner as `partner_id`.
    """
    gone = row["deleted_at"] is not None
    short = {
        "key": row["key"],
        "partner": row["partner_id"],
        "deleted": gone,
        **texts(row, ("name", "surname", "email"), assumptions),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": row["deleted_at"],
    }
    if full:
        short |= {"status": row["status"], "tags": tags(row["tags"])}
    return short


def sale(row: sqlite3.Row) -> dict[str, Any]:
    """Shape a sale with its rewards; an archived sale shows when, its rewards do not.

    The row joins the partner's id as `partner_id`, the customer's key as
    `customer_key` and the partners and amounts of its rewards as `rewards`.
    """
    shared = {
        "key": row["key"],
        "action": row["action"],
        "customer": row["customer_key"],
        "credit": False,
        "is_currency": True,
        "amount_units": row["units"],
        "created_at": row["created_at"],
    }
    rewards = [
        {
            **shared,
            "partner": partner_id,
            "amount": Decimal(amount),
            "status": "ok",
            "deleted_at": row["deleted_at"] if row["gone"] else None,
            "product_type_data": json.loads(row["product"]),
        }
        for partner_id, amount in json.loads(row["rewards"])
    ]
    return {
        **shared,
        "partner": row["partner_id"],
        "amount": Decimal(row["amount"]),
        "deleted_at": row["deleted_at"],
        "rewards": rewards,
    }
