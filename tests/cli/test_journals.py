"""`partnero import status|resume|retry-rejects|resolve` as a process."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from contextlib import suppress
from pathlib import Path

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox
from tests.bulk.shop import (
    COMMAND,
    Ended,
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
from tests.bulk.test_doubt import left_sent

BAD = (sale(1), sale(2, customer="late"), ("s3", "c1", "[red]x", "2024-01-31", "sale"))


async def on_terminal(
    *arguments: str | Path, answer: str, env: dict[str, str]
) -> Ended:
    """Run a command at a terminal on which *answer* is typed."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, arguments),
        env=env,
        stdin=theirs,
        stderr=theirs,
        stdout=asyncio.subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = asyncio.create_task(asyncio.to_thread(read_all, ours))
    out, _ = await process.communicate()
    err = await shown
    os.close(ours)
    return Ended(process.returncode or 0, out.decode(), err)


def read_all(terminal: int) -> str:
    """Read what a terminal shows, until nobody writes to it any more."""
    shown = b""
    with suppress(OSError):  # Linux says the end so
        while piece := os.read(terminal, 4096):
            shown += piece
    return shown.decode()


async def test_status(shop: Sandbox, tmp_path: Path) -> None:
    """A table by state and reason, without a key; the exit code is the import's."""
    file = write_csv(tmp_path / "t.csv", BAD)
    env = environment(shop)
    assert (await run("import", "transactions", file, env=env)).code == 1
    env = environment(shop, PARTNERO_API_KEY="", COLUMNS="200")
    ended = await run("import", "status", f"{file}.journal", env=env)
    assert (ended.code, ended.err) == (1, "")
    title, header, *lines = [line.split() for line in ended.out.splitlines()]
    assert " ".join(title) == "3 rows of transactions"
    assert header == ["state", "why", "rows", "for", "example"]
    assert lines[0] == ["done", "1"]
    assert lines[1][:3] == ["rejected", "malformed", "1"]
    assert "'[red]x'" in lines[1]
    assert lines[2][:3] == ["rejected", "unknown_customer", "1"]
    assert "recorded: 1.25 of 3.50" in ended.out
    ended = await run("import", "status", f"{file}.journal", "--json", env=env)
    assert json.loads(ended.out)["reasons"] == {"malformed": 1, "unknown_customer": 1}
    ended = await run("import", "status", tmp_path / "nope", env=env)
    assert (ended.code, ended.out) == (2, "")
    assert "no such journal" in ended.err


