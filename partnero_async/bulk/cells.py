"""From the text of a cell to a value, strictly: what could be read two ways is refused.

Each reader takes a cell that is not empty and raises `CellError` with a reason for
people. An empty cell is not read at all: its field is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches

from ..errors import one_line

__all__ = [
    "CellError",
    "choice",
    "code",
    "day",
    "email",
    "flag",
    "identifier",
    "integer",
    "moment",
    "moment_text",
    "money",
    "tags",
    "text",
]

SHOWN = 40
"""Characters of a cell that a reason quotes."""


class CellError(ValueError):
    """The cell does not hold what its field needs; the text says why."""


def text(cell: str) -> str:
    """Take any text as it is."""
    return cell


FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def identifier(cell: str) -> str:
    """Read a key or an id: a text that can be part of a path."""
    if cell != cell.strip():
        raise CellError(f"{quoted(cell)} begins or ends with a space")
    if cell in (".", "..") or FORBIDDEN.search(cell):
        raise CellError(f"{quoted(cell)} cannot be a key")
    return cell


CODE = re.compile(r"[A-Za-z0-9_-]{1,255}")


def code(cell: str) -> str:
    """Read the code of a coupon."""
    if CODE.fullmatch(cell):
        return cell
    raise CellError(
        f"{quoted(cell)} cannot be a code: up to 255 letters, digits, '_' and '-'"
    )


EMAIL = re.compile(
    r'[^@\s,;:<>()\[\]"\\]+@[^@\s,;:<>()\[\]"\\.]+(\.[^@\s,;:<>()\[\]"\\.]+)+'
)
LONGEST_EMAIL = 254


def email(cell: str) -> str:
    """Read an e-mail address: one, and the bare address only."""
    fits = EMAIL.fullmatch(cell) and len(cell) <= LONGEST_EMAIL
    if not fits or FORBIDDEN.search(cell):
        raise CellError(f"{quoted(cell)} is no e-mail address")
    return cell


AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")


def money(cell: str) -> Decimal:
    """Read an amount in major units: digits, and a point before decimals."""
    if AMOUNT.fullmatch(cell):
        return Decimal(cell)
    raise CellError(f"{quoted(cell)} is no amount: {_why_no_amount(cell)}")


def _why_no_amount(cell: str) -> str:
    if "," in cell:
        return "write it without commas, with a point before the decimals (1234.56)"
    if cell != cell.strip() or re.search(r"\s", cell):
        return "write it without spaces (1234.56)"
    if re.search(r"[0-9][eE]", cell):
        return "write it without an exponent (1234.56)"
    return "write digits and at most one point (1234.56)"


def flag(cell: str) -> bool:
    """Read ``true`` or ``false``, in any case."""
    try:
        return {"true": True, "false": False}[cell.lower()]
    except KeyError:
        raise CellError(f"{quoted(cell)} is neither true nor false") from None


def choice(choices: Sequence[str], cell: str) -> str:
    """Read one of a few texts."""
    if cell in choices:
        return cell
    near = get_close_matches(cell.lower(), choices, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    raise CellError(f"{quoted(cell)} is none of {', '.join(choices)}{meant}")


INTEGER = re.compile(r"-?[0-9]{1,18}")


def integer(cell: str) -> int:
    """Read a whole number."""
    if INTEGER.fullmatch(cell):
        return int(cell)
    raise CellError(f"{quoted(cell)} is no whole number")


def tags(cell: str) -> list[str]:
    """Read texts with ``;`` between them; spaces around one do not count."""
    names = [name.strip() for name in cell.split(";")]
    if "" in names:
        raise CellError(f"{quoted(cell)} has an empty tag: write one;two")
    return names


DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(
    r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def moment(cell: str) -> datetime:
    """Read a date (its midnight in UTC), or a date and time with a zone; ISO 8601."""
    day, rest = cell[:10], cell[10:]
    time = TIME.fullmatch(rest)
    if not DATE.fullmatch(day) or (rest and not time):
        raise CellError(f"{quoted(cell)} is no date: {_why_no_date(cell)}")
    if time and not time["zone"]:
        raise CellError(f"{quoted(cell)} has no time zone: end it with Z or +02:00")
    return _real(cell, bare=not rest)


def day(cell: str) -> date:
    """Read a date without a time."""
    if not DATE.fullmatch(cell):
        raise CellError(f"{quoted(cell)} is no date: {_why_no_day(cell)}")
    return _real(cell, bare=True).date()


def moment_text(cell: str) -> str:
    """Read what `moment` reads, for a field that is sent as text: in UTC."""
    return f"{moment(cell).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _real(cell: str, *, bare: bool) -> datetime:
    try:
        read = datetime.fromisoformat(f"{cell}T00:00+00:00" if bare else cell)
        # Also what is out of the calendar only once it is in UTC is refused here.
        early = read.astimezone(UTC) < EARLIEST
    except (ValueError, OverflowError):
        raise CellError(f"{quoted(cell)} is no day or time of the calendar") from None
    if early:
        raise CellError(f"{quoted(cell)} is before 1970")
    return read


def _why_no_day(cell: str) -> str:
    if DATE.match(cell) and TIME.fullmatch(cell[10:]):
        return "write the day without a time, YYYY-MM-DD"
    return _why_no_date(cell)


def _why_no_date(cell: str) -> str:
    if re.fullmatch(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}", cell):
        return "day and month cannot be told apart; write YYYY-MM-DD"
    return "write YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ"


def quoted(cell: str) -> str:
    """Show a cell in a message: on one line, and not too long."""
    shown = one_line(cell)
    return f"'{shown[:SHOWN]}...'" if len(shown) > SHOWN else f"'{shown}'"
