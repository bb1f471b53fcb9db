"""Mapping files: options that are used again, and those that come along."""

from __future__ import annotations

from pathlib import Path

import pytest

from partnero_async.bulk import (
    ColumnError,
    Source,
    SourceOptions,
    dry_run,
    load_mapping,
    mapping_names,
)
from partnero_async.bulk.mapping_file import merged
from partnero_async.bulk.plan import plan_of
from tests.bulk.reading import written

FILE = """
delimiter = ";"
decimal_comma = true
date_format = "%d.%m.%Y"
ignore = ["Notes"]

[columns]
key = "Number"
"partner.key" = "Referred by"

[constants]
action = "sale"

[transactions]
ignore = ["CDs"]
columns = { key = "Order", amount = "Total" }

[partners]
format = "jsonl"
"""


def test_a_table_of_a_resource_wins(tmp_path: Path) -> None:
    """What stands above is for all resources, and a table for its own."""
    file = written(tmp_path, "shop.toml", FILE)
    shared = {
        "delimiter": ";",
        "decimal_comma": True,
        "date_format": "%d.%m.%Y",
        "constants": {"action": "sale"},
    }
    assert load_mapping(file, "transactions") == {
        **shared,
        "columns": {"key": "Order", "partner.key": "Referred by", "amount": "Total"},
        "ignore": ["Notes", "CDs"],
    }
    assert load_mapping(str(file), "customers") == {
        **shared,
        "columns": {"key": "Number", "partner.key": "Referred by"},
        "ignore": ["Notes"],
    }
    source = Source(path="s.csv", **load_mapping(file, "transactions"))
    assert (source.delimiter, source.decimal_comma) == (";", True)


def test_what_is_given_by_hand_wins() -> None:
    """A field has one origin, and a column that is wanted is not left out."""
    under: SourceOptions = {
        "columns": {"key": "A", "action": "B", "name": "C"},
        "constants": {"amount_units": "EUR"},
        "ignore": ["D", "E"],
        "delimiter": ";",
    }
    over: SourceOptions = {
        "columns": {"key": "D", "amount_units": "F"},
        "constants": {"action": "sale"},
        "ignore": ["G"],
        "delimiter": ",",
    }
    assert merged(under, over) == {
        "columns": {"key": "D", "name": "C", "amount_units": "F"},
        "constants": {"action": "sale"},
        "ignore": ["E", "G"],
        "delimiter": ",",
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('colums = {key = "A"}', "'colums' is no option; did you mean columns?"),
        ("x = 1", "'x' is no option; did you mean columns or constants"),
        ('[transaction]\nignore = ["A"]', "did you mean transactions?"),
        ("[columns]\nkey = 1", "columns takes a table of texts"),
        ("constants = 1", "constants takes a table of texts"),
        ('ignore = "A"', "ignore takes a list of texts"),
        ("ignore = [1]", "ignore takes a list of texts"),
        ('decimal_comma = "yes"', "decimal_comma takes true or false"),
        ("delimiter = 1", "delimiter takes a text"),
        ("transactions = 1", "a resource has a table of options"),
        ("[transactions]\ncolumn = 1", "'column' is no option; did you mean columns?"),
        ("columns = ", "no TOML"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_a_file_that_holds_what_is_no_option(
    tmp_path: Path, content: bytes | str, why: str
) -> None:
    """It is named, with the nearest name that is one."""
    file = written(tmp_path, "m.toml", content)
    with pytest.raises(ColumnError) as caught:
        load_mapping(file, "transactions")
    assert f"--mapping {file}: " in str(caught.value)
    assert why in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    """A name that is none of ours, and no file, says what there is."""
    with pytest.raises(
        ColumnError, match="neither a file nor one of affiliatepress, affiliatewp, dub"
    ):
        load_mapping("rewardfull", "partners")
    with pytest.raises(
        ColumnError, match=r"^--mapping no\.toml: No such file or directory$"
    ):
        load_mapping("no.toml", "partners")


HEADERS = {
    "affiliatepress": (
        "Affiliate ID,Username,User Email,First Name,Last Name,Payout Email,"
        "Unpaid Earnings,Paid Earnings,Website,Status,Total Visit,Converted,"
        "How Will You Promote Us?,Date Registered"
    ),
    "affiliatewp": (
        "Affiliate ID,Email,Name,Payment Email,Username,Rate,Rate Type,Earnings,"
        "Referrals,Visits,Conversion Rate,Status,Date Registered"
    ),
    "dub": "ID,Name,Email,Country,Status,Enrolled at,Payouts enabled at",
}
"""The first line of what each exports, from the source that its mapping names."""


def test_there_is_a_header_for_each_ready_mapping() -> None:
    """So that none is shipped that was never tried."""
    assert mapping_names() == sorted(HEADERS)


@pytest.mark.parametrize(("name", "header"), HEADERS.items())
async def test_a_ready_mapping_reads_what_its_system_exports(
    tmp_path: Path, name: str, header: str
) -> None:
    """Each row becomes a partner, and the mapping says where the columns are from."""
    folder = Path(__file__).parents[2] / "partnero_async" / "bulk" / "mappings"
    assert "https://" in (folder / f"{name}.toml").read_text(encoding="utf-8")
    cells = [f"{column}@example.com".replace(" ", "") for column in header.split(",")]
    file = written(tmp_path, "partners.csv", f"{header}\n{','.join(cells)}\n")
    options = load_mapping(name, "partners")
    plan = plan_of("partners", Source(path=file, **options), header.split(","))
    assert {field.name for _, field in plan.takes} == set(options.get("columns", {}))
    arguments = plan.read(cells).arguments
    assert {"key", "email", "name"} <= arguments.keys()
    assert arguments["email"] in ("Email@example.com", "UserEmail@example.com")
    assert "ID@" in arguments["key"]
    with await dry_run("partners", Source(path=file, **options)) as checked:
        assert checked.refuse == 0
