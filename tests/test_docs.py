"""The pages of the documentation tell the truth: their code runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero
from tests.bulk.shop import sale, write_csv
from tests.sync.test_processes import SECONDS, STRICT

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run an empty program in a thread: the code of the pages blocks."""
    with Sandbox().in_thread() as sandbox:
        yield sandbox


def blocks(page: Path) -> Iterator[object]:
    """Yield each block of Python, named by the heading that it stands under."""
    pattern = re.compile(r"^##? (.+?)$|^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
    title = ""
    for heading, block in pattern.findall(page.read_text("utf-8")):
        title = heading or title
        if block:
            yield pytest.param(block, id=f"{page.stem}-{title.replace(' ', '-')}")


@pytest.mark.parametrize("block", [block for page in PAGES for block in blocks(page)])
def test_code_of_the_pages_runs(block: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Each block is a program; that of a framework which is not here is Python."""
    compile(block, "page", "exec")
    if "from flask " in block:
        return
    with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        client.partners.create(email="ada@example.com", key="ada")
        client.customers.create("c1", partner={"key": "ada"})
    write_csv(tmp_path / "sales.csv", map(sale, range(3)))
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", block],
        cwd=tmp_path,
        env={
            **os.environ,
            "PARTNERO_API_KEY": sandbox.api_key,
            "PARTNERO_BASE_URL": sandbox.url,
            "PARTNERO_WEBHOOK_SECRET": "h8KqT3vYb61ZdNwR",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
