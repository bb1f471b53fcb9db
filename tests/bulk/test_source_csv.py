"""CSV as other programs write it: encodings, separators, gzip."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from partnero_async.bulk import ColumnError, SourceError
from partnero_async.bulk.table import Record
from tests.bulk.reading import cells, opened, written

EURO = "name;city\nJosé;Köln\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(EURO.encode(), "utf-8", id="UTF-8"),
        pytest.param(EURO.encode("utf-8-sig"), "utf-8-sig", id="with a BOM"),
        pytest.param(EURO.encode("cp1252"), "windows-1252", id="Windows-1252"),
        pytest.param(gzip.compress(EURO.encode("cp1252")), "windows-1252", id="gzip"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, content: bytes, encoding: str) -> None:
    """What is UTF-8 as a whole is read as that, other texts as Windows-1252."""
    rows = opened(written(tmp_path, "s.csv", content))
    assert rows.header == ("name", "city")
    assert [record.cells for record in rows.records()] == [["José", "Köln"]]
    assert rows.about == {"format": "csv", "encoding": encoding, "delimiter": ";"}


def test_one_byte_far_away_decides(tmp_path: Path) -> None:
    """The whole file is looked at, not its beginning."""
    content = b"name\n" + b"Ada\n" * 50_000 + b"Jos\xe9\n"
    rows = opened(written(tmp_path, "s.csv", content))
    assert list(rows.records())[-1].cells == ["José"]
    assert rows.about["encoding"] == "windows-1252"


FAR: int = 1 << 16


@pytest.mark.parametrize(
    ("content", "row"),
    [
        pytest.param("Zoë\nAda\n".encode() + b"Jos\xe9\n", 3, id="Latin-1 below"),
        pytest.param(b"Jos\xe9\n" + "Zoë\n".encode(), 1, id="Latin-1 above"),
        pytest.param(b"\x80\nA\n" + "5 €\n".encode(), 1, id="three bytes"),
        pytest.param(b"\xe9\n" + "😀\n".encode(), 1, id="four bytes"),
        pytest.param(
            b"\xe9\n" + b"x" * (FAR - 9) + "\n😀\n".encode(), 1, id="over two chunks"
        ),
    ],
)
def test_two_encodings_in_one_file(tmp_path: Path, content: bytes, row: int) -> None:
    """Read as Windows-1252 whatever is UTF-8 would be another text: Zoë is ZoÃ«."""
    file = written(tmp_path, "s.csv", b"name\n" + content)
    why = rf"row {row} \(line {row + 1}\): byte 0x.. is not UTF-8: .* --encoding"
    with pytest.raises(SourceError, match=why):
        cells(file)
    assert cells(file, encoding="windows-1252")


def test_half_a_character_at_the_end(tmp_path: Path) -> None:
    """It is not UTF-8 either."""
    assert cells(written(tmp_path, "s.csv", b"name\nJos\xc3")) == [["JosÃ"]]


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        pytest.param(
            b"a\nJos\x81\n",
            {},
            r"row 1 \(line 2\): byte 0x81 is not UTF-8: .* --encoding",
            id="neither",
        ),
        pytest.param(
            b"a\nJos\xe9\n",
            {"encoding": "utf-8"},
            "byte 0xe9 is not UTF-8",
            id="UTF-8 that was asked for",
        ),
        pytest.param(
            b"a\nJos\x81\n",
            {"encoding": "windows-1252"},
            "byte 0x81 is not cp1252",
            id="Windows-1252 that was asked for",
        ),
        pytest.param("a\n1\n".encode("utf-16"), {}, "NUL byte", id="UTF-16"),
        pytest.param(b"a\n1\x00\n", {}, "NUL byte", id="NUL"),
    ],
)
def test_no_encoding_is_guessed_that_does_not_fit(
    tmp_path: Path, content: bytes, options: dict[str, str], reason: str
) -> None:
    """The row that cannot be read is named, and how to say what the file is."""
    with pytest.raises(SourceError, match=reason):
        cells(written(tmp_path, "s.csv", content), **options)


def test_an_encoding_that_was_given(tmp_path: Path) -> None:
    """Any that has ASCII in its place can be read, the BOM of UTF-8 included."""
    file = written(tmp_path, "s.csv", "a\nŁódź\n".encode("cp1250"))
    assert cells(file, encoding="cp1250") == [["Łódź"]]
    marked = written(tmp_path, "b.csv", "a\né\n".encode("utf-8-sig"))
    assert opened(marked, encoding="utf-8-sig").header == ("a",)
    assert opened(marked, encoding="utf-8").header == ("a",)


@pytest.mark.parametrize(
    ("content", "header"),
    [
        pytest.param("a,b\n1,2\n", ("a", "b"), id="commas"),
        pytest.param("a;b\n1;2\n", ("a", "b"), id="semicolons"),
        pytest.param("a\tb\n1\t2\n", ("a", "b"), id="tabs"),
        pytest.param("a|b\n1|2\n", ("a", "b"), id="bars"),
        pytest.param("a\nx;y\n", ("a",), id="one column"),
        pytest.param('"a;x",b\n1,2\n', ("a;x", "b"), id="in quotes"),
        pytest.param('"a;x",b\n', ("a;x", "b"), id="in quotes, no rows"),
        pytest.param('\n\n"a\n;x",b\n1,2\n', ("a\n;x", "b"), id="over two lines"),
        pytest.param("a,b\n1,2,3\n4\n", ("a", "b"), id="ragged, but one sign"),
        pytest.param("Net, EUR;b\n1;2\n", ("Net, EUR", "b"), id="both in the header"),
        pytest.param("a,b|c\n1,2\n", ("a", "b|c"), id="a bar inside"),
        pytest.param(
            'a,b|c\n1,2\n3,"' + "x" * 70_000 + '"\n', ("a", "b|c"), id="cut in a quote"
        ),
        pytest.param(
            "a,b|c\n" + "1,2\n" * 20_000, ("a", "b|c"), id="more than a sample"
        ),
        pytest.param(
            "a,b|c\n1," + "x" * 40_000 + "\n" + "y" * 40_000 + ",2\n",
            ("a", "b|c"),
            id="cut in a row",
        ),
    ],
)
def test_the_separator_is_found(
    tmp_path: Path, content: str, header: tuple[str, ...]
) -> None:
    """It stands in the header, outside of quotes, and the rows are as wide."""
    assert opened(written(tmp_path, "s.csv", content)).header == header


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("a,b;c\n1,2;3\n", id="both fit"),
        pytest.param("a,b;c\n", id="no rows"),
        pytest.param("a,b;c\n1\n", id="none fits"),
    ],
)
def test_a_separator_that_cannot_be_told(tmp_path: Path, content: str) -> None:
    """It is asked for, and taken from then on."""
    file = written(tmp_path, "s.csv", content)
    with pytest.raises(ColumnError, match=r"separated by , or ;: .*--delimiter"):
        opened(file)
    assert opened(file, delimiter=";").header == ("a,b", "c")
    assert opened(file, delimiter=",").about["delimiter"] == ","


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        pytest.param("sep=;\na;b,c\n1;2\n", ";", id="semicolon"),
        pytest.param("sep=,\r\na,b;c\r\n1,2\r\n", ",", id="comma"),
        pytest.param("SEP=\t\na\tb,c\n1\t2\n", "tab", id="tab"),
        pytest.param('"sep=^"\na^b,c\n1^2\n', "^", id="in quotes, and rare"),
        pytest.param("\ufeffsep=;\na;b,c\n1;2\n", ";", id="behind a BOM"),
    ],
)
def test_the_line_that_tells_excel_the_separator(
    tmp_path: Path, content: str, delimiter: str
) -> None:
    """It is no header: that is on the line below."""
    rows = opened(written(tmp_path, "s.csv", content))
    assert rows.about["delimiter"] == delimiter
    assert len(rows.header) == 2
    assert rows.header[0] == "a"
    assert list(rows.records()) == [Record(1, 3, ["1", "2"])]


def test_a_separator_that_is_given_counts(tmp_path: Path) -> None:
    """The line for Excel is none of the rows then either."""
    file = written(tmp_path, "s.csv", "sep=;\na,b;c\n1,2\n")
    assert opened(file, delimiter=",").header == ("a", "b;c")
    assert cells(file, delimiter=",") == [["1", "2"]]


def test_a_header_that_cannot_be_read_below_that_line(tmp_path: Path) -> None:
    """It is still the header that the message names, and no row."""
    file = written(tmp_path, "s.csv", b"sep=;\na;\x81\n1;2\n")
    with pytest.raises(SourceError, match="the header: byte 0x81"):
        opened(file)
    with pytest.raises(SourceError, match="the file is empty"):
        opened(written(tmp_path, "e.csv", "sep=;\n"))


def test_columns_that_begin_like_that_line(tmp_path: Path) -> None:
    """A header of one more column is a header."""
    assert opened(written(tmp_path, "s.csv", "sep=;b\n1;2\n")).header == ("sep=", "b")


def test_a_tab_has_a_name(tmp_path: Path) -> None:
    """It is said what was found, in a form that can be seen."""
    assert opened(written(tmp_path, "s", "a\tb\n")).about["delimiter"] == "tab"


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    """Whatever the file is called."""
    assert cells(written(tmp_path, "s", gzip.compress(b"a\n1\n"))) == [["1"]]
    twice = gzip.compress(b"a\n1\n") + gzip.compress(b"2\n")
    assert cells(written(tmp_path, "t", twice)) == [["1"], ["2"]]


PACKED = gzip.compress(b"a\n" + b"1234\n" * 100_000)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PACKED[:-20], id="truncated"),
        pytest.param(PACKED[:-6] + b"wrong!", id="checksum"),
        pytest.param(PACKED[:60] + b"\0" * 9 + PACKED[69:], id="damaged"),
        pytest.param(PACKED[:8], id="no more than a beginning"),
        pytest.param(b"a\n1\n", id="none at all"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"encoding": "utf-8", "delimiter": ","}])
def test_damaged_gzip(tmp_path: Path, content: bytes, options: dict[str, str]) -> None:
    """It is a stop, whenever it is found."""
    with pytest.raises(SourceError, match="gzip file is damaged"):
        cells(written(tmp_path, "s.csv.gz", content), **options)


def test_a_line_without_end_in_gzip(tmp_path: Path) -> None:
    """What unpacks to a line without an end stops at the size of a row."""
    bomb = gzip.compress(b"a\n" + b"x" * (1 << 26))
    with pytest.raises(SourceError, match="longer than 1 MiB"):
        cells(written(tmp_path, "s.csv.gz", bomb))


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """What was looked at and what was read must be the same."""
    file = written(tmp_path, "s.csv", "a\n1\n")
    rows = opened(file)
    walk = rows.records()
    assert next(walk).cells == ["1"]
    file.write_text("a\n1\n2\n", encoding="utf-8")
    with pytest.raises(SourceError, match="changed while it was read"):
        list(walk)


def test_rejected_rows_are_read_however_the_source_was_written(tmp_path: Path) -> None:
    """The options of a file are not those of its rejects file."""
    file = written(tmp_path, "r", 'reject_row,reject_code,key\n1,x,"é;1"\n')
    options = {"format": "jsonl", "encoding": "cp1250", "delimiter": ";"}
    assert cells(file, **options) == [["1", "x", "é;1"]]


@pytest.mark.parametrize("name", ["nope.csv", "."])
def test_what_cannot_be_opened(tmp_path: Path, name: str) -> None:
    """Its name and the reason are one line."""
    with pytest.raises(SourceError, match=r"(No such file|Is a directory)"):
        opened(tmp_path / name)
