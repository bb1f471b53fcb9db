"""Rounds that take turns, what they cost, and the command line of each benchmark.

Figures are ratios within one run: the machine is whatever it is, and each round
measures every contestant once, so that what disturbs one disturbs the others too.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

from ._figures import Result, Table, shown
from ._server import ROOT

What = Literal["cpu", "wall"]


class Cost(NamedTuple):
    """What a round of one contestant took, in seconds."""

    cpu: float
    wall: float


Costs = Mapping[str, Sequence[Cost]]


@dataclass(frozen=True)
class Setting:
    """How a benchmark is run."""

    quick: bool
    """In seconds and not in minutes: fewer rounds, of the same length."""
    seed: int
    """Of the order of the contestants."""

    @property
    def rounds(self) -> int:
        """How often each contestant is measured."""
        return 5 if self.quick else 11

    def pick(self, quick: int, full: int) -> int:
        """Return one of two counts."""
        return quick if self.quick else full


# --- time ----------------------------------------------------------------------------


def measured(run: Callable[[], object]) -> Cost:
    """Run once; say what it took."""
    gc.collect()  # what another contestant has left behind is not this one's
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def rounds(
    contestants: Mapping[str, Callable[[], object]],
    setting: Setting,
    *,
    count: int | None = None,
) -> dict[str, list[Cost]]:
    """Let the contestants take turns, in another order each time.

    The first round is practice: connections are opened in it, and modules imported.
    """
    rng = random.Random(setting.seed)
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for number in range((setting.rounds if count is None else count) + 1):
        order = [*contestants]
        rng.shuffle(order)
        for name in order:
            cost = measured(contestants[name])
            if number:
                costs[name].append(cost)
    return costs


def ratios(ours: Sequence[Cost], theirs: Sequence[Cost], what: What) -> list[float]:
    """Return the ratio of each round."""
    pairs = zip(ours, theirs, strict=True)
    return [getattr(a, what) / getattr(b, what) for a, b in pairs]


def costs_table(title: str, costs: Costs, *, calls: int, beside: str) -> Table:
    """Show what each contestant took by call, and as a ratio to one of them."""
    rows: list[Sequence[str | float]] = []
    for name, found in costs.items():
        cpu, wall = (median(times) / calls * 1e6 for times in zip(*found, strict=True))
        least = min(cost.cpu for cost in found) / calls * 1e6
        more: list[float] = [
            median(ratios(found, costs[beside], what)) for what in ("cpu", "wall")
        ]
        rows.append((name, cpu, least, wall, *more))
    head = ("client", "CPU us", "least", "wall us", f"CPU / {beside}", "wall / it")
    return Table(title, head, rows)


# --- fresh processes -----------------------------------------------------------------


def peak() -> float:
    """Return the peak of this process's memory so far, in MB."""
    found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    assert found  # noqa: S101
    return int(found[1]) / 1024


def fresh(module: str, *arguments: object) -> Any:
    """Run the child of a benchmark in a process of its own; return what it found."""
    command = [sys.executable, "-m", module, "--child", *map(str, arguments)]
    found = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)  # noqa: S603 - ours
    return json.loads(found.stdout)


# --- the command line ----------------------------------------------------------------


def main(
    measure: Callable[[Setting], Result],
    child: Callable[..., object] | None = None,
) -> None:
    """Run a benchmark: print what it found, or write it to a file as JSON."""
    if child and sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--seed", type=int, help="of the order of the contestants")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    given = parser.parse_args()
    setting = Setting(given.quick, seed_of(given.seed))
    result = measure(setting)
    if given.json:
        given.json.write_text(result.as_json())
    else:
        print(f"seed {setting.seed}\n\n{shown(result)}")


def seed_of(given: int | None) -> int:
    """Return the seed that was given, or make one."""
    return random.SystemRandom().randrange(2**32) if given is None else given
