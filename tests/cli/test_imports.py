"""`partnero import` as a process: exit codes, lines, signals."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async.bulk import JournalWriteError, Listed, Report, run_import
from partnero_async.cli import _runs
from partnero_async.cli._telling import text
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import (
    COMMAND,
    end,
    environment,
    expected,
    names_in,
    run,
    sale,
    sales_in,
    start,
    write_csv,
)

SHOP = ("Order", "Customer ID", "Order date", "CDs", "Total (USD)")
MAPS = (
    *("--map", "key=Order", "customer.key=Customer ID"),
    *("--map", "created_at=Order date", "--map", "amount=Total (USD)"),
    *("--set", "action=sale"),
)


async def test_a_shops_file(shop: Sandbox, tmp_path: Path) -> None:
    """Exit code 0: all rows are done, and standard output says so."""
    rows = [
        ("o1", "c1", "1997-01-01", "2", "29.33"),
        ("o2", "c2", "1997-01-02", "1", "0.00"),
    ]
    file = write_csv(tmp_path / "t.csv", rows, header=SHOP)
    ended = await run(
        "import", "transactions", file, *MAPS, "--ignore", "CDs", env=environment(shop)
    )
    assert ended.code == 0, ended
    assert "2 rows of transactions\n  done      2\n" in ended.out
    assert "sending: " in ended.err
    assert [key for key, _ in sales_in(shop)] == ["o1", "o2"]


async def test_rejected_rows_and_json(shop: Sandbox, tmp_path: Path) -> None:
    """Exit code 1: some were rejected; --json is one line and nothing else."""
    file = write_csv(tmp_path / "t.csv", [sale(1), ("s2", "c1", "x", "", "")])
    rejects = tmp_path / "bad.csv"
    ended = await run(
        *("import", "transactions", file, "--json", "--rejects", rejects),
        *("--journal", tmp_path / "j"),
        env=environment(shop),
    )
    assert ended.code == 1
    report = json.loads(ended.out)
    assert ended.out.count("\n") == 1
    assert (report["done"], report["rejected"], report["exit_code"]) == (1, 1, 1)
    assert report["first_rejected"][0]["code"] == "malformed"
    assert report["rejects"] == str(rejects)
    assert rejects.exists()
    assert (tmp_path / "j").exists()


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        pytest.param(None, [], "t.csv: No such file", id="missing file"),
        pytest.param(
            b"key,Tota\n", [], "column 'Tota' is no field", id="unknown column"
        ),
        pytest.param(b"a\x81\n", [], "is not UTF-8", id="encoding of the header"),
        pytest.param(
            b"key,customer.key,amount\ns1,c1,1\n\x81,c1,1\n",
            [],
            "row 2 (line 3): byte 0x81 is not UTF-8",
            id="encoding of a row",
        ),
        pytest.param(b"key\n", ["--map", "key"], "write --map field=", id="bad map"),
        pytest.param(
            b"key\n",
            ["--map", "key=a", "--map", "key=b"],
            "gives key twice",
            id="twice",
        ),
        pytest.param(b"key\n", ["--set", "amount=1,5"], "no column", id="no customer"),
        pytest.param(
            b"key\n", ["--limit", "5"], "for --limit. '5' is not a rate", id="limit"
        ),
    ],
)
async def test_what_cannot_work_sends_nothing(
    *,
    shop: Sandbox,
    tmp_path: Path,
    content: bytes | None,
    options: list[str],
    reason: str,
) -> None:
    """Exit code 2: one clear line on standard error, and nothing was sent."""
    file = tmp_path / "t.csv"
    if content is not None:
        file.write_bytes(content)
    ended = await run("import", "transactions", file, *options, env=environment(shop))
    assert (ended.code, ended.out) == (2, ""), ended
    *progress, line = ended.err.splitlines()
    assert line.startswith("partnero: ")
    assert reason in line
    assert all(text.startswith("reading: ") for text in progress)
    assert sales_in(shop) == []
    assert not (tmp_path / "t.csv.journal").exists()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        pytest.param("wrong", "401", id="wrong key"),
        pytest.param("", "PARTNERO_API_KEY", id="no key"),
    ],
)
async def test_a_key_that_does_not_fit(
    shop: Sandbox, tmp_path: Path, key: str, reason: str
) -> None:
    """Exit code 2: the key is checked before anything is sent."""
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    env = environment(shop, PARTNERO_API_KEY=key)
    ended = await run("import", "transactions", file, env=env)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert reason in ended.err
    assert sales_in(shop) == []


async def test_interrupted_and_started_again(shop: Sandbox, tmp_path: Path) -> None:
    """Exit code 130: a signal ends it in order; started again, it goes on."""
    shop.latency = 0.05
    file = write_csv(tmp_path / "t.csv", map(sale, range(80)))
    command = ("import", "transactions", file, "--concurrency", "4", "--json")
    process = await start(*command, env=environment(shop))
    while len(sales_in(shop)) < 8:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    ended = await end(process)
    assert ended.code == 130, ended
    report = json.loads(ended.out)
    assert report["done"] == len(sales_in(shop))
    assert report["sent"] == 0
    assert report["pending"] > 0
    shop.latency = 0.0
    assert (await run(*command, env=environment(shop))).code == 0
    assert sales_in(shop) == expected(range(80))


async def test_a_second_signal_is_immediate(shop: Sandbox, tmp_path: Path) -> None:
    """Who signals twice does not wait; what was under way is looked up later."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(200)))
    command = ("import", "transactions", file, "--concurrency", "4", "--settle", "0.1")
    process = await start(*command, env=environment(shop))
    while len(sales_in(shop)) < 8:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    shop.answer_latency = 30.0
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    ended = await asyncio.wait_for(end(process), 3)
    assert (ended.code, ended.out) == (130, "")
    shop.answer_latency = 0.0
    assert (await run(*command, env=environment(shop))).code == 0
    assert sales_in(shop) == expected(range(200))


