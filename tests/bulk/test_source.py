"""Reading CSV: every row, or a stop that names the row."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async.bulk import ImportStopError, Source, SourceError
from partnero_async.bulk.csv_rows import CsvReader
from partnero_async.bulk.table import Record


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
            b'a\n1\n"' + b"x\n" * 600_000,
            2,
            3,
            "longer .* quote miss",
            id="1 MiB quote",
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


@pytest.mark.parametrize("quote", [b"", b'"'], ids=["bare", "quoted"])
def test_a_cell_may_be_as_long_as_a_row(quote: bytes) -> None:
    """The csv module's own bound is lower, and that of the process: it is raised."""
    before = csv.field_size_limit(131_072)
    try:
        long = b"x" * 1_000_000
        assert rows(b"a,b\n" + quote + long + quote + b",2\n") == [
            Record(1, 2, [long.decode(), "2"])
        ]
    finally:
        csv.field_size_limit(before)


def test_a_higher_bound_of_the_process_stays() -> None:
    """Whoever has raised it wants it so."""
    before = csv.field_size_limit(1 << 25)
    try:
        rows(b"a\n1\n")
        assert csv.field_size_limit() == 1 << 25
    finally:
        csv.field_size_limit(before)


def test_digests_tell_cells_apart() -> None:
    """Text that moves from one cell to the next is another row."""
    assert Record(1, 1, ["ab", "c"]).digest() != Record(1, 1, ["a", "bc"]).digest()
    assert Record(1, 1, ["ab", "c"]).digest() == Record(9, 9, ["ab", "c"]).digest()


def test_a_long_file_with_newlines_of_the_old_mac() -> None:
    """What is longer than a row may be has rows inside, however they end."""
    content = b"a\r" + b"1234567\r" * 200_000
    assert len(rows(content)) == 200_000


def test_a_source_takes_any_path() -> None:
    """A path may be a text."""
    assert Source(path="sales.csv").path == Path("sales.csv")
    assert Source.of("sales.csv") == Source.of(Path("sales.csv"))
    assert Source.of(source := Source(path="sales.csv")) is source


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param({}, "either a path or rows", id="nothing"),
        pytest.param({"path": "a", "rows": []}, "either a path or rows", id="both"),
        pytest.param(
            {"rows": [], "delimiter": ";"}, "those of a file", id="rows with options"
        ),
        pytest.param(
            {"path": "a", "format": "jsonlines"}, "did you mean jsonl", id="format"
        ),
        pytest.param(
            {"path": "a", "format": "x"}, "csv or jsonl or parquet", id="any format"
        ),
        pytest.param(
            {"path": "a", "encoding": "utf-9"}, "no such encoding", id="encoding"
        ),
        pytest.param(
            {"path": "a", "encoding": "rot13"}, "no such encoding", id="no text"
        ),
        pytest.param({"path": "a", "encoding": "utf-16"}, "as UTF-8", id="wide"),
        pytest.param({"path": "a", "encoding": "cp037"}, "as UTF-8", id="mainframe"),
        pytest.param(
            {"path": "a", "delimiter": ";;"}, "write one character", id="delimiter"
        ),
        pytest.param(
            {"path": "a", "delimiter": ""}, "write one character", id="no delimiter"
        ),
        pytest.param(
            {"path": "a", "delimiter": '"'}, "write one character", id="quote"
        ),
        *(
            pytest.param(
                {"path": "a", "date_format": given},
                "write year, month and day",
                id=f"date {given}",
            )
            for given in ("", "%d.%m.", "%Y-%m", "%Y-%m-%d %Z", "%Y-%d-%Q", "%%Y")
        ),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], reason: str) -> None:
    """They are refused where they are given, before any file is opened."""
    with pytest.raises(ImportStopError, match=reason):
        Source(**options)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("s.csv", "csv"),
        ("s.CSV.GZ", "csv"),
        ("s", "csv"),
        ("s.tsv", "csv"),
        ("s.jsonl", "jsonl"),
        ("s.ndjson.gz", "jsonl"),
        ("s.parquet", "parquet"),
        ("s.feather", "arrow"),
        ("-", "csv"),
    ],
)
def test_the_format_follows_from_the_name(name: str, form: str) -> None:
    """Unless it is given."""
    assert Source(path=name).format_by_name == form
    assert Source(path=name, format="jsonl").format_by_name == "jsonl"


def test_which_file_stays(tmp_path: Path) -> None:
    """Standard input, a pipe and rows have no file that could be read again."""
    os.mkfifo(tmp_path / "pipe")
    assert Source(path=tmp_path / "new.csv").file == tmp_path / "new.csv"
    assert Source(path=tmp_path).file == tmp_path
    assert Source(path=tmp_path / "pipe").file is None
    assert Source(path="-").file is None
    assert Source(rows=[]).file is None


def test_names_of_sources() -> None:
    """What a message calls them."""
    names = [Source(path="a").name, Source(path="-").name, Source(rows=[]).name]
    assert names == ["a", "standard input", "the rows"]


def test_a_delimiter_may_be_named() -> None:
    """A tab is hard to type."""
    assert Source(path="a", delimiter="tab").delimiter == "\t"
    assert Source(path="a", delimiter="\\t").delimiter == "\t"
    assert Source(path="a", delimiter=";").delimiter == ";"
