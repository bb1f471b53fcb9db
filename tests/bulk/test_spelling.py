"""Spelling: what a value becomes is read back as that value, in any spelling."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async.bulk import fields_of
from partnero_async.bulk.cells import CellError
from partnero_async.bulk.spelling import Spelling

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