async def test_resolve(shop: Sandbox, tmp_path: Path) -> None:
    """Exit code 2 for a journal that is not there, 0 where nothing is in doubt."""
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    env = environment(shop)
    assert (await run("import", "transactions", file, env=env)).code == 0
    ended = await run("import", "resolve", f"{file}.journal", "--json", env=env)
    assert (ended.code, json.loads(ended.out)["done"]) == (0, 1)
    ended = await run("import", "resolve", tmp_path / "nope", env=env)
    assert ended.code == 2
    assert "no such journal" in ended.err


async def test_resolving_a_damaged_journal(shop: Sandbox, tmp_path: Path) -> None:
    """Exit code 2 and one line, wherever in the file the damage is."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(600)))
    journal = Path(f"{file}.journal")
    env = environment(shop)
    assert (await run("import", "transactions", file, env=env)).code == 0
    damage(journal)
    ended = await run("import", "resolve", journal, env=env)
    assert (ended.code, ended.out) == (2, ""), ended
    *progress, line = ended.err.splitlines()
    assert line.startswith(f"partnero: {journal} is damaged: bring back a copy")
    assert all("rows" in text for text in progress)


def damage(journal: Path) -> None:
    """Overwrite all but the first pages of a journal."""
    whole = journal.read_bytes()
    kept = 8 * 4096
    journal.write_bytes(whole[:kept] + b"\xff" * (len(whole) - kept))


async def test_a_narrow_encoding_does_not_cost_the_report(
    shop: Sandbox, tmp_path: Path
) -> None:
    """A key that the output's encoding does not have is written as an escape."""
    rows = [("\u043a-1", "nobody", "1", "", ""), sale(1)]
    file = write_csv(tmp_path / "t.csv", rows)
    env = environment(shop, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    ended = await run("import", "transactions", file, env=env)
    assert ended.code == 1, ended
    assert "rejected: row 1 (\\u043a-1): " in ended.out


def report(**values: Any) -> Report:
    """Make a report."""
    return Report(resource="transactions", journal=Path("s.csv.journal"), **values)


def test_everything_that_a_report_may_say() -> None:
    """The text lists what needs attention, and what to do next."""
    told = text(
        report(
            rows=30,
            done=3,
            already_there=1,
            rejected=23,
            parked=1,
            sent=1,
            pending=2,
            refused="the key is revoked",
            unreachable="no connection",
            rejects=Path("r.csv"),
            first_rejected=[Listed(1, None, "missing", "no key\x1b[2J")],
            unread_amounts=2,
            first_parked=[Listed(2, "s2", "several", "2 sales have the key s2")],
        )
    )
    assert told.splitlines() == [
        "30 rows of transactions",
        "  done      3 (1 were there before)",
        "  rejected  23",
        "  parked    2",
        "  pending   2",
        "            without 2 rows whose amounts cannot be read",
        "0 requests, 0 of them refused for the rate (429), 0.0 s",
        "rejected: row 1: no key [2J",
        "rejected: 22 more",
        "parked: row 2 (s2): 2 sales have the key s2",
        "parked: 1 more",
        "mend the rejected rows, and import them with the same options: r.csv",
        "look up what is in doubt: partnero import resolve s.csv.journal",
        "stopped, the API refuses: the key is revoked",
        "stopped for now: no connection",
        "start the same import again to go on",
    ]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        pytest.param({}, 0, id="done"),
        pytest.param({"rejected": 1}, 1, id="rejected"),
        pytest.param({"pending": 1}, 1, id="pending"),
        pytest.param({"parked": 1, "rejected": 1}, 3, id="parked"),
        pytest.param({"sent": 1}, 3, id="under way"),
        pytest.param({"refused": "no", "pending": 1}, 2, id="refused"),
        pytest.param({"refused": "no", "done": 1}, 1, id="refused on the way"),
        pytest.param({"refused": "no", "parked": 1}, 3, id="refused and in doubt"),
        pytest.param({"unreachable": "no", "pending": 1}, 1, id="unreachable"),
        pytest.param({"rejects_problem": "no"}, 1, id="rejects not written"),
        pytest.param({"interrupted": True, "refused": "no"}, 130, id="interrupted"),
    ],
)
def test_exit_codes(values: dict[str, Any], code: int) -> None:
    """The worst of what happened is the exit code."""
    assert report(**values).exit_code == code


