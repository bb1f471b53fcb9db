"""All benchmarks, one after the other, and one table of what they found.

::

    python -m benchmarks [--quick [--keep]] [--seed N] [PART ...]

The whole of it writes ``results.md``, ``results.json`` and the plots; any run says what
became worse than in the ``results.json`` that is there, by more than the noise, and has
an exit code of 1 then, or where a target is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from ._figures import HEAD, Result, cells, document, plain, worse
from ._harness import seed_of
from ._plots import draw
from ._server import ROOT

PARTS = (
    *("calls", "sync", "decoding", "lists", "start", "rates", "bulk"),
    *("growth", "tls"),
)
FOLDER = ROOT / "benchmarks"
LIBRARIES = ("aiohttp", "anyio", "attrs", "cattrs", "msgspec")
PEERS = (
    *("httpx", "requests", "urllib3", "pydantic", "uvloop", "partnero"),
    *("stripe", "openai", "dub"),
)


def run(part: str, seed: int, *, quick: bool) -> Result:
    """Run a part in a process of its own."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-m", f"benchmarks.{part}", "--json", str(file)]
        more = ["--seed", str(seed), *(["--quick"] if quick else [])]
        subprocess.run([*command, *more], check=True, cwd=ROOT)  # noqa: S603 - ours
        return Result.from_json(file.read_text())


def machine() -> dict[str, str]:
    """Describe the machine, and nothing that tells whose it is."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return {
        "processor": f"{model[1] if model else platform.machine()}, {cores} cores used",
        "memory": f"{memory:.0f} GB",
        # More than two, client and server, is somebody else, and makes for noise.
        "load of the last minutes": f"{os.getloadavg()[1]:.1f}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": _versions(LIBRARIES),
        "peers": _versions(PEERS),
    }


def _versions(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {version(name)}" for name in names)


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds; no files")
    parser.add_argument("--keep", action="store_true", help="write the files anyway")
    parser.add_argument("--seed", type=int, help="of the order of the contestants")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    seed = seed_of(given.seed)
    print(f"seed {seed} (repeat with --seed)", flush=True)
    result = Result()
    parts = [part for part in PARTS if part in given.parts] or PARTS
    for part in parts:
        began = time.monotonic()
        result.add(run(part, seed, quick=given.quick))
        print(f"({part}: {time.monotonic() - began:.0f} s)", flush=True)
    whole = not given.parts
    keep = whole and (given.keep or not given.quick)
    return told(result, seed, keep=keep, quick=given.quick)


def told(result: Result, seed: int, *, keep: bool, quick: bool) -> int:
    """Print the table, and what became worse; *keep* it in files."""
    result.figures.sort(key=lambda figure: int(figure.id[1:]))
    print(f"\n{plain(HEAD, map(cells, result.figures))}")
    kept = FOLDER / "results.json"
    before = Result.from_json(kept.read_text()).figures if kept.exists() else []
    regressions = worse(result.figures, before)
    for regression in regressions:
        print(f"WORSE {regression}")
    if keep:
        draw(result.lines, FOLDER / "plots")
        (FOLDER / "results.md").write_text(
            document(result, machine(), seed=seed, quick=quick)
        )
        kept.write_text(result.as_json())
    unmet = [figure for figure in result.figures if not figure.met]
    return 1 if unmet or regressions else 0


if __name__ == "__main__":
    sys.exit(main())
