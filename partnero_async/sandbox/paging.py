"""Pages: the range asked for, the rows of it, and the links around it."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import attrs

from .calls import Answer, Call
from .checks import Fields, invalid

# Keeps page and offset inside SQLite's integers; what is that far away is empty anyhow.
_MAX_PAGE = 2**53


class Limits(NamedTuple):
    """How many items a page has; what a few lists do differently."""

    default: int = 15
    least: int = 1
    most: int = 250


USUAL = Limits()
#: For what no pages are documented of: all that is found comes at once.
WHOLE = Limits(default=2**31, most=2**31)


@attrs.define
class Where:
    """Conditions of a query with their values."""

    conditions: list[str] = attrs.Factory(lambda: ["1"])
    values: list[Any] = attrs.Factory(list[Any])

    def add(self, condition: str, *values: Any) -> None:
        """Narrow the query."""
        self.conditions.append(condition)
        self.values.extend(values)


def page(
    call: Call,
    *,
    select: str,
    table: str,
    where: Where,
    item: Callable[[sqlite3.Row], dict[str, Any]],
    limits: Limits = USUAL,
    elided: Sequence[str] = (),
) -> Answer:
    """Answer with one page of *select*, newest first unless `sort` says asc.

    *table* is the alias whose sequence orders the rows. *elided* names the members
    that the published answer of this list does not show.
    """
    limit, number, order = _range(call, limits)
    # One row more than asked for tells whether there is a next page.
    rows = call.state.rows(
        f"{select} WHERE {' AND '.join(where.conditions)} "
        f"ORDER BY {table}.seq {order} LIMIT ? OFFSET ?",
        [*where.values, limit + 1, min((number - 1) * limit, _MAX_PAGE)],
    )
    items = [item(row) for row in rows[:limit]]
    return _answer(
        call,
        items,
        limit=limit,
        number=number,
        more=len(rows) > limit,
        elided=elided,
    )


def page_of(
    call: Call,
    items: Sequence[dict[str, Any]],
    *,
    limits: Limits = USUAL,
    elided: Sequence[str] = (),
) -> Answer:
    """Answer with one page of *items* in the order they have."""
    limit, number, _ = _range(call, limits)
    start, end = (number - 1) * limit, number * limit
    return _answer(
        call,
        items[start:end],
        limit=limit,
        number=number,
        more=len(items) > end,
        elided=elided,
    )


def search(call: Call, columns: dict[str, str]) -> Where:
    """Turn the criteria of a search into conditions; *columns* maps their names.

    A column's text has `{}` where the name of the comparing function is to stand.
    """
    criteria = {n: str(v) for n, v in call.arguments.items() if n in columns}
    if not criteria:
        raise invalid({n: ["Name at least one criterion."] for n in columns})
    assumptions = call.assumptions
    test = "holds" if assumptions.search_match == "partial" else "equals"
    combine = " AND " if assumptions.search_combine == "all" else " OR "
    where = Where()
    where.add(
        "(" + combine.join(columns[n].format(test) for n in criteria) + ")",
        *criteria.values(),
    )
    return where


def _range(call: Call, limits: Limits) -> tuple[int, int, str]:
    fields = Fields(call.arguments)
    limit = _within(call, fields, "limit", limits)
    number = _within(call, fields, "page", Limits(1, 1, _MAX_PAGE))
    order = _order(fields)
    fields.settle()
    return limit, number, order


def _answer(
    call: Call,
    items: Sequence[dict[str, Any]],
    *,
    limit: int,
    number: int,
    more: bool,
    elided: Sequence[str],
) -> Answer:
    offset = (number - 1) * limit
    body = {
        "data": items,
        "links": _links(call, number, more=more),
        "meta": {
            "current_page": number,
            "from": offset + 1 if items else None,
            "path": call.url,
            "per_page": limit,
            "to": offset + len(items) if items else None,
        },
        "status": 1,
    }
    left_out = () if call.assumptions.complete_lists else elided
    return Answer(200, {n: value for n, value in body.items() if n not in left_out})


def _within(call: Call, fields: Fields, name: str, limits: Limits) -> int:
    number = fields.integer(name, default=limits.default)
    if number is None or limits.least <= number <= limits.most:
        return number or limits.default
    if call.assumptions.out_of_range == "refuse":
        reason = f"A number from {limits.least} to {limits.most} is expected."
        fields.refuse(name, reason)
    return min(max(number, limits.least), limits.most)


def _order(fields: Fields) -> str:
    order = str(fields.value("sort") or "desc").upper()
    if order not in {"ASC", "DESC"}:
        fields.refuse("sort", "Either asc or desc is expected.")
    return order


def _links(call: Call, number: int, *, more: bool) -> dict[str, str | None]:
    kept: Sequence[tuple[str, str]] = ()
    if call.assumptions.filters_in_links:
        kept = [pair for pair in call.query.items() if pair[0] != "page"]

    def link(page_number: int) -> str:
        return f"{call.url}?{urlencode([('page', str(page_number)), *kept])}"

    return {
        "first": link(1),
        "last": None,
        "prev": link(number - 1) if number > 1 else None,
        "next": link(number + 1) if more else None,
    }
