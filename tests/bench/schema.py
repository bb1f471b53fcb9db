"""S1: property-based tests of the sandbox, with as many requests as the rules ask for.

The tests are those that the suite runs with a few; here they run as `make property`
does, and what they print is read.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.bench.figures import Figure

EXAMPLES: Final = {"small": 5, "full": 200}
"""Requests an operation, beside those at the edges of the schemas."""
TESTS: Final = ("tests/test_schema.py", "tests/test_property_api.py")
PATIENCE: Final = 7_200.0
"""Seconds: the full count takes half an hour on two cores."""
COUNTED: Final = re.compile(r"(\d+) generated, (\d+) passed")


def judged(code: int, output: str) -> tuple[int, list[str]]:
    """Return how many requests were judged, and what failed."""
    counts = [(int(made), int(good)) for made, good in COUNTED.findall(output)]
    judged = sum(made for made, _ in counts)
    failed = re.findall(r"^(?:FAILED|ERROR) .*", output, re.MULTILINE)
    bad = [f"{good} of {made} passed" for made, good in counts if made != good]
    if not judged:
        failed.append("no request was judged")
    if code and not failed:
        failed.append(output[-500:])
    return judged, failed + bad


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure S1."""
    examples = EXAMPLES["full" if full else "small"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", f"--seed={seed}", *TESTS],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PROPERTY_EXAMPLES": str(examples)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    made, wrong = judged(done.returncode, done.stdout)
    return [
        Figure(
            "S1",
            f"{made} requests, {examples} an operation: server errors, violations",
            f"{len(wrong)}",
            "0",
            not wrong,
            wrong,
        )
    ]
