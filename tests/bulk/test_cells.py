"""Cells: a value, or a reason; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial, update_wrapper
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async.bulk import cells
from partnero_async.bulk.cells import CellError

choice = update_wrapper(partial(cells.choice, ("once", "lifetime")), cells.choice)

PARSERS = (
    choice,
    cells.code,
    cells.day,
    cells.text,
    cells.identifier,
    cells.email,
    cells.money,
    cells.flag,
    cells.integer,
    cells.tags,
    cells.moment,
    cells.moment_text,
    cells.past,
    cells.past_text,
    cells.currency,
)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(cell=st.text(min_size=1))
def test_any_text_is_a_value_or_a_reason(
    parse: Callable[[str], Any], cell: str
) -> None:
    """Whatever a cell holds, nothing but a `CellError` is raised, on one line."""
    why = ""
    try:
        assert parse(cell) is not None
    except CellError as error:
        why = str(error)
    assert "\n" not in why
    assert len(why) < 200


@given(amount=st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_is_exact(amount: Decimal) -> None:
    """A plain amount comes out as it went in."""
    assert cells.money(f"{amount:f}") == amount


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        pytest.param("1.234,56", "without commas", id="european"),
        pytest.param("1,234.56", "without commas", id="thousands"),
        pytest.param("1e5", "without an exponent", id="exponent"),
        pytest.param("1 234.56", "without spaces", id="space inside"),
        pytest.param(" 1.00", "without spaces", id="space before"),
        pytest.param("nan", "write digits", id="nan"),
        pytest.param("inf", "write digits", id="inf"),
        pytest.param("$5", "write digits", id="currency sign"),
        pytest.param("5.", "write digits", id="point at the end"),
        pytest.param("+5", "write digits", id="plus"),
        pytest.param("\u0665", "write digits", id="other digits"),
        pytest.param("1" * 16, "write digits", id="too many digits"),
    ],
)
def test_what_is_no_amount_is_refused(cell: str, why: str) -> None:
    """Only digits with one point are an amount, and the reason helps."""
    with pytest.raises(CellError, match=why):
        cells.money(cell)


@pytest.mark.parametrize(
    ("parse", "cell", "why"),
    [
        (cells.currency, " USD", "' USD' is no currency"),
        (cells.identifier, "k16 ", "'k16 ' begins or ends with a space"),
        (cells.identifier, "\tk", "' k' begins or ends with a space"),
        (cells.money, " 1.5", "' 1.5' is no amount: write it without spaces"),
        (cells.flag, " ", "' ' is neither true nor false"),
        (cells.flag, f"{'x' * 39}  ", f"'{'x' * 39} ...' is neither"),
    ],
)
def test_a_reason_shows_the_space_that_it_is_about(
    parse: Callable[[str], Any], cell: str, why: str
) -> None:
    """A cell is quoted as it is, and still on one line."""
    with pytest.raises(CellError) as error:
        parse(cell)
    assert str(error.value).startswith(why)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param("0.00", Decimal("0.00"), id="zero"),
        pytest.param("-5.5", Decimal("-5.5"), id="negative"),
        pytest.param("29.33", Decimal("29.33"), id="plain"),
    ],
)
def test_amounts(cell: str, value: Decimal) -> None:
    """Plain amounts are taken, with all of their decimals."""
    assert str(cells.money(cell)) == str(value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param("1997-01-01", datetime(1997, 1, 1, tzinfo=UTC), id="date"),
        pytest.param(
            "2024-02-29T23:59:01Z", datetime(2024, 2, 29, 23, 59, 1, tzinfo=UTC), id="Z"
        ),
        pytest.param(
            "2024-02-29 10:00+02:00",
            datetime(2024, 2, 29, 10, tzinfo=timezone(timedelta(hours=2))),
            id="offset",
        ),
        pytest.param(
            "2024-02-29T10:00:00.25Z",
            datetime(2024, 2, 29, 10, 0, 0, 250000, tzinfo=UTC),
            id="fraction",
        ),
    ],
)
def test_moments(cell: str, value: datetime) -> None:
    """A date is its midnight in UTC; a time has its zone."""
    assert cells.moment(cell) == value


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        pytest.param("01/02/2024", "cannot be told apart", id="slashes"),
        pytest.param("1.2.24", "cannot be told apart", id="points"),
        pytest.param("2024-01-31T10:00:00", "no time zone", id="no zone"),
        pytest.param("20240131", "write YYYY-MM-DD", id="basic format"),
        pytest.param("1706659200", "write YYYY-MM-DD", id="Unix seconds"),
        pytest.param("2024-02-30", "calendar", id="no such day"),
        pytest.param("2024-01-31T25:00Z", "calendar", id="no such hour"),
        pytest.param("0001-01-01T00:00+14:00", "calendar", id="before the calendar"),
        pytest.param("1969-12-31", "before 1970", id="too early"),
        pytest.param("2024-W05-3", "write YYYY-MM-DD", id="week"),
    ],
)
def test_what_is_no_moment_is_refused(cell: str, why: str) -> None:
    """What could be read two ways, or names no instant, is refused."""
    with pytest.raises(CellError, match=why):
        cells.moment(cell)


def test_a_moment_as_text_is_in_utc() -> None:
    """Fields that are sent as text get one form."""
    assert cells.moment_text("2024-01-31T10:00+02:00") == "2024-01-31T08:00:00Z"


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("ada", id="no at"),
        pytest.param("ada@example", id="no point"),
        pytest.param("ada@@example.com", id="two ats"),
        pytest.param("ada @example.com", id="space"),
        pytest.param("a@b.com;c@d.com", id="two addresses"),
        pytest.param("Ada <ada@example.com>", id="with a name"),
        pytest.param("a" * 250 + "@b.com", id="too long"),
        pytest.param("a\x7f@b.com", id="control character"),
        pytest.param("a@b..com", id="two points"),
    ],
)
def test_malformed_addresses_are_refused(cell: str) -> None:
    """Only one bare address is an e-mail address."""
    with pytest.raises(CellError, match="no e-mail address"):
        cells.email(cell)


def test_addresses() -> None:
    """An ordinary address is taken as it is."""
    assert cells.email("Ada.Novak+x@shop.example.com") == "Ada.Novak+x@shop.example.com"


@pytest.mark.parametrize(
    "cell", [pytest.param(c, id=repr(c)) for c in (" a", "a ", ".", "..", "a\tb")]
)
def test_what_cannot_be_a_key_is_refused(cell: str) -> None:
    """A key becomes a part of a path."""
    with pytest.raises(CellError):
        cells.identifier(cell)


@pytest.mark.parametrize(
    ("parse", "cell", "value"),
    [
        pytest.param(cells.flag, "TRUE", True, id="true"),
        pytest.param(cells.flag, "false", False, id="false"),
        pytest.param(cells.integer, "-12", -12, id="integer"),
        pytest.param(cells.tags, "one; two", ["one", "two"], id="tags"),
        pytest.param(cells.identifier, "ord 1/ä", "ord 1/ä", id="key"),
        pytest.param(cells.text, " as it is ", " as it is ", id="text"),
    ],
)
def test_other_values(parse: Callable[[str], Any], cell: str, value: object) -> None:
    """Each kind of cell has one way to be written."""
    assert parse(cell) == value


@pytest.mark.parametrize(
    ("parse", "cell"),
    [
        pytest.param(cells.flag, "yes", id="yes"),
        pytest.param(cells.flag, "1", id="one"),
        pytest.param(cells.integer, "1.0", id="decimal"),
        pytest.param(cells.tags, "one;;two", id="empty tag"),
        pytest.param(cells.tags, ";", id="only a sign"),
    ],
)
def test_other_values_are_refused(parse: Callable[[str], Any], cell: str) -> None:
    """What is not written that way is refused."""
    with pytest.raises(CellError):
        parse(cell)


def test_a_long_cell_is_shortened_in_its_reason() -> None:
    """A reason stays readable whatever the cell holds."""
    with pytest.raises(CellError, match=r"'x{40}\.\.\.'"):
        cells.money("x" * 5000)


def test_a_choice() -> None:
    """One of a few texts, to the letter; else all are named, and the nearest."""
    assert choice("lifetime") == "lifetime"
    with pytest.raises(CellError, match=r"^'Onec' is none of once, lifetime; did you"):
        choice("Onec")
    with pytest.raises(CellError, match="did you mean lifetime"):
        choice("LIFETIME")
    with pytest.raises(CellError, match=r"^'xyz' is none of once, lifetime$"):
        choice("xyz")


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("TEN OFF", id="space"),
        pytest.param("TEN%", id="sign"),
        pytest.param("T\u00c9N", id="letter of another alphabet"),
        pytest.param("T" * 256, id="too long"),
        pytest.param("TEN\n", id="line end"),
    ],
)
def test_what_is_no_code(cell: str) -> None:
    """The documented signs only, and no more of them than documented."""
    assert cells.code("TEN_off-2") == "TEN_off-2"
    with pytest.raises(CellError, match="cannot be a code"):
        cells.code(cell)


@given(day=st.dates(min_value=date(1970, 1, 1)))
def test_days(day: date) -> None:
    """A day comes out as it went in."""
    assert cells.day(day.isoformat()) == day


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        pytest.param("2030-01-31T00:00:00Z", "without a time", id="time"),
        pytest.param("31.01.2030", "cannot be told apart", id="day first"),
        pytest.param("soon", "write YYYY-MM-DD", id="word"),
        pytest.param("2030-02-30", "no day or time of the calendar", id="no such day"),
        pytest.param("1969-12-31", "before 1970", id="long ago"),
    ],
)
def test_what_is_no_day(cell: str, why: str) -> None:
    """A day is written one way, and has no time."""
    with pytest.raises(CellError, match=why):
        cells.day(cell)


def test_a_moment_that_is_yet_to_come() -> None:
    """A day ahead is the difference of clocks and zones; more is a mistake."""
    now = datetime.now(UTC)
    soon, later = now + timedelta(hours=23), now + timedelta(hours=25)
    assert cells.past(soon.isoformat()) == soon
    assert cells.past_text(now.isoformat()) == f"{now:%Y-%m-%dT%H:%M:%SZ}"
    for read in (cells.past, cells.past_text):
        with pytest.raises(CellError, match="is in the future"):
            read(later.isoformat())


@pytest.mark.parametrize("cell", ["EUR", "usd", "hrk"])
def test_currencies(cell: str) -> None:
    """Any case, and codes that sales of former years were in."""
    assert cells.currency(cell) == cell.upper()


@pytest.mark.parametrize("cell", ["EURO", "€", "XXX", "XTS", "E", "USD "])
def test_what_is_no_currency(cell: str) -> None:
    """A sale is in a currency of ISO 4217."""
    with pytest.raises(CellError, match="is no currency: write its ISO 4217 code"):
        cells.currency(cell)


@pytest.mark.parametrize(
    ("cell", "names_it"),
    [("1.234,56", True), ("1234,5", True), ("1,234.56", False), ("1,2,3", False)],
)
def test_an_amount_with_a_comma_names_the_option(cell: str, *, names_it: bool) -> None:
    """Where the option would read it."""
    with pytest.raises(CellError) as caught:
        cells.money(cell)
    assert ("--decimal-comma" in str(caught.value)) is names_it
