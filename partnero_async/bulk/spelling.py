"""How amounts and dates are spelled in a source, both ways.

Texts are brought into the one spelling that `cells` reads, and typed values (of JSON,
Arrow, a program) are made texts that are read back as the very same values.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

import attrs

from .cells import (
    AMOUNTS,
    MOMENTS,
    CellError,
    day,
    from_format,
    quoted,
    with_point,
)
from .fields import Field, Parse
from .stops import ColumnError

__all__ = ["Spelling", "checked_date_format"]

Rewrite = Callable[[str], str]

DIGITS: Final = 60
"""Of a number as it is written out; one that is longer stays as it is spelled."""

ABSENT: Final = ("NAType", "NaTType")
"""What pandas has for nothing; it is not imported for that."""

SAMPLE: Final = datetime(2001, 2, 3, 16, tzinfo=UTC)
"""In the afternoon, which hours up to 12 cannot tell without %p."""


def checked_date_format(date_format: str) -> str:
    """Return *date_format*, unless no date can be read with it: `ColumnError` then."""
    try:
        # A year is asked for beforehand: without one the calendar warns, and guesses.
        whole = ("%Y" in date_format or "%y" in date_format) and "%Z" not in date_format
        read = _read(SAMPLE.strftime(date_format), date_format) if whole else None
        good = read in (SAMPLE, SAMPLE.replace(hour=0))
    except (ValueError, TypeError):
        good = False
    if not good:
        raise ColumnError(
            f"--date-format {date_format!r}: write year, month and day, such as"
            " %d.%m.%Y (a zone is %z)"
        )
    return date_format


def _read(cell: str, date_format: str) -> datetime:
    return datetime.fromisoformat(from_format(cell, date_format))


@attrs.frozen(kw_only=True)
class Spelling:
    """The options that say how amounts and dates are spelled."""

    decimal_comma: bool = False
    date_format: str | None = None

    # --- from texts ----------------------------------------------------------------

    def localised(self, field: Field) -> Field:
        """Return *field* with a reader for this spelling."""
        parse = field.parse
        if self.decimal_comma and parse in AMOUNTS:
            return attrs.evolve(field, parse=partial(_after, with_point, parse))
        if self.date_format and (parse in MOMENTS or parse is day):
            rewrite = _day_from_format if parse is day else from_format
            rewritten = partial(rewrite, date_format=self.date_format)
            return attrs.evolve(field, parse=partial(_after, rewritten, parse))
        return field

    # --- from values ---------------------------------------------------------------

    def cell(self, value: Any) -> str:
        """Spell a value; nothing, and what is not a number, is an empty cell.

        Raises `CellError` for what has no exact spelling.
        """
        match value:
            case None:
                return ""
            case str():
                return _plain(value)
            case bool():
                return "true" if value else "false"
            case int() | float() | Decimal():
                return self._number(value)
            case _ if type(value).__name__ in ABSENT:
                return ""
            case date():
                return self._date(value)
            case list() | tuple():
                return _tags(cast("Sequence[object]", value))
            case _:
                return self._other(value)

    def _number(self, value: float | Decimal) -> str:
        number = _decimal(value)
        if number.is_nan():
            return ""
        if not number.is_finite() or abs(number.adjusted()) > DIGITS:
            return str(number)
        text = f"{number:f}"
        return text.replace(".", ",") if self.decimal_comma else text

    def _date(self, value: date) -> str:
        if isinstance(value, datetime):
            if value.utcoffset() is None:
                # The base class's text: pandas adds nanoseconds, which no cell has.
                shown = quoted(datetime.isoformat(value))
                raise CellError(f"{shown} has no time zone: it may be any moment")
            text = datetime.isoformat(value)
        else:
            text = value.isoformat()
        return self._as_formatted(value, text) if self.date_format else text

    def _as_formatted(self, value: date, text: str) -> str:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        form = self.date_format or ""
        spelled = moment.astimezone(UTC).strftime(form)
        if _read(spelled, form) != moment:
            raise CellError(
                f"{quoted(text)} cannot be spelled as --date-format {form}: leave that"
                f" option out for a column that holds a {type(value).__name__}"
            )
        return spelled

    def _other(self, value: Any) -> str:
        # The numbers of NumPy are no int and no float, but registered as numbers.
        if isinstance(value, numbers.Integral):
            return self._number(int(value))
        if isinstance(value, numbers.Real):
            return self._number(Decimal(str(value)))
        if isinstance(value, UUID):
            return str(value)
        if type(value).__name__ in ("bool", "bool_"):
            return "true" if value else "false"
        raise CellError(f"a value of type {type(value).__name__} is no cell")


def _day_from_format(cell: str, date_format: str) -> str:
    return from_format(cell, date_format)[: len("YYYY-MM-DD")]


def _after(rewrite: Rewrite, parse: Parse, cell: str) -> Any:
    return parse(rewrite(cell))


def _plain(text: str) -> str:
    if "\0" in text:
        raise CellError(f"{quoted(text)} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CellError("half of a surrogate pair is no text") from None
    return str.__str__(text)


def _decimal(value: float | Decimal) -> Decimal:
    if isinstance(value, float):
        # The shortest text that is this float; 7.0 may well be the key 7.
        number = Decimal(repr(float(value)))
        whole = number.is_finite() and number == number.to_integral_value()
        return number.quantize(Decimal(1)) if whole and abs(value) < 1e16 else number
    return Decimal(value)


def _tags(values: Sequence[object]) -> str:
    for value in values:
        if not isinstance(value, str) or not value.strip() or ";" in value:
            raise CellError(
                f"{quoted(str(value))} cannot be one of several tags: a text is needed,"
                " without ;"
            )
    return _plain(";".join(map(str, values)))
