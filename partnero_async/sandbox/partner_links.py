"""Referral links of partners: a default one from the start, and any number more."""

import sqlite3
from typing import Any
from urllib.parse import urlsplit

from . import answers
from .calls import Answer, Call, Program, data, deletion
from .checks import Fields, Refusal, invalid
from .paging import USUAL, WHOLE, Limits, Where, page, page_of, search
from .partners import partner_at_path, partner_named
from .routing import AFFILIATE, table

SCHEMA = """
CREATE TABLE IF NOT EXISTS links (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    partner INTEGER NOT NULL,
    domain INTEGER,
    url TEXT,
    main INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS link_partner ON links (partner);
"""

_SELECT = "SELECT l.* FROM links l"
# A link's id equals its key in every answer that was published.
_CRITERIA = {"id": "{}(l.key, ?)", "key": "{}(l.key, ?)"}
_DOMAIN_LIMITS = Limits(default=10)
_TAKEN = "This key is in use."


def list_links(call: Call) -> Answer:
    """Serve `partner_links.list`."""
    where = Where()
    where.add("l.partner = ?", partner_at_path(call)["seq"])
    return _page(call, where)


def search_links(call: Call) -> Answer:
    """Serve `partner_links.search`."""
    return _page(call, search(call, _CRITERIA), limits=WHOLE)


def list_domains(call: Call) -> Answer:
    """Serve `partner_links.domains`: the website, and what the dashboard would add."""
    domains = [None, *sorted(call.assumptions.link_subdomains)]
    items = [_domain(each, call.program) for each in domains]
    return page_of(call, items, limits=_DOMAIN_LIMITS, elided=("links", "meta"))


def get_link(call: Call) -> Answer:
    """Serve `partner_links.get`."""
    return data(_link(_at_path(call), call.program))


def create_link(call: Call) -> Answer:
    """Serve `partner_links.create`."""
    fields = call.fields
    key = fields.text("key", required=True) or ""
    domain = _read_domain(call, fields)
    owner = partner_named(call, fields.nested("partner"))
    _refuse_taken(call, key)
    seq = call.state.run(
        "INSERT INTO links (key, partner, domain) VALUES (?, ?, ?)",
        (key, owner["seq"], domain),
    )
    _keep_one_main(call, owner["seq"])
    call.state.note("partner_links.create", key)
    return data(_link(_by_seq(call, seq), call.program), status=201)


def update_link(call: Call) -> Answer:
    """Serve `partner_links.update`; the `id` of the body repeats the one in the path.

    A URL that is set is answered instead of the one that the key makes (assumption).
    """
    row, fields = _at_path(call), call.fields
    key, url = fields.text("key"), fields.text("url")
    main = fields.flag("default", default=bool(row["main"]))
    if row["main"] and not main:
        fields.refuse("default", "Make another link the default one instead.")
    fields.settle()
    if key and key != row["key"]:
        _refuse_taken(call, key)
    call.state.run(
        "UPDATE links SET key = coalesce(?, key), url = nullif(coalesce(?, url), '')"
        " WHERE seq = ?",
        (key or None, url, row["seq"]),
    )
    if main:
        call.state.run(
            "UPDATE links SET main = (seq = ?) WHERE partner = ?",
            (row["seq"], row["partner"]),
        )
    call.state.note("partner_links.update", row["key"])
    return data(_link(_by_seq(call, row["seq"]), call.program))


@deletion
def delete_link(call: Call) -> None:
    """Serve `partner_links.delete`."""
    row = _at_path(call)
    if row["main"] and not call.assumptions.default_link_deletable:
        raise invalid({"id": ["The default link cannot be deleted."]})
    call.state.run("DELETE FROM links WHERE seq = ?", (row["seq"],))
    _keep_one_main(call, row["partner"])
    call.state.note("partner_links.delete", row["key"])


def _read_domain(call: Call, fields: Fields) -> int | None:
    """Read the id of an additional domain; a text and a number are the same."""
    is_additional = fields.flag("is_additional", default=False)
    if fields.value("domain_id") in (None, ""):
        return None
    domain = fields.integer("domain_id", default=0)
    if domain is not None and domain not in call.assumptions.link_subdomains:
        fields.refuse("domain_id", "No domain has this id.")
    if not is_additional:
        fields.refuse("is_additional", "True is needed with a domain.")
    return domain


def _refuse_taken(call: Call, key: str) -> None:
    if call.state.one(f"{_SELECT} WHERE l.key = ?", (key,)) is not None:
        raise invalid({"key": [_TAKEN]}, status=call.assumptions.conflict_status)


def _keep_one_main(call: Call, partner: int) -> None:
    """Let the oldest link become the default one if there is none."""
    call.state.run(
        "UPDATE links SET main = 1 WHERE seq ="
        " (SELECT seq FROM links WHERE partner = ? ORDER BY main DESC, seq LIMIT 1)",
        (partner,),
    )


def _page(call: Call, where: Where, *, limits: Limits = USUAL) -> Answer:
    return page(
        call,
        select=_SELECT,
        table="l",
        where=where,
        item=lambda row: _link(row, call.program),
        limits=limits,
        elided=("links", "meta"),
    )


def _at_path(call: Call) -> sqlite3.Row:
    row = call.state.one(f"{_SELECT} WHERE l.key = ?", (call.target,))
    if row is None:
        raise Refusal(404, "No link has this id.")
    return row


def _by_seq(call: Call, seq: int) -> sqlite3.Row:
    (row,) = call.state.rows(f"{_SELECT} WHERE l.seq = ?", (seq,))
    return row


def _link(row: sqlite3.Row, program: Program) -> dict[str, Any]:
    return {
        "id": row["key"],
        "key": row["key"],
        "url": answers.link_url(row, program),
        "default": bool(row["main"]),
        "is_additional": row["domain"] is not None,
        "direct_tracking": False,
        "direct_tracking_redirect": False,
        "direct_tracking_redirect_url": None,
    }


def _domain(number: int | None, program: Program) -> dict[str, Any]:
    prefix = answers.link_prefix(number, program)
    return {
        "id": number,
        "domain": urlsplit(prefix).netloc,
        "url": prefix,
        "is_additional": number is not None,
    }


ROUTES = table(
    AFFILIATE,
    [
        ("partner_links.list", "GET", "/partners/{id}/referral_links", list_links),
        ("partner_links.search", "GET", "/partner_referral_links:search", search_links),
        (
            "partner_links.domains",
            "GET",
            "/partner_referral_links:domains /links",
            list_domains,
        ),
        ("partner_links.get", "GET", "/partner_referral_links/{id}", get_link),
        ("partner_links.create", "POST", "/partner_referral_links", create_link),
        ("partner_links.update", "PUT", "/partner_referral_links/{id}", update_link),
        ("partner_links.delete", "DELETE", "/partner_referral_links/{id}", delete_link),
    ],
)
