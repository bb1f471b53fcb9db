"""JSON Lines: an object a line, exact, and what is none is a rejected row."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from partnero_async.bulk import ColumnError, SourceError
from partnero_async.bulk.table import WHOLE, Record
from tests.bulk.reading import cells, opened, records, written


def test_objects_become_rows(tmp_path: Path) -> None:
    """Members are columns, nested ones with dots; what is missing is empty."""
    content = (
        '{"key": "s1", "customer": {"key": "c1", "tags": ["a", "b"]}}\r\n'
        "\n"
        '{"customer": {"key": "c2"}, "amount": 1.10, "rewarded": true, "none": null}'
    )
    rows = opened(written(tmp_path, "s.jsonl", content))
    assert rows.header == (
        *("key", "customer.key", "customer.tags"),
        *("amount", "rewarded", "none"),
    )
    assert list(rows.records()) == [
        Record(1, 1, ["s1", "c1", "a;b", "", "", ""], []),
        Record(2, 3, ["", "c2", "", "1.10", "true", ""], []),
    ]
    assert rows.about == {"format": "jsonl", "encoding": "utf-8"}


@pytest.mark.parametrize(
    ("number", "cell"),
    [
        ("10.50", "10.50"),
        ("1e3", "1000"),
        ("1E-7", "0.0000001"),
        ("0.1", "0.1"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("-7", "-7"),
        ("1e400000000", "1E+400000000"),
    ],
)
def test_numbers_are_exact(tmp_path: Path, number: str, cell: str) -> None:
    """They are never floats, and never so long that they fill the memory."""
    file = written(tmp_path, "s.jsonl", f'{{"a": {number}}}')
    assert cells(file) == [[cell]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("{key: 1}", "no JSON: Expecting", id="no JSON"),
        pytest.param("[1]", "one JSON object", id="a list"),
        pytest.param("[" * 100_000, "no JSON: maximum recursion", id="deep"),
        pytest.param('{"a":' * 30 + "1" + "}" * 30, "too deeply", id="nested"),
        pytest.param('{"a": NaN}', "NaN is no JSON", id="NaN"),
        pytest.param('{"a": 1, "a": 1}', "two members are called 'a'", id="twice"),
        pytest.param(
            '{"a": {"b": 1}, "a.b": 1}', "two members are called 'a.b'", id="dotted"
        ),
        pytest.param('{"a": ' + "9" * 5000 + "}", "no JSON: Exceeds", id="digits"),
        pytest.param('{"a": 1e99999999999999999999}', "no JSON", id="exponent"),
        pytest.param('{"": 1}', "a member is called", id="no name"),
        pytest.param('{"\\ud800": 1}', "a member is called", id="half a name"),
    ],
)
@pytest.mark.parametrize("header", ['{"a": 1}', '{"a": 1, "b": 2}'])
def test_a_line_that_is_no_row(
    tmp_path: Path, line: str, reason: str, header: str
) -> None:
    """It is rejected as it stands, never as wide as a row, and the others go on."""
    file = written(tmp_path, "s.jsonl", f"{header}\n{line}\n{header}\n")
    good, bad, other = records(file)
    assert good.cells == other.cells
    assert (bad.row, bad.line, bad.cells[0]) == (2, 2, line)
    assert len(bad.cells) != len(good.cells)
    ((position, why),) = bad.problems
    assert position == WHOLE
    assert reason in why


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param('"\\ud800"', "surrogate", id="surrogate"),
        pytest.param('"\\u0000"', "NUL", id="NUL"),
        pytest.param("[1]", "'1' cannot be one of several tags", id="no text"),
        pytest.param('["a;b"]', "cannot be one of several tags", id="semicolon"),
        pytest.param('[" "]', "cannot be one of several tags", id="blank"),
    ],
)
def test_a_value_that_is_no_cell(tmp_path: Path, value: str, reason: str) -> None:
    """The problem is that of its column."""
    file = written(tmp_path, "s.jsonl", f'{{"k": "a", "v": {value}}}')
    (record,) = records(file)
    ((position, why),) = record.problems
    assert position == 1
    assert reason in why
    assert record.digest()


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        pytest.param(b"", SourceError, "no line holds", id="empty"),
        pytest.param(b"{}\nno\n", SourceError, "no line holds", id="no members"),
        pytest.param(
            b'{"a": 1}\n{"a": "\xff"}',
            SourceError,
            r"row 2 \(line 2\): byte 0xff",
            id="not UTF-8",
        ),
        pytest.param(
            b'{"a": "' + b"x" * (1 << 20) + b'"}',
            SourceError,
            r"row 1 \(line 1\): longer than 1 MiB$",
            id="1 MiB",
        ),
        pytest.param(
            b"".join(b'{"m%d": 1}\n' % number for number in range(2001)),
            ColumnError,
            "more than 2000 columns",
            id="columns without end",
        ),
    ],
)
def test_what_stops_the_reading(
    tmp_path: Path, content: bytes, error: type[Exception], reason: str
) -> None:
    """What is wrong with the file as a whole ends it, before anything is sent."""
    with pytest.raises(error, match=reason):
        records(written(tmp_path, "s.jsonl", content))


def test_gzip_and_bom(tmp_path: Path) -> None:
    """Both are taken off."""
    content = gzip.compress('{"a": "é"}'.encode("utf-8-sig"))
    assert cells(written(tmp_path, "s.jsonl.gz", content)) == [["é"]]
