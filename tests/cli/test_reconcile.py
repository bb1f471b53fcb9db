"""`partnero reconcile` as a process: exit codes, forms, and what to do."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shlex
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async.bulk import reconcile, run_import
from partnero_async.bulk.whole import whole
from partnero_async.cli._differences import summary, write_table
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import (
    HEADER,
    Ended,
    end,
    environment,
    names_in,
    read_csv,
    run,
    sale,
    sales_in,
    start,
    write_csv,
)

pytestmark = pytest.mark.usefixtures("shop")


async def sell(client: Partnero, number: int, **more: Any) -> None:
    """Record the sale of a row of that number."""
    values: dict[str, Any] = {
        "customer": {"key": "c1"},
        "amount": Decimal(f"{number}.25"),
        "created_at": datetime(2024, 1, 31, tzinfo=UTC),
        "action": "sale",
        **more,
    }
    await client.transactions.create(key=f"s{number}", **values)


@pytest.fixture
async def file(client: Partnero, shop: Sandbox, tmp_path: Path) -> Path:
    """Write a file of five sales: of one the amount differs, and one is missing."""
    del shop  # opened by now
    for number in (1, 2, 3):
        await sell(client, number)
    await sell(client, 4, amount=Decimal("4.00"))
    return write_csv(tmp_path / "t.csv", map(sale, range(1, 6)))


async def compare(shop: Sandbox, *arguments: str | Path) -> Ended:
    """Run the command."""
    command = ("reconcile", "transactions", *arguments)
    return await run(*command, env=environment(shop, COLUMNS="120"))


async def test_nothing_differs(shop: Sandbox, file: Path) -> None:
    """Exit code 0, and what the money adds up to."""
    write_csv(file, map(sale, range(1, 4)))
    ended = await compare(shop, file)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "3 rows, 3 of them as they are in the program\n"
        "       in the file  recorded  difference\n"
        "  USD         6.75      6.75        0.00\n"
    )


async def test_a_table(shop: Sandbox, file: Path) -> None:
    """Exit code 1: what differs, by what it means, and what to do about it."""
    ended = await compare(shop, file)
    assert (ended.code, ended.err) == (1, "")
    table, _, told = ended.out.partition("5 rows, 3 of them as they are")
    lines = [line.split() for line in table.splitlines()[3:]]
    assert lines == [
        ["5", "s5", "missing", "5.25", "of", "c1"],
        ["4", "s4", "amount", "4.25", "4"],
        [],
    ]
    assert "  missing    1\n  amount     1\n" in told
    assert "  USD        16.25     10.75       -5.50\n" in told
    assert "\nmissing: import them: " in told
    assert "\namount: a sale cannot be changed: " in told


async def test_a_csv_file(shop: Sandbox, file: Path) -> None:
    """A line a difference on standard output, and the summary beside it."""
    ended = await compare(shop, file, "--as", "csv")
    assert ended.code == 1
    assert ended.err.startswith("5 rows, 3 of them as they are in the program\n")
    header, *lines = csv.reader(io.StringIO(ended.out, newline=""))
    assert header == ["row", "line", "key", "kind", "given", "recorded", "next"]
    assert [line[:-1] for line in lines] == [
        ["4", "5", "s4", "amount", "4.25", "4"],
        ["5", "6", "s5", "missing", "5.25 of c1", ""],
    ]
    assert lines[1][-1].startswith("import them")


async def test_json(shop: Sandbox, file: Path) -> None:
    """One object, and nothing else; amounts are texts."""
    ended = await compare(shop, file, "--as", "json")
    assert (ended.code, ended.err) == (1, "")
    told = json.loads(ended.out)
    assert (told["rows"], told["equal"], told["exit_code"]) == (5, 3, 1)
    assert told["counts"] == {"amount": 1, "missing": 1}
    assert told["money"][0]["difference"] == "-5.50"
    assert set(told["next"]) == {"amount", "missing"}
    assert [each["key"] for each in told["differences"]] == ["s4", "s5"]


async def test_json_where_nothing_differs(shop: Sandbox, file: Path) -> None:
    """It is whole, too."""
    write_csv(file, [sale(1)])
    ended = await compare(shop, file, "--as", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["differences"] == []


async def test_to_a_file(shop: Sandbox, file: Path, tmp_path: Path) -> None:
    """The differences go there, and standard output says what came of it."""
    output = tmp_path / "out.csv"
    ended = await compare(shop, file, "--as", "csv", "-o", output)
    assert ended.code == 1
    assert ended.out.startswith("5 rows, 3 of them as they are in the program\n")
    assert [line[2] for line in read_csv(output)] == ["key", "s4", "s5"]
    assert not output.with_name("out.csv.part").exists()


async def test_what_is_missing_is_imported_with_the_command_that_is_told(
    shop: Sandbox, file: Path, tmp_path: Path
) -> None:
    """From the first look to a program that agrees: nothing but what is told."""
    header = ("Order", "Customer", "Total", "When", "n", "CDs")
    rows = [(*sale(number)[:4], "1", "2") for number in range(1, 7)]
    rows = [(key, buyer, total, day, *more) for key, buyer, total, day, *more in rows]
    write_csv(file, [*rows[:3], *rows[4:]], header=header)
    maps = (
        *("--map", "key=Order", "customer.key=Customer", "amount=Total"),
        *("--map", "created_at=When", "--set", "action=sale"),
        *("--ignore", "CDs", "n"),
    )
    missing = tmp_path / "what is missing.csv"
    ended = await compare(shop, file, *maps, "--missing", missing)
    assert ended.code == 1
    (command,) = [line for line in ended.out.splitlines() if "partnero import" in line]
    name, *arguments = shlex.split(command)
    assert name == "partnero"
    imported = await run(*arguments, env=environment(shop))
    assert imported.code == 0, imported
    assert "done      2" in imported.out
    again = await compare(shop, file, *maps, "--missing", missing)
    assert again.code == 0, again
    assert [key for key, _ in sales_in(shop)] == [f"s{n}" for n in range(1, 7)]


async def test_what_the_file_does_not_have(shop: Sandbox, file: Path) -> None:
    """On request only: the file of a day is not the program of years."""
    write_csv(file, [sale(1)])
    assert (await compare(shop, file)).code == 0
    ended = await compare(shop, file, "--surplus", "--as", "json")
    assert ended.code == 1
    assert json.loads(ended.out)["counts"] == {"surplus": 3}


async def test_texts_that_are_more_than_texts(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """No key moves a cursor, is markup, or is a formula in a spreadsheet."""
    evil = "=cmd|'[red]x\x1b[2J"
    await client.transactions.create(
        key=evil, customer={"key": "c1"}, amount=Decimal(-1)
    )
    file = write_csv(tmp_path / "t.csv", [("[bold]k", "+1", "-2", "", "")])
    ended = await compare(shop, file, "--surplus")
    assert "\x1b" not in ended.out
    assert "[bold]k" in ended.out
    assert "=cmd|'[red]x [2J" in ended.out
    ended = await compare(shop, file, "--surplus", "--as", "csv")
    _, missing, surplus = csv.reader(io.StringIO(ended.out, newline=""))
    assert missing[4] == "-2 of +1".replace("-2", "'-2")
    assert surplus[2] == f"'{evil}"


async def test_a_long_table_shows_the_first_of_each_kind(
    client: Partnero, tmp_path: Path
) -> None:
    """The rest is in the other forms."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(30)))
    with await reconcile(client, file) as found:
        out = io.StringIO()
        write_table(found, out)
    lines = out.getvalue().splitlines()
    assert sum("s1" in line for line in lines) == 11
    assert lines[-2].split() == ["missing", "10", "more"]


