"""All parts of the bench of faults, one after the other, and their table.

Each part has a process of its own, so that none disturbs another. The last line says
whether every row was met, and so does the exit code.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from typing import Final

from tests.bench.figures import Figure

PARTS: Final = (
    *("matrix", "deadlines", "money", "network", "lists", "pace", "cancel"),
    *("processes", "imports", "import_disk", "import_signals", "import_memory"),
    *("webhooks", "canary", "hostile", "schema", "planted"),
)
"""The modules beside this one that measure something, in the order of the table."""

ABOUT: Final = "Run the bench of faults, all of it in full unless told otherwise."

Measure = Callable[[str, int, bool], list[Figure]]


def measured(part: str, seed: int, full: bool) -> list[Figure]:
    """Run one part."""
    # What is found, and not what else is said: the logs of a thousand faults.
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - to the end
    module = import_module(f"tests.bench.{part}")
    figures: list[Figure] = module.run(full=full, seed=seed)
    return figures


def apart(part: str, seed: int, *, full: bool, measure: Measure) -> list[Figure]:
    """Run one part in a process of its own; one that breaks has a row that says so."""
    spawned = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=spawned) as pool:
            return pool.submit(measure, part, seed, full).result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other parts run
        return [
            Figure(
                part, "this part broke", "-", "-", met=False, failures=[f"{error!r}"]
            )
        ]


def table(
    parts: Sequence[str], seed: int, *, full: bool = True, measure: Measure = measured
) -> bool:
    """Print the rows of some parts as they come; return whether all are met."""
    print(f"seed {seed} (repeat with --seed)")
    print(Figure("", "", "figure", "target", met=True))
    figures: list[Figure] = []
    for part in parts:
        began = time.monotonic()
        found = apart(part, seed, full=full, measure=measure)
        print(*found, sep="\n")
        print(f"     ({part}: {time.monotonic() - began:.0f} s)", flush=True)
        figures += found
    unmet = sum(not figure.met for figure in figures)
    print(f"{len(figures) - unmet} of {len(figures)} met, seed {seed}")
    return bool(figures) and not unmet


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=ABOUT)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--small", action="store_true", help="with the suite's counts")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    return 0 if table(given.parts or PARTS, seed, full=not given.small) else 1
