"""Spelling: what a value becomes is read back as that value, in any spelling."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async.bulk import ColumnError, fields_of
from partnero_async.bulk.cells import CellError
from partnero_async.bulk.spelling import Spelling, checked_date_format

FIELDS = fields_of("transactions")


def read(spelling: Spelling, name: str, cell: str) -> Any:
    """Read a cell of the field *name*."""
    return spelling.localised(FIELDS[name]).parse(cell)


@given(
    amount=st.decimals(min_value=-(10**9), max_value=10**9, places=3),
    decimal_comma=st.booleans(),
)
def test_amounts_come_back(amount: Decimal, *, decimal_comma: bool) -> None:
    """A decimal is never off, and its point never taken for one of thousands."""
    spelling = Spelling(decimal_comma=decimal_comma)
    assert read(spelling, "amount", spelling.cell(amount)) == amount


@given(
    moment=st.datetimes(
        min_value=dt.datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=dt.datetime(2024, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-3))]),
    ),
    date_format=st.sampled_from([None, "%d.%m.%Y %H:%M:%S.%f", "%Y%m%dT%H%M%S.%f%z"]),
)
def test_moments_come_back(moment: dt.datetime, date_format: str | None) -> None:
    """A moment is the same moment."""
    spelling = Spelling(date_format=date_format)
    assert read(spelling, "created_at", spelling.cell(moment)) == moment


def test_dates_in_a_format() -> None:
    """Without a zone a day begins in UTC; a typed date is spelled alike."""
    spelling = Spelling(date_format="%d.%m.%Y")
    day = dt.datetime(2024, 1, 31, tzinfo=dt.UTC)
    assert read(spelling, "created_at", "31.01.2024") == day
    assert read(spelling, "created_at", "31.1.2024") == day
    assert read(spelling, "customer.created_at", "31.1.2024") == "2024-01-31T00:00:00Z"
    assert spelling.cell(dt.date(2024, 1, 31)) == "31.01.2024"
    with pytest.raises(CellError, match="cannot be spelled as --date-format"):
        spelling.cell(day.replace(hour=1))


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("2024-01-31", "is no date as --date-format %d.%m.%Y spells it"),
        ("32.1.2024", "is no date as"),
        ("1.1.1969", "is before 1970"),
        ("1.1.2999", "is in the future"),
    ],
)
def test_dates_that_do_not_fit_the_format(cell: str, why: str) -> None:
    """The format is the only one that is taken."""
    with pytest.raises(CellError, match=why):
        read(Spelling(date_format="%d.%m.%Y"), "created_at", cell)


@pytest.mark.parametrize(
    ("date_format", "cell", "day"),
    [
        ("%d%m%Y", "01122024", 1),
        ("%d%m%Y", "1122024", None),
        ("%d%m%y", "11224", None),
        ("%m%d%Y", "1112024", None),
        ("%Y%m%d", "2024111", None),
        ("%Y%m%d", "20241201", 1),
        ("%Y%jT%H", "2024336T9", 1),
        ("%d.%m.%Y %H%M", "1.12.2024 0930", 1),
        ("%d.%m.%Y %H%M", "1.12.2024 930", None),
        ("%d%b%Y", "1Dec2024", 1),
        ("%d. %B %Y %I:%M %p", "1.  december 2024 9:30 PM", 1),
    ],
)
def test_numbers_without_a_sign_between_them(
    date_format: str, cell: str, day: int | None
) -> None:
    """A spreadsheet eats a zero in front: what is left is no other day, but none."""
    spelling = Spelling(date_format=date_format)
    if day is None:
        with pytest.raises(CellError, match="is no date as"):
            read(spelling, "created_at", cell)
    else:
        found = read(spelling, "created_at", cell)
        assert (found.year, found.month, found.day) == (2024, 12, day)


@pytest.mark.parametrize(
    ("date_format", "good"),
    [
        ("%d.%m.%Y %I:%M", False),
        ("%d.%m.%Y %I:%M %p", True),
        ("%d.%m.%Y %H", True),
        ("%d.%m.%Y", True),
        ("%d.%m", False),
        ("%d.%m.%Y %Z", False),
    ],
)
def test_a_format_says_all_of_a_moment(date_format: str, good: bool) -> None:
    """Three in the afternoon must not be read as three at night."""
    if good:
        assert checked_date_format(date_format) == date_format
    else:
        with pytest.raises(ColumnError, match="write year, month and day"):
            checked_date_format(date_format)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1.234,56", "1234.56"),
        ("1234,56", "1234.56"),
        ("-1.234.567,8", "-1234567.8"),
        ("1.234", "1234"),
        ("7", "7"),
    ],
)
def test_amounts_with_a_comma(cell: str, amount: str) -> None:
    """Points part thousands, a comma the decimals."""
    assert read(Spelling(decimal_comma=True), "amount", cell) == Decimal(amount)


@pytest.mark.parametrize("cell", ["1,234.56", "1234.56", "1.23,4", "12.34", "1,", "x"])
def test_amounts_that_have_no_decimal_comma(cell: str) -> None:
    """They are refused: the two ways to write amounts are never mixed."""
    with pytest.raises(CellError, match=r"--decimal-comma takes 1\.234,56"):
        read(Spelling(decimal_comma=True), "amount", cell)


def test_only_amounts_and_dates_are_concerned() -> None:
    """Other fields are read as ever."""
    spelling = Spelling(decimal_comma=True, date_format="%d.%m.%Y")
    assert spelling.localised(FIELDS["key"]) is FIELDS["key"]
    assert read(spelling, "key", "1.234,56") == "1.234,56"


def test_a_day_in_a_format() -> None:
    """What takes a day and no time is read in the format that is given too."""
    field = fields_of("coupons")["redemption_specific_date_value"]
    there = Spelling(date_format="%d.%m.%Y").localised(field)
    assert there.parse("31.01.2030") == dt.date(2030, 1, 31)
