"""What can differ between a file of sales and the program, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, Final, Literal, NamedTuple

import attrs

from .plan import Entry
from .sales import unequal
from .store import Sale

__all__ = [
    "NEXT",
    "Difference",
    "DifferenceKind",
    "FileRow",
    "Held",
    "Known",
    "buyer_of",
    "differences",
    "referrer_of",
    "told",
]

DifferenceKind = Literal[
    "missing",
    "several",
    "archived",
    "amount",
    "reward",
    "currency",
    "customer",
    "partner",
    "action",
    "date",
    "surplus",
    "repeated",
    "unreadable",
]
"""In the order of what they mean for the money that partners are paid."""

AGAIN: Final = (
    "a sale cannot be changed: delete it in the dashboard, or with"
    " client.transactions.delete(KEY), and import its row again; its commission may"
    " have been paid already, so look there first"
)

NEXT: Final[Mapping[DifferenceKind, str]] = {
    "missing": (
        "import them: `--missing FILE` writes their rows to a file of their own; an"
        " import looks at what is there before it sends anything"
    ),
    "several": (
        "each pays a commission: delete in the dashboard all but one of a key. A"
        " deletion by key, client.transactions.delete(KEY), may take one of them or"
        " all: reconcile again after it, and import what is missing then"
    ),
    "archived": (
        "they pay nobody: bring them back in the dashboard, or with"
        " client.transactions.restore(KEY), unless it was meant"
    ),
    "amount": AGAIN,
    "reward": AGAIN,
    "currency": AGAIN,
    "customer": (
        "register the customer where it is missing, then delete the sale, and import"
        " its row again: a sale stays with whom it was recorded for"
    ),
    "partner": (
        "see first who brought the customer. A sale stays with the partner it was"
        " recorded for: delete it, and import its row again, once the customer's"
        " partner is the right one"
    ),
    "action": AGAIN,
    "date": AGAIN,
    "surplus": (
        "see where they come from: sales of other days or sources are none of this"
        " file's, but a test or a second move is to be deleted"
    ),
    "repeated": (
        "a key names one sale: give each row of the file a key of its own, or take the"
        " row out; an import rejects it"
    ),
    "unreadable": "mend the row in the file, then reconcile again",
}
"""What to do about each kind."""


@attrs.frozen
class Difference:
    """One way in which a row of the file and the program differ."""

    row: int | None
    """Counted from 1, the header not included; None for what the file does not have."""
    line: int | None
    """The line of the file on which the row begins."""
    key: str | None
    """Of the sale."""
    kind: DifferenceKind
    given: str | None
    """What the file says."""
    recorded: str | None
    """What the program holds."""

    @property
    def next(self) -> str:
        """What to do about it."""
        return NEXT[self.kind]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return attrs.asdict(self)


# --- the two sides -----------------------------------------------------------------


class FileRow(NamedTuple):
    """A row of the file."""

    row: int
    line: int
    key: str | None
    """None where the row has none that can be read."""
    claim: str | None
    """The key where this row is the first with it; None where it cannot be compared."""
    buyer: str | None
    """The customer who has to be known to compare, such as ``email:c1@example.com``."""
    cells: list[str]
    unreadable: str | None
    """Why it cannot be read; None where it can."""


@attrs.frozen
class Held:
    """A sale that the program holds."""

    sale: Sale
    partner: str | None
    """Id."""
    at: datetime | None
    archived: bool


class Known(NamedTuple):
    """Who is meant by a row, as the program has them."""

    customers: Mapping[str, str | None]
    """Id of the partner of those whom the row may mean as the buyer, by how sales name
    them."""
    partner: str | None
    """Id of the partner whom the row names; None for nobody."""


def buyer_of(entry: Entry) -> str | None:
    """Name the customer of whom the program has to be asked to compare *entry*.

    None where the row says it all: the key of the customer, and a partner.
    """
    name = entry.buyer
    known = name is None or (name.startswith("key:") and referrer_of(entry))
    return None if known else name


def referrer_of(entry: Entry) -> Mapping[str, str] | None:
    """Return the partner that *entry* names; None where it names none."""
    customer: Mapping[str, Any] = entry.arguments.get("customer", {})
    partner: Mapping[str, str] = entry.arguments.get("partner", {})
    return partner or customer.get("partner")


# --- comparing ---------------------------------------------------------------------

Value = tuple[DifferenceKind, str | None, str | None]
"""A kind, what the file says, and what the program holds."""


def differences(
    row: FileRow, entry: Entry, sales: Sequence[Held], known: Known
) -> Iterator[Difference]:
    """Say how *row*, read as *entry*, and the *sales* of its key differ."""
    live = [held for held in sales if not held.archived]
    if len(live) == 1:
        found = _values(entry, live[0], known)
    else:
        found = iter([_number(entry, sales, live)])
    for kind, given, recorded in found:
        yield Difference(row.row, row.line, row.key, kind, given, recorded)


def _number(entry: Entry, sales: Sequence[Held], live: Sequence[Held]) -> Value:
    if not sales:
        return "missing", _told(entry), None
    if not live:
        return "archived", _told(entry), "; ".join(map(told, sales))
    shown = [f"{told(held)}{' (as in the file)' * _fits(entry, held)}" for held in live]
    more = [f"{len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    text = "; ".join([*shown[:SHOWN], *more])
    return "several", _told(entry), f"{len(live)} sales: {text}"


SHOWN: Final = 3
"""Sales of one key that are told of."""


def _fits(entry: Entry, held: Held) -> bool:
    return not any(_texts(entry, held.sale)) and not _date(entry, held)


def _values(entry: Entry, held: Held, known: Known) -> Iterator[Value]:
    yield from _texts(entry, held.sale)
    yield from _customer(entry, held, known)
    yield from _date(entry, held)


KINDS: Final[Mapping[str, DifferenceKind]] = {
    "amount": "amount",
    "amount_units": "currency",
    "reward": "reward",
    "action": "action",
}
"""How a difference is called, by the argument of a sale."""


def _texts(entry: Entry, sale: Sale) -> Iterator[Value]:
    for name, given, found in unequal(entry.arguments, sale):
        yield KINDS[name], str(given), found


def _customer(entry: Entry, held: Held, known: Known) -> Iterator[Value]:
    name, found = entry.buyer, held.sale.customer
    other = bool(name and name != found and found not in known.customers)
    if name and other:
        yield "customer", _bare(name), _bare(found)
    if referrer := referrer_of(entry):
        if known.partner is None or known.partner != held.partner:
            yield "partner", next(iter(referrer.values())), held.partner
    elif not other and found is not None and found in known.customers:
        # Of a customer who has one partner, and a sale that is recorded for another.
        given = known.customers[found]
        if given != held.partner:
            yield "partner", given, held.partner


def _date(entry: Entry, held: Held) -> Sequence[Value]:
    """Compare seconds, or the days where the row has no more than a day."""
    given: datetime | None = entry.arguments.get("created_at")
    if given is None or held.at is None:
        return ()
    wanted, found = given.astimezone(UTC), held.at.astimezone(UTC)
    if wanted.time() == time():
        same = wanted.date() == found.date()
    else:
        same = wanted.replace(microsecond=0) == found.replace(microsecond=0)
    return () if same else [("date", _moment(given), _moment(found))]


def told(held: Held) -> str:
    """Tell of a sale in a few words."""
    sale = held.sale
    at = f", {_moment(held.at)}" if held.at else ""
    buyer = _bare(sale.customer) or "nobody"
    return f"{sale.amount} {sale.units or ''} of {buyer}{at}"


def _told(entry: Entry) -> str:
    name = entry.buyer
    buyer = f"of {_bare(name)}" if name else None
    parts = (entry.amount, entry.arguments.get("amount_units"), buyer)
    return " ".join(str(part) for part in parts if part is not None)


def _bare(name: str | None) -> str | None:
    """Return a name as people write it, without what kind of name it is."""
    return name.partition(":")[2] if name else None


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