async def test_status_of_what_is_in_doubt(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Exit code 3, and the command that looks it up."""
    journal = await left_sent(client, tmp_path, rows=2)
    ended = await run("import", "status", journal, env=environment(shop))
    assert ended.code == 3
    assert f"partnero import resolve {journal}" in ended.out
    assert "under_way" in ended.out


async def test_resume(client: Partnero, shop: Sandbox, tmp_path: Path) -> None:
    """What a killed import has left is settled, without its file."""
    journal = await left_sent(client, tmp_path, rows=2)
    (tmp_path / "s.csv").unlink()
    ended = await run(
        "import", "resume", journal, "--settle", "0", "--json", env=environment(shop)
    )
    assert ended.code == 3
    assert json.loads(ended.out)["parked"] == 2


async def test_retry_rejects(client: Partnero, shop: Sandbox, tmp_path: Path) -> None:
    """The rows of a code are sent once they can be, and the report says so."""
    file = write_csv(tmp_path / "t.csv", BAD)
    env = environment(shop)
    await run("import", "transactions", file, env=env)
    await client.customers.create("late", partner={"key": "p1"})
    command = ("import", "retry-rejects", f"{file}.journal", "--code")
    ended = await run(*command, "unknown_customer", "--limit", "50/s", env=env)
    assert ended.code == 1, ended
    assert "  done      2\n  rejected  1\n" in ended.out
    ended = await run(*command, "unknown_customer", env=env)
    assert ended.code == 2
    assert "there are: malformed" in ended.err
    assert sales_in(shop) == expected([1, 2])


async def test_resolve_asks_on_a_terminal(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """It shows what would be sent and what it is worth; only a yes sends it."""
    journal = await left_sent(client, tmp_path, rows=22)
    env = environment(shop)
    command = ("import", "resolve", journal, "--settle", "0")
    for answer in ("\n", "no\n", "\x04"):
        ended = await on_terminal(*command, answer=answer, env=env)
        assert ended.code == 3, ended
        assert "row 2: nothing is found under s1" in ended.err
        assert "and 2 more" in ended.err
        question = "22 rows are not there, 236.50 in all. Send them now? [y/N]"
        assert question in ended.err
        assert "  parked    22\n" in ended.out
    assert sales_in(shop) == []
    ended = await on_terminal(*command, answer="y\n", env=env)
    assert (ended.code, "  done      22\n" in ended.out) == (0, True), ended
    assert sales_in(shop) == expected(range(22))
    ended = await on_terminal(*command, answer="y\n", env=env)
    assert (ended.code, "Send them" in ended.err) == (0, False)


async def test_resolve_lists_all_of_a_few(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Of a few rows none is left out."""
    journal = await left_sent(client, tmp_path, rows=2)
    command = ("import", "resolve", journal, "--settle", "0")
    ended = await on_terminal(*command, answer="\n", env=environment(shop))
    assert (ended.code, " more" in ended.err) == (3, False), ended


async def test_resolve_without_a_terminal(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """Nobody can be asked: it takes both options to send anything."""
    journal = await left_sent(client, tmp_path, rows=2)
    env = environment(shop)
    command = ("import", "resolve", journal, "--settle", "0")
    for options, code, reason in (
        (("--send-absent",), 2, "add --yes"),
        (("--yes",), 2, "goes with --send-absent"),
        ((), 3, ""),
    ):
        ended = await run(*command, *options, env=env)
        assert ended.code == code, ended
        assert reason in ended.err
    assert sales_in(shop) == []
    ended = await run(*command, "--send-absent", "--yes", env=env)
    assert ended.code == 0, ended
    assert sales_in(shop) == expected(range(2))


# --- a plan ------------------------------------------------------------------------


async def test_dry_run(shop: Sandbox, tmp_path: Path) -> None:
    """It needs no key, sends nothing, leaves nothing, and says what is wrong."""
    file = write_csv(tmp_path / "t.csv", BAD)
    env = environment(shop, PARTNERO_API_KEY="", TMPDIR=str(tmp_path), COLUMNS="200")
    command = ("import", "transactions", file, "--dry-run")
    before = shop.requests
    ended = await run(*command, env=env)
    assert ended.code == 1, ended
    lines = ended.out.splitlines()
    assert lines[0] == "3 rows of transactions, nothing was sent"
    assert lines[2].split()[:2] == ["send", "2"]
    assert lines[3].split()[:3] == ["refuse", "1", "malformed:"]
    assert lines[4] == "amounts: 3.50 in 2 rows; 3.50 to be sent"
    assert lines[5].startswith("refuse (amount): row 3: amount: '[red]x' is no amount")
    ended = await run(*command, "--json", env=env)
    assert (json.loads(ended.out)["refuse"], shop.requests) == (1, before)
    assert names_in(tmp_path) == ["t.csv"]


async def test_a_dry_run_that_is_ended_leaves_nothing(
    shop: Sandbox, tmp_path: Path
) -> None:
    """What was copied of the file is gone, also where a signal has ended it."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(200_000)))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = environment(shop, TMPDIR=str(scratch))
    process = await start("import", "transactions", file, "--dry-run", env=env)
    while not names_in(scratch):  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.005)
    process.terminate()
    ended = await end(process)
    assert (ended.code, ended.out, names_in(scratch)) == (130, "", []), ended


async def test_plan_and_update(client: Partnero, shop: Sandbox, tmp_path: Path) -> None:
    """The plan says what the import then does."""
    rows = [("c1", "p1", "Ada"), ("c2", "p1", ""), ("n1", "p1", "")]
    header = ("key", "partner.key", "name")
    file = write_csv(tmp_path / "c.csv", rows, header=header)
    env = environment(shop, COLUMNS="200")
    command = ("import", "customers", file, "--update")
    ended = await run(*command, "--plan", env=env)
    assert ended.code == 0, ended
    told = [line.split()[:2] for line in ended.out.splitlines()[2:5]]
    assert told == [["create", "1"], ["update", "1"], ["leave", "1"]]
    assert "update: row 1 (c1): changes name" in ended.out
    assert names_in(tmp_path) == ["c.csv"]
    ended = await run(*command, env=env)
    assert ended.code == 0, ended
    assert "  done      3 (1 were there before, 1 changed what was there)" in ended.out
    assert (await client.customers.get("c1")).name == "Ada"