async def test_a_list_that_may_have_shifted(client: Partnero, tmp_path: Path) -> None:
    """What was not asked for again is not passed off as certain."""
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    with await reconcile(client, file) as found:
        assert "shifts" not in summary(found, None)
        found.asked_again = False
        found.money[0].units = ""
        told = summary(found, None)
    assert "A list shifts while it is read" in told
    assert "  money " in told


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(["--map", "key"], "write --map field=...", id="map"),
        pytest.param(["--map", "keys=a"], "there is no such field", id="field"),
        pytest.param(["--as", "xml"], "xml", id="format"),
        pytest.param(["-o", "t.csv"], "must be different files", id="same file"),
        pytest.param(
            ["-o", "x.csv", "--missing", "./x.csv"], "different files", id="same output"
        ),
        pytest.param(["-o", "none/x.csv"], "there is no folder none", id="no folder"),
        pytest.param(["--missing", "."], "cannot be written", id="a folder"),
        pytest.param(["-o", "/proc/self/fd/1"], "cannot be written", id="a pipe"),
    ],
)
async def test_what_cannot_work(
    shop: Sandbox,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    reason: str,
) -> None:
    """Exit code 2, one line on standard error, and no file is touched."""
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    before = read_csv(file)
    ended = await compare(shop, "t.csv", *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert reason in ended.err
    assert names_in(file.parent) == ["t.csv"]
    assert read_csv(file) == before


async def test_a_file_that_cannot_be_written_to_its_end(
    shop: Sandbox, file: Path, tmp_path: Path
) -> None:
    """What was there before is left alone, and no half is left beside it."""
    output = write_csv(tmp_path / "out.csv", [])
    half_of_a_pair = "\ud800"
    with pytest.raises(UnicodeEncodeError), whole(output) as out:
        out.write(half_of_a_pair)
    assert read_csv(output) == [list(HEADER)]
    assert names_in(tmp_path) == ["out.csv", "t.csv"]
    assert (await compare(shop, file, "-o", output)).code == 1


async def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    """TERM is what Ctrl-C is: 130, nothing on standard error, nothing half written."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(5)))
    async with Sandbox(latency=10) as slow:
        arguments = ("reconcile", "transactions", file, "-o", tmp_path / "out.csv")
        process = await start(*arguments, env=environment(slow))
        # Sleeping is how a test waits for a server's counter.
        while not slow.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        process.terminate()
        ended = await end(process)
    assert (ended.code, ended.out, ended.err) == (130, "", "")
    assert names_in(tmp_path) == ["t.csv"]


async def test_after_an_import(client: Partnero, shop: Sandbox, tmp_path: Path) -> None:
    """The morning after: what was imported is all there."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(60)))
    await run_import(client, "transactions", file)
    assert (await compare(shop, file, "--surplus")).code == 0