async def test_a_rejects_file_that_fails_in_the_end(
    *,
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The report is printed all the same, and the problem on standard error."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("partnero_async.bulk.tally.write_rejects", full)
    file = write_csv(tmp_path / "t.csv", [sale(1), ("s2", "c1", "x", "", "")])
    made = await run_import(client, "transactions", file)
    assert (made.done, made.rejected, made.rejects, made.exit_code) == (1, 1, None, 1)
    assert sales_in(shop) == expected([1])

    async def work(*_: Any, **__: Any) -> Report:
        return made

    monkeypatch.setattr(_runs, "_run", work)
    code = await asyncio.to_thread(_runs.to_the_end, work, limit=None, as_json=True)
    captured = capsys.readouterr()
    assert code == 1
    assert json.loads(captured.out)["done"] == 1
    assert captured.err.startswith("partnero: the rejected rows were not written: ")
    assert captured.err.endswith("t.csv.rejects.csv: No space left on device\n")


async def test_a_journal_that_could_be_written_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What came of it is told all the same; without anything it is just an error."""
    stopped = JournalWriteError("the disk is full")

    async def work(*_: Any, **__: Any) -> Report:
        raise stopped

    def end() -> int:
        return _runs.to_the_end(work, limit=None, as_json=False)

    monkeypatch.setattr(_runs, "_run", work)
    with pytest.raises(JournalWriteError):
        await asyncio.to_thread(end)
    stopped.report = report(rows=2, done=1, sent=1)
    assert await asyncio.to_thread(end) == 3
    captured = capsys.readouterr()
    assert captured.out.startswith("2 rows of transactions\n  done      1\n")
    assert captured.err.startswith("partnero: the disk is full")


async def test_a_page_to_look_at(shop: Sandbox, tmp_path: Path) -> None:
    """--report writes one page about all rows, beside what is printed."""
    file = write_csv(tmp_path / "t.csv", [sale(1), ("s2", "c1", "x", "", "")])
    page = tmp_path / "report.html"
    ended = await run(
        *("import", "transactions", file, "--report", page), env=environment(shop)
    )
    assert ended.code == 1, ended
    assert page.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        pytest.param("nowhere/report.html", "there is no folder", id="no-folder"),
        pytest.param("folder", "the page cannot be written there", id="a-folder"),
        pytest.param("t.csv", "would be written over", id="the-file"),
        pytest.param("t.csv.journal", "would be written over", id="the-journal"),
        pytest.param("t.csv.rejects.csv", "would be written over", id="the-rejects"),
        pytest.param("c.csv", "would be written over", id="the-customers"),
    ],
)
async def test_a_page_that_cannot_be_written(
    shop: Sandbox, tmp_path: Path, page: str, reason: str
) -> None:
    """That is said before anything is sent, and nothing is lost by it."""
    file = write_csv(tmp_path / "t.csv", [sale(1)])
    buyers = write_csv(tmp_path / "c.csv", [], header=["key", "partner.key"])
    (tmp_path / "folder").mkdir()
    ended = await run(
        *("import", "transactions", file, "--customers", buyers),
        *("--report", tmp_path / page),
        env=environment(shop),
    )
    assert (ended.code, ended.out) == (2, ""), ended
    assert reason in ended.err
    assert sales_in(shop) == []


def test_a_page_that_fails_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is printed all the same, and the exit code is not that of success."""
    code = _runs.tell(report(rows=1, done=1), page=tmp_path / "no" / "p", as_json=False)
    captured = capsys.readouterr()
    assert (code, "  done      1\n" in captured.out) == (1, True)
    assert "partnero: the page was not written: " in captured.err


def through_a_shell(line: str, sandbox: Sandbox) -> tuple[int, str]:
    """Run a line of a shell; return how its first command ended, and what was said."""
    partnero = f"{sys.executable} -m partnero_async.cli"
    ended = subprocess.run(  # noqa: PLW1510
        ["bash", "-c", line.replace("partnero ", f"{partnero} ", 1) + CODE],
        env=environment(sandbox),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return int(ended.stdout.splitlines()[-1]), ended.stderr


CODE = "; echo ${PIPESTATUS[0]}"


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        pytest.param("| true", 0, id="nobody-reads"),
        pytest.param("2>&1 | head -1 >/dev/null", 0, id="nobody-reads-on"),
        pytest.param(">/dev/full", 1, id="no-room"),
        pytest.param("2>/dev/full", 0, id="no-room-for-progress"),
        pytest.param(">&-", 0, id="no-output"),
        pytest.param("2>&-", 0, id="no-errors"),
        pytest.param(">&- 2>&-", 0, id="neither"),
    ],
)
async def test_what_cannot_be_printed_does_not_cost_the_import(
    shop: Sandbox, tmp_path: Path, redirected: str, code: int
) -> None:
    """All rows are sent, and the exit code is that of the import."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(3)))
    line = f"partnero import transactions {file} {redirected}"
    ended, said = await asyncio.to_thread(through_a_shell, line, shop)
    assert (ended, sales_in(shop)) == (code, expected(range(3))), said
    assert "Traceback" not in said
    assert ("could not be printed" in said) is (code == 1)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("partnero drift | true", 141, id="drift"),
        pytest.param("partnero --help | true", 141, id="help"),
        pytest.param("partnero export partners >&-", 0, id="export"),
    ],
)
async def test_what_only_shows_ends_as_a_reader_lets_it(
    shop: Sandbox, line: str, code: int
) -> None:
    """As any program of a pipe does, and without a traceback."""
    ended, said = await asyncio.to_thread(through_a_shell, line, shop)
    assert (ended, "Traceback" in said) == (code, False), said


async def test_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first signal asks for the end, the second one is the end."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    stop = asyncio.Event()
    _runs._listen(stop)
    signal.raise_signal(signal.SIGTERM)
    await stop.wait()
    assert codes == []
    signal.raise_signal(signal.SIGTERM)
    await asyncio.sleep(0.01)
    assert codes == [130]


def test_where_signals_cannot_be_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the loop takes no signal handlers: it goes on without."""

    def unable(*_: object) -> None:
        raise NotImplementedError

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "add_signal_handler", unable)
        _runs._listen(asyncio.Event())

    asyncio.run(listen())


