"""Moving from another system works as its page says: each command, in order."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import pytest

from partnero_async import Partnero
from tests.bulk.test_doubt import killed

PAGE = Path(__file__).parents[1] / "docs" / "moving.md"

BLOCK = re.compile(
    r"^```(?P<kind>sh|text|csv|toml)\n(?P<body>.*?)^```$|^<!-- test: (?P<cue>.+) -->$",
    re.DOTALL | re.MULTILINE,
)
NAME = re.compile(r"`([\w-]+\.(?:csv|toml))`")
ENDS = re.compile(r"  # ends with (\d+)$")
SANDBOX = "partnero sandbox --port 8089"


@attrs.define
class Reader:
    """Somebody who follows the page: with a folder, and another terminal."""

    folder: Path
    env: dict[str, str]
    terminals: ExitStack

    def type_in(self, commands: str) -> str:
        """Run each line, which has to end as it says; return what was printed."""
        printed = ""
        for line in commands.replace("\\\n", "").splitlines():
            command, *ends = ENDS.split(line)
            if command.startswith(SANDBOX):
                printed += self.terminals.enter_context(self.served(command))
                continue
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=self.folder,
                env=self.env,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == int(ends[0] if ends else 0), (line, done)
            printed += done.stdout
        return printed.replace(f"{self.folder}/", "")

    @contextmanager
    def served(self, command: str) -> Generator[str]:
        """Leave the sandbox running, at a free port, and paste what it says."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command.replace('8089', '0', 1)}"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        try:
            said = ""
            while "Ctrl-C" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            pasted = dict(re.findall(r"export (\w+)=(\S+)", said))
            self.env |= pasted
            yield re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8089", said)
        finally:
            process.terminate()
            process.communicate()

    async def cut_off(self, file: str) -> None:
        """Leave an import of *file* as a power cut does: its first row under way."""
        key, url = self.env["PARTNERO_API_KEY"], self.env["PARTNERO_BASE_URL"]
        async with Partnero(key, base_url=url) as client:
            await killed(client, "transactions", self.folder / file, rows=1)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Give somebody a folder, the command on the path, and no account."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "partnero"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m partnero_async.cli "$@"')
    command.chmod(0o755)
    (tmp_path / "move").mkdir()
    env = {
        **{n: v for n, v in os.environ.items() if not n.startswith("PARTNERO_")},
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PAGE.parents[1]),
        "COLUMNS": "100",
    }
    with ExitStack() as terminals:
        yield Reader(tmp_path / "move", env, terminals)


def missing(shown: str, printed: str) -> Sequence[str]:
    """Return the lines that are shown, from the first one that was not printed on.

    Each has to be in what is printed, after the one before; blanks are all one.
    """
    rest, lines = plainly(printed), shown.splitlines()
    for number, line in enumerate(lines):
        before, found, rest = rest.partition(plainly(line))
        if not found:
            return [*lines[number:], f"not in: {before}"]
    return []


def plainly(text: str) -> str:
    return re.sub(r"\d+\.\d s\b", "0.0 s", " ".join(text.split()))


@pytest.mark.timeout(240)
def test_whoever_follows_the_page_has_moved(reader: Reader) -> None:
    """Files are written, commands run, and what is shown under them is printed."""
    page = PAGE.read_text("utf-8")
    names: list[str] = []
    after, printed, commands = 0, "", 0
    for block in BLOCK.finditer(page):
        # Prose announces the files, in the order of their blocks.
        names += NAME.findall(page[after : block.start()])
        after = block.end()
        match block["kind"]:
            case "csv" | "toml" as kind:
                fresh = [
                    name
                    for name in names
                    if name.endswith(kind) and not (reader.folder / name).exists()
                ]
                (reader.folder / fresh[0]).write_text(block["body"], "utf-8")
            case "sh":
                printed = reader.type_in(block["body"])
                commands += 1
            case "text":
                assert not missing(block["body"], printed)
            case _:
                assert block["cue"] == "late.csv is cut off"
                asyncio.run(reader.cut_off("late.csv"))
    assert commands > 10
    assert "<html" in (reader.folder / "report.html").read_text("utf-8")
    assert len((reader.folder / "books.csv").read_text("utf-8").splitlines()) == 1 + 14


@pytest.mark.parametrize("shown", ["b\na\n", "a\nc\n"], ids=["order", "absent"])
def test_a_page_that_lies_is_found_out(shown: str) -> None:
    """Lines in another order, and one that is not printed."""
    assert missing(shown, "a\nb\n")
    assert not missing("a\nb\n", "a\n...\nb\n")
