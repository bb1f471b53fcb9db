"""Reading CSV: every row, or a stop that names the row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async.bulk import Source, SourceError
from partnero_async.bulk.csv_rows import CsvReader
from partnero_async.bulk.records import Record


def rows(content: bytes) -> list[Record]:
    """Read all rows of a file."""
    return list(CsvReader(io.BytesIO(content)))


@pytest.mark.parametrize(
    "newline",
    [pytest.param(n, id=repr(n)) for n in ("\n", "\r\n", "\r")],
)
def test_newlines_of_any_kind(newline: str) -> None:
    """Unix, Windows and old Mac files are read alike."""
    content = newline.join(["a,b", "1,2", "", "3,4", ""]).encode()
    assert rows(content) == [Record(1, 2, ["1", "2"]), Record(2, 4, ["3", "4"])]


def test_mixed_newlines_and_none_at_the_end() -> None:
    """Each line may end in its own way, and the last one not at all."""
    assert rows(b"a\r\n1\n2\r3") == [
        Record(1, 2, ["1"]),
        Record(2, 3, ["2"]),
        Record(3, 4, ["3"]),
    ]


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    """Spreadsheets write one."""
    assert CsvReader(io.BytesIO(b"\xef\xbb\xbfkey\n")).header == ("key",)


def test_quotes_may_hold_anything() -> None:
    """Commas, quotes and newlines inside quotes are part of the cell."""
    content = b'a,b\n"1,\r2\n3","say ""ho"""\n4,5\n'
    assert rows(content) == [
        Record(1, 2, ["1,\r2\n3", 'say "ho"']),
        Record(2, 5, ["4", "5"]),
    ]


@pytest.mark.parametrize(
    ("content", "row", "line", "reason"),
    [
        pytest.param(b"", 0, 0, "empty", id="empty"),
        pytest.param(b"\n\r\n", 0, 0, "empty", id="only newlines"),
        pytest.param(b"a,b,a\n", 0, 0, "two columns are called 'a'", id="duplicates"),
        pytest.param(b"\xff\n", 0, 0, "the header: byte 0xff", id="header not UTF-8"),
        pytest.param(b"a\n1\nJos\xe9\n", 2, 3, "byte 0xe9 is not UTF-8", id="latin-1"),
        pytest.param(b"a\n1\n\x002\n", 2, 3, "NUL", id="NUL"),
        pytest.param("a\n1\n".encode("utf-16"), 0, 0, "the header: ", id="UTF-16"),
        pytest.param(b'a\n1\n\n"2\n3\n', 2, 4, "never closed", id="open quote"),
        pytest.param(
            b'a\n1\n"' + b"x\n" * 100_000, 2, 3, "never closed", id="long open quote"
        ),
        pytest.param(
            b"a\n1\n" + b"x" * (1 << 20) + b"\n", 2, 3, "longer than 1 MiB", id="1 MiB"
        ),
        pytest.param(
            b"a\n1\n" + (b'"' + b"x" * 60_000 + b'\n",') * 20,
            2,
            3,
            "longer than 1 MiB",
            id="1 MiB over several lines",
        ),
        pytest.param(b'a\n"1"2\n', 1, 2, "not CSV", id="text after a quote"),
    ],
)
def test_what_stops_the_reading(
    content: bytes, row: int, line: int, reason: str
) -> None:
    """What makes the rest unreadable is named with its row and its line."""
    with pytest.raises(SourceError, match=reason) as caught:
        rows(content)
    assert (caught.value.row, caught.value.line) == (row, line)


CELL = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)


@given(table=st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(table: list[list[str]]) -> None:
    """Cells come back as they were written, whatever is in them."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([["h1", "h2"], *table])
    assert [record.cells for record in rows(out.getvalue().encode())] == table


def test_digests_tell_cells_apart() -> None:
    """Text that moves from one cell to the next is another row."""
    assert Record(1, 1, ["ab", "c"]).digest() != Record(1, 1, ["a", "bc"]).digest()
    assert Record(1, 1, ["ab", "c"]).digest() == Record(9, 9, ["ab", "c"]).digest()


def test_a_source_takes_any_path() -> None:
    """A path may be a text."""
    assert Source(path="sales.csv").path == Path("sales.csv")