async def test_a_full_disk_ends_it_in_order(shop: Sandbox, tmp_path: Path) -> None:
    """Nothing is sent without intent; with room again, it goes on to the last row."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(300)))
    command = ("import", "transactions", file, "--concurrency", "2", "--json")
    full = await run(*command, env=environment(shop), program=SMALL_DISK)
    assert full.code in (1, 3), full
    report = json.loads(full.out)
    assert report["exit_code"] == full.code
    arrived = len(sales_in(shop))
    assert 0 < report["done"] <= arrived < 300
    assert arrived <= report["done"] + report["sent"]
    *_, line = full.err.splitlines()
    assert line.startswith(f"partnero: {file}.journal: ")
    assert line.endswith("See to the disk, then start the same again: it goes on.")
    again = await run(*command, "--settle", "0.1", env=environment(shop))
    assert again.code == 0, again
    assert sales_in(shop) == expected(range(300))


async def test_a_disk_that_is_full_from_the_start(
    shop: Sandbox, tmp_path: Path
) -> None:
    """Exit code 2: nothing was sent, and nothing is left that takes up room."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(30_000)))
    full = await run(
        "import", "transactions", file, env=environment(shop), program=SMALL_DISK
    )
    assert (full.code, full.out) == (2, ""), full
    assert full.err.splitlines()[-1].startswith(f"partnero: {file}.journal: ")
    assert sales_in(shop) == []
    assert names_in(tmp_path) == ["t.csv"]


SMALL_DISK = (
    sys.executable,
    "-c",
    """\
import resource, sys
from partnero_async.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
main(sys.argv[1:])
""",
)
"""The command, in a process whose files cannot be longer than that."""


