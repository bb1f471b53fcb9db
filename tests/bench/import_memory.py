"""I7: what an import needs of memory does not grow with its file.

The importer is a process of its own, and so is the server, which answers at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import attrs

from tests.bench.figures import Figure

ROOT: Final = Path(__file__).parents[2]
SERVER: Final = Path(__file__).with_name("quick.py")
SIZES: Final = {"small": (10_000, 40_000), "full": (100_000, 1_000_000)}
MOST: Final = 120.0
"""MB at the peak."""
GROWTH: Final = {"small": 1.15, "full": 1.10}
"""How many times the memory that the smaller file needs the larger one may take."""
BUYERS: Final = 100

# The peak of the image that was loaded last: `getrusage` also counts what the process
# was before, a copy of whoever started it.
IMPORT: Final = """
import re, resource, sys
from pathlib import Path
from partnero_async.cli import main

code = 70
try:
    main(["import", "transactions", *sys.argv[1:], "--json"])
except SystemExit as ended:
    code = ended.code
status = Path("/proc/self/status")
if status.exists():
    peak = int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(code, peak, flush=True)
"""


@attrs.frozen
class Cost:
    """What an import took."""

    rows: int
    megabytes: float
    seconds: float
    wrong: str = ""


@contextmanager
def quick() -> Generator[str]:
    """Run the server, for as long as the block; return its address."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdin
        yield process.stdout.readline().strip()
        process.stdin.close()


def write_sales(file: Path, rows: int) -> None:
    """Write a file of sales, line by line."""
    with file.open("w", encoding="utf-8") as out:
        out.write("key,customer.key,amount,created_at,action\n")
        for n in range(rows):
            out.write(f"s{n},c{n % BUYERS},{n % 900}.25,2024-01-31,sale\n")


def cost(rows: int, url: str) -> Cost:
    """Import a file of so many rows."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "sales.csv"
        write_sales(file, rows)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", IMPORT, str(file)],
            cwd=ROOT,
            env=_environment(url),
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - began
    report, last = done.stdout.splitlines()[-2:] or ["{}", "70 0"]
    code, kilobytes = map(int, last.split())
    well = code == 0 and json.loads(report)["done"] == rows
    wrong = "" if well else f"{rows} rows: {done.stderr[-200:] or report}"
    return Cost(rows, kilobytes / 1024, took, wrong)


def _environment(url: str) -> dict[str, str]:
    # What measures lines keeps them: none of the importer's memory.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return kept | {"PARTNERO_API_KEY": "quick", "PARTNERO_BASE_URL": url}


def figures(few: Cost, many: Cost, *, growth: float) -> list[Figure]:
    """Compare what two files took."""
    wrong = [cost.wrong for cost in (few, many) if cost.wrong]
    times = many.megabytes / few.megabytes if few.megabytes else float("inf")
    return [
        Figure(
            "I7",
            f"{many.rows} rows, {many.rows / many.seconds:.0f} a second: peak memory",
            f"{many.megabytes:.1f} MB",
            f"at most {MOST:.0f} MB",
            many.megabytes <= MOST and not wrong,
            wrong,
        ),
        Figure(
            "I7",
            f"the same / {few.rows} rows, {few.megabytes:.1f} MB",
            f"{times:.3f}",
            f"at most {growth:.2f}",
            times <= growth and not wrong,
        ),
    ]


def run(*, full: bool, seed: int) -> list[Figure]:  # noqa: ARG001 - nothing is drawn
    """Measure I7."""
    size = "full" if full else "small"
    few, many = SIZES[size]
    with quick() as url:
        return figures(cost(few, url), cost(many, url), growth=GROWTH[size])
