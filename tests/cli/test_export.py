"""`partnero export` as a process: files, standard output, exit codes, signals."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from partnero_async import Partnero
from partnero_async.bulk import Exported
from partnero_async.cli import export as command
from partnero_async.cli.export import LISTS, Lines, _text
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import Ended, end, environment, names_in, run, start
from tests.reference import BY_ID


@pytest.fixture
async def sold(client: Partnero, shop: Sandbox) -> Sandbox:
    """Return a program with a few sales of two customers."""
    for number in range(12):
        await client.transactions.create(
            key=f"s{number}",
            customer={"key": f"c{1 + number % 2}"},
            amount=number,
            action="sale",
        )
    return shop


def keys_in(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["key"] for row in csv.DictReader(file)]


async def test_to_a_file(sold: Sandbox, tmp_path: Path) -> None:
    """What its name ends with is its format, and standard error says what was done."""
    for name in ("s.csv", "s.jsonl", "s.parquet"):
        path = tmp_path / name
        ended = await run("export", "transactions", "-o", path, env=environment(sold))
        assert (ended.code, ended.out) == (0, ""), ended
        assert ended.err.startswith(f"12 rows of transactions in {path}, ")
    assert names_in(tmp_path) == ["s.csv", "s.jsonl", "s.parquet"]
    assert (tmp_path / "s.csv").read_text().startswith("key,action,amount,")
    assert len((tmp_path / "s.jsonl").read_text().splitlines()) == 12
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 12


@pytest.mark.parametrize("output", [(), ("-o", "-")])
async def test_to_standard_output(sold: Sandbox, output: tuple[str, ...]) -> None:
    """CSV when nothing else is said, and not a word beside it."""
    ended = await run("export", "transactions", *output, env=environment(sold))
    assert ended.code == 0, ended
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["key"] for row in rows] == [f"s{n}" for n in reversed(range(12))]
    assert ended.err.startswith("12 rows of transactions, ")


async def test_filters_and_json(sold: Sandbox, tmp_path: Path) -> None:
    """What the list takes is an option; --json is one line and nothing else."""
    path = tmp_path / "s.csv"
    options = ("--customer-key", "c1", "--sort", "asc", "--limit", "2", "--window", "2")
    ended = await run(
        *("export", "transactions", *options, "--json", "--output", path),
        env=environment(sold),
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("\n") == 1
    done = json.loads(ended.out)
    assert (done["rows"], done["pages"], done["format"]) == (6, 3, "csv")
    assert keys_in(path) == [f"s{n}" for n in range(0, 12, 2)]


async def test_json_beside_standard_output(sold: Sandbox) -> None:
    """The list has standard output for itself."""
    ended = await run(
        *("export", "customers", "--format", "jsonl", "--json"), env=environment(sold)
    )
    assert [json.loads(line)["key"] for line in ended.out.splitlines()] == [
        "c3",
        "c2",
        "c1",
    ]
    assert json.loads(ended.err)["rows"] == 3


@pytest.fixture
async def programs() -> AsyncIterator[Sandbox]:
    """Run a program of each type."""
    types = ("affiliate", "refer_a_friend", "newsletter")
    async with Sandbox(programs=types) as sandbox:
        yield sandbox


async def test_every_list(programs: Sandbox) -> None:
    """Each resource with a list has a command, in the programs that have it."""
    keys = [program.api_key for program in programs.programs]
    url = programs.url
    async with (
        Partnero(keys[0], base_url=url) as affiliate,
        Partnero(keys[1], base_url=url) as friends,
        Partnero(keys[2], base_url=url) as newsletter,
    ):
        await affiliate.partners.create(email="p1@example.com", id="p1")
        await friends.referrals.create(id="r1", email="r1@example.com")
        await newsletter.rewards.create(name="Mug", subscribers_count=3)
    own = {"referrals": 1, "customer-links": 1, "subscribers": 2, "rewards": 2}
    owners = {"partner-links": ["p1"], "customer-links": ["r1"]}
    rows = {"partners": 1, "referrals": 1, "rewards": 1}
    for name in LISTS:
        env = environment(programs, PARTNERO_API_KEY=keys[own.get(name, 0)])
        ended = await run("export", name, *owners.get(name, []), "--json", env=env)
        assert ended.code == 0, ended
        links = int(name in owners)
        assert json.loads(ended.err)["rows"] == rows.get(name, links), name


def test_every_list_has_a_command() -> None:
    """What the API lists can be exported, but for webhooks, which are no records."""
    listed = {
        name.removesuffix(".list").replace("_", "-")
        for name in BY_ID
        if name.endswith(".list")
    }
    assert set(LISTS) == listed - {"webhooks"}


async def test_a_reader_that_leaves(sold: Sandbox) -> None:
    """As in ``| head -1``: it ends without a word."""
    sold.latency = 0.05
    reader, writer = os.pipe()
    command = ("export", "transactions", "--limit", "1")
    process = await start(*command, env=environment(sold), out=writer)
    os.close(writer)
    assert await asyncio.to_thread(os.read, reader, 4) == b"key,"
    os.close(reader)
    assert await asyncio.wait_for(end(process), 10) == Ended(141, "", "")


@pytest.mark.parametrize("path", [True, False])
async def test_interrupted(sold: Sandbox, tmp_path: Path, *, path: bool) -> None:
    """Exit code 130 and no file; the same command goes on."""
    sold.latency = 0.05
    target = tmp_path / "s.csv" if path else "-"
    tokens = ("export", "transactions", "--limit", "1", "-o", target)
    process = await start(*tokens, env=environment(sold))
    before = sold.requests
    while sold.requests - before < 5:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    process.send_signal(signal.SIGINT)
    ended = await asyncio.wait_for(end(process), 5)
    assert ended.code == 130, ended
    if not path:
        assert ended.err == ""
        return
    assert ended.err == "partnero: interrupted; the same command goes on\n"
    assert names_in(tmp_path) == ["s.csv.part", "s.csv.part.state"]
    sold.latency = 0.0
    again = await run(*tokens, "--json", env=environment(sold))
    assert again.code == 0, again
    assert json.loads(again.out)["resumed"] >= 1
    assert keys_in(tmp_path / "s.csv") == [f"s{n}" for n in reversed(range(12))]


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        pytest.param(["partners", "--limit", "251"], "limit=251", id="page"),
        pytest.param(["payouts", "--limit", "101"], "limit=101", id="payouts"),
        pytest.param(["partners", "--window", "0"], "Must be >= 1", id="window"),
        pytest.param(["partners", "--format", "xlsx"], "xlsx", id="format"),
        pytest.param(["partners", "--key", "x"], "Unknown option", id="filter"),
        pytest.param(["partner-links"], "ID", id="owner"),
        pytest.param(["leads", "--importable"], "no import takes", id="importable"),
        pytest.param(["webhooks"], "Unknown command", id="webhooks"),
        pytest.param(["rewards", "--limit", "2"], "Unknown option", id="no pages"),
        pytest.param(["referrals"], "affiliate program", id="other program"),
        pytest.param(
            ["partners", "-o", "/nowhere/x.csv"], "there is no folder", id="no folder"
        ),
    ],
)
async def test_what_cannot_work(sold: Sandbox, tokens: list[str], reason: str) -> None:
    """One line, and exit code 2."""
    ended = await run("export", *tokens, env=environment(sold))
    assert ended.code == 2, ended
    assert ended.err.startswith("partnero: ")
    assert ended.err.count("\n") == 1
    assert reason in ended.err


async def test_begin_anew(sold: Sandbox, tmp_path: Path) -> None:
    """What is there of another export is refused, and --restart drops it."""
    path = tmp_path / "s.csv"
    sold.fail_next("transactions.list", how=401)
    tokens = ("export", "transactions", "-o", path)
    assert (await run(*tokens, env=environment(sold))).code == 2
    sold.latency = 0.05
    process = await start(*tokens, "--limit", "1", env=environment(sold))
    before = sold.requests
    while sold.requests - before < 5:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    process.kill()
    await end(process)
    sold.latency = 0.0
    ended = await run(*tokens, env=environment(sold))
    assert ended.code == 2
    assert "is of another export, whose list is" in ended.err
    assert "(--restart)" in ended.err
    assert (await run(*tokens, "--restart", env=environment(sold))).code == 0
    assert names_in(tmp_path) == ["s.csv"]


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Every five seconds a line says how far it is."""
    lines = Lines("partners")
    for elapsed, rows in ((1.0, 1), (5.5, 2), (9.0, 3), (11.0, 4)):
        lines(
            Exported(
                operation="GET /partners",
                format="csv",
                path=None,
                rows=rows,
                elapsed=elapsed,
            )
        )
    assert capsys.readouterr().err.splitlines() == [
        "exporting: 2 rows of partners",
        "exporting: 4 rows of partners",
    ]


def test_what_is_told_at_the_end() -> None:
    """Everything that is not as one might expect is said."""
    done = Exported(
        operation="GET /partners",
        format="csv",
        path=Path("p.csv"),
        rows=10,
        resumed=4,
        defused=2,
        left_out=1,
        incomplete=3,
        elapsed=1.25,
    )
    assert _text("partners", done).splitlines() == [
        "10 rows of partners in p.csv (4 were there before), 1.2 s",
        "1 left out: archived, deleted or pending",
        (
            "3 without all that they are: commissions that are shared, rejected or no"
            " money, or products that no column takes"
        ),
        "2 cells begin like a formula: a ' is before them",
    ]


def test_help_says_what_is_taken() -> None:
    """Each filter of a list has its words."""
    for name, lists in LISTS.items():
        made = command._command(name, lists)
        assert name in (made.__doc__ or "")
