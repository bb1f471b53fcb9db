"""From the text of a cell to a value, strictly: what could be read two ways is refused.

Each reader takes a cell that is not empty and raises `CellError` with a reason for
people. An empty cell is not read at all: its field is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from ..errors import CONTROL
from .currencies import CURRENCIES

__all__ = [
    "AMOUNTS",
    "MOMENTS",
    "CellError",
    "choice",
    "code",
    "currency",
    "day",
    "email",
    "flag",
    "identifier",
    "integer",
    "moment",
    "moment_text",
    "money",
    "past",
    "past_text",
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


COMMA_AMOUNT = re.compile(
    r"(?P<whole>-?[0-9]{1,3}(\.[0-9]{3})+|-?[0-9]{1,15})(,(?P<part>[0-9]{1,12}))?"
)


def with_point(cell: str) -> str:
    """Rewrite an amount with a decimal comma, such as ``1.234,56``, as `money` has it.

    Points are taken where they part thousands.
    """
    found = COMMA_AMOUNT.fullmatch(cell)
    if not found:
        raise CellError(
            f"{quoted(cell)} is no amount: --decimal-comma takes 1.234,56 and 1234,56"
        )
    whole = found["whole"].replace(".", "")
    return f"{whole}.{found['part']}" if found["part"] else whole


def _why_no_amount(cell: str) -> str:
    if "," in cell:
        option = ", or give --decimal-comma" * bool(COMMA_AMOUNT.fullmatch(cell))
        return (
            "write it without commas, with a point before the decimals"
            f" (1234.56){option}"
        )
    if cell != cell.strip() or re.search(r"\s", cell):
        return "write it without spaces (1234.56)"
    if re.search(r"[0-9][eE]", cell):
        return "write it without an exponent (1234.56)"
    return "write digits and at most one point (1234.56)"


def currency(cell: str) -> str:
    """Read the code of a currency, in any case."""
    if cell.upper() in CURRENCIES:
        return cell.upper()
    raise CellError(
        f"{quoted(cell)} is no currency: write its ISO 4217 code, such as EUR"
    )


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


@lru_cache(maxsize=1000)  # days come again and again, and are read twice
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


AHEAD: Final = timedelta(days=1)
"""By how much a clock, or the day somewhere on earth, may be ahead of ours."""


def past(cell: str) -> datetime:
    """Read what `moment` reads, unless it is yet to come."""
    read = moment(cell)
    if read > datetime.now(UTC) + AHEAD:
        raise CellError(f"{quoted(cell)} is in the future")
    return read


def past_text(cell: str) -> str:
    """Read what `past` reads, for a field that is sent as text: in UTC."""
    past(cell)
    return moment_text(cell)


def from_format(cell: str, date_format: str) -> str:
    """Rewrite a date that is spelled as *date_format* has it, as `moment` has it.

    Without a zone it is UTC.
    """
    try:
        read = datetime.strptime(cell, date_format)  # noqa: DTZ007 - a zone follows
    except ValueError:
        read = None
    if read is None or not _shape(date_format).fullmatch(cell):
        raise CellError(
            f"{quoted(cell)} is no date as --date-format {date_format} spells it"
        ) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat()


WIDTHS: Final = {"%Y": 4, "%j": 3, **dict.fromkeys(("%d", "%m", "%y"), 2)} | (
    dict.fromkeys(("%H", "%I", "%M", "%S"), 2)
)
"""Digits of what is written in numbers."""


@lru_cache(maxsize=10)
def _shape(date_format: str) -> re.Pattern[str]:
    """Return what a date has to look like where numbers follow each other.

    Python guesses there where one begins and one ends: a spreadsheet that has eaten a
    zero makes another day of it, and no error.
    """
    shape = ""
    parts = [part for part in re.split(r"(%.)", date_format) if part]
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if part in WIDTHS:
            alone = before not in WIDTHS and after not in WIDTHS
            shape += "[0-9]+" if alone else f"[0-9]{{{WIDTHS[part]}}}"
        else:
            shape += ".+"  # names, zones and what is between: Python reads it
    return re.compile(shape, re.DOTALL)


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
        return (
            "day and month cannot be told apart; write YYYY-MM-DD,"
            " or give --date-format"
        )
    return "write YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ"


AMOUNTS: Final[frozenset[Callable[[str], Any]]] = frozenset({money})
"""What `--decimal-comma` is about."""

MOMENTS: Final[frozenset[Callable[[str], Any]]] = frozenset(
    {moment, moment_text, past, past_text}
)
"""What `--date-format` is about."""


def quoted(cell: str) -> str:
    """Show a cell in a message: on one line and not too long, spaces included."""
    shown = CONTROL.sub(" ", cell[:SHOWN])
    return f"'{shown}...'" if len(cell) > SHOWN else f"'{shown}'"