EUROPEAN = "Nr;Kunde;Betrag;Datum\ns1;c1;1.234,56;31.01.2024\n".encode("cp1252")


async def test_a_file_as_the_continent_writes_it(shop: Sandbox, tmp_path: Path) -> None:
    """Options say how amounts and dates are written; the rest is found, and said."""
    file = tmp_path / "s.csv"
    file.write_bytes(EUROPEAN.replace(b"Nr", b"N\xb0"))
    maps = ("key=N°", "customer.key=Kunde", "amount=Betrag", "created_at=Datum")
    command = (
        *("import", "transactions", file, "--map", *maps),
        *("--decimal-comma", "--date-format", "%d.%m.%Y"),
    )
    for look in ("--dry-run", "--plan"):
        ended = await run(*command, look, env=environment(shop))
        first, *_ = ended.out.splitlines()
        assert first == (
            "1 rows of transactions, nothing was sent, read as windows-1252, ;"
        )
    ended = await run(*command, env=environment(shop))
    assert ended.code == 0, ended
    first, *_ = ended.out.splitlines()
    assert first == "1 rows of transactions, read as windows-1252, ;"
    assert sales_in(shop) == [("s1", Decimal("1234.56"))]


MAPPING = """
decimal_comma = true
date_format = "%d.%m.%Y"
delimiter = "|"

[columns]
key = "Nr"
"customer.key" = "Kunde"
amount = "Betrag"
created_at = "Datum"

[constants]
action = "sale"
"""


async def test_a_mapping_file(shop: Sandbox, tmp_path: Path) -> None:
    """It holds the same options; what is given beside it wins."""
    file, mapping = tmp_path / "s.csv", tmp_path / "m.toml"
    file.write_bytes(EUROPEAN)
    mapping.write_text(MAPPING, encoding="utf-8")
    command = ("import", "transactions", file, "--mapping", mapping)
    wrong = await run(*command, env=environment(shop))
    assert (wrong.code, wrong.out) == (2, "")
    ended = await run(*command, "--delimiter", ";", env=environment(shop))
    assert ended.code == 0, ended
    assert sales_in(shop) == [("s1", Decimal("1234.56"))]


async def test_standard_input_needs_a_journal(shop: Sandbox, tmp_path: Path) -> None:
    """Rows may come through a pipe; in which file they are kept is said then."""
    lines = b'{"key": "s1", "customer": {"key": "c1"}, "amount": 1.25}\n'
    command = ("import", "transactions", "-", "--format", "jsonl")
    journal = ("--journal", tmp_path / "j")
    for options, code in (((), 2), (journal, 0), (journal, 0)):
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *map(str, (*command, *options)),
            env=environment(shop),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await process.communicate(lines)
        assert (process.returncode, b"--journal" in err) == (code, code == 2)
    assert sales_in(shop) == [("s1", Decimal("1.25"))]


async def test_customers_beside_their_sales(shop: Sandbox, tmp_path: Path) -> None:
    """They are a file with a mapping of its own, and for sales only."""
    sales = write_csv(tmp_path / "s.csv", [sale(1, customer="n1")])
    people = write_csv(tmp_path / "p.csv", [("n1", "p1")], header=("Id", "By"))
    mapping = tmp_path / "m.toml"
    mapping.write_text('[columns]\nkey = "Id"\n"partner.key" = "By"\n')
    env = environment(shop)
    command = ("import", "transactions", sales, "--customers-mapping", mapping)
    wrong = await run(*command, env=env)
    assert (wrong.code, "--customers FILE" in wrong.err) == (2, True)
    ended = await run(*command, "--customers", people, "--plan", "--json", env=env)
    assert (ended.code, json.loads(ended.out)["create"]) == (0, 1)
    ended = await run(*command, "--customers", people, env=env)
    assert ended.code == 0, ended
    assert sales_in(shop) == [("s1", Decimal("1.25"))]
    other = ("import", "partners", people, "--dry-run", "--customers", people)
    wrong = await run(*other, env=env)
    assert (wrong.code, wrong.out) == (2, "")
    assert "are for transactions" in wrong.err


async def test_customers_without_a_mapping(shop: Sandbox, tmp_path: Path) -> None:
    """Their columns are named as the fields are."""
    sales = write_csv(tmp_path / "s.csv", [sale(1, customer="n1")])
    people = write_csv(
        tmp_path / "p.csv", [("n1", "p1")], header=("key", "partner.key")
    )
    command = ("import", "transactions", sales, "--customers", people)
    ended = await run(*command, env=environment(shop))
    assert ended.code == 0, ended
