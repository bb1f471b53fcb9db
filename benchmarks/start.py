"""What a cold start takes: T18, and the time to a first answer.

::

    python -m benchmarks.start [--quick] [--seed N]

Each start is a process of its own. What the interpreter itself takes is not counted.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import median

from ._figures import Figure, Result, Table
from ._harness import Setting, main
from ._server import KEY, ROOT, canned

TIMED = """
import time, sys
began = time.perf_counter()
{work}
print(time.perf_counter() - began, len(sys.modules))
"""

IMPORTS = {
    # The name alone would import nothing: the package is lazy.
    "partnero_async": "from partnero_async import Partnero",
    "partnero_sync": "from partnero_sync import Partnero",
    **{
        name: f"import {name}"
        for name in ("requests", "urllib3", "httpx", "aiohttp", "pydantic")
    },
    "partnero 0.4.0": "from partnero.partner_api import PartnerAPI",
    **{name: f"import {name}" for name in ("stripe", "openai", "dub")},
}

FIRST = {
    "partnero_async": """
import asyncio
from partnero_async import Partnero
async def main():
    async with Partnero("{key}", base_url="{url}") as client:
        assert (await client.partners.get("p0")).id == "p0"
asyncio.run(main())
""",
    "partnero_sync": """
from partnero_sync import Partnero
with Partnero("{key}", base_url="{url}") as client:
    assert client.partners.get("p0").id == "p0"
""",
    "bare aiohttp": """
import asyncio, aiohttp, msgspec
async def main():
    async with aiohttp.ClientSession() as session:
        async with session.get("{url}/partners/p0") as answer:
            assert msgspec.json.decode(await answer.read())["data"]["id"] == "p0"
asyncio.run(main())
""",
    "requests": """
import requests
with requests.Session() as session:
    assert session.get("{url}/partners/p0").json()["data"]["id"] == "p0"
""",
    "httpx": """
import httpx
with httpx.Client() as client:
    assert client.get("{url}/partners/p0").json()["data"]["id"] == "p0"
""",
    "partnero 0.4.0": """
from partnero.authentication import Authentication
from partnero.partner_api import PartnerAPI
Authentication.configure(api_key="{key}")
api = PartnerAPI(base_url="{url}/")
assert api.get_partner(partner_id="p0")["data"]["id"] == "p0"
""",
}


def timed(work: str) -> tuple[float, int]:
    """Do it in a process of its own; return milliseconds and loaded modules."""
    command = [sys.executable, "-c", TIMED.format(work=work)]
    found = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)  # noqa: S603 - ours
    seconds, modules = found.stdout.split()
    return float(seconds) * 1000, int(modules)


def starts(
    works: Mapping[str, str], rng: random.Random, count: int
) -> dict[str, list[tuple[float, int]]]:
    """Let them take turns; the first round fills the caches of the disk."""
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in works}
    for number in range(count + 1):
        order = [*works]
        rng.shuffle(order)
        for name in order:
            took = timed(works[name])
            if number:
                found[name].append(took)
    return found


def table(title: str, found: Mapping[str, Sequence[tuple[float, int]]]) -> Table:
    """Show the milliseconds of each, and how many modules it loads."""
    rows: list[Sequence[str | float]] = [
        (name, median(ms for ms, _ in runs), min(ms for ms, _ in runs), runs[0][1])
        for name, runs in found.items()
    ]
    return Table(title, ("what", "ms", "least", "modules"), rows)


def measure(setting: Setting) -> Result:
    """Import each package, and make a first call with each client."""
    rng, count = random.Random(setting.seed), setting.pick(2, 15)
    with canned() as url:
        imports = starts(IMPORTS, rng, count)
        calls = {k: v.format(key=KEY, url=url) for k, v in FIRST.items()}
        first = starts(calls, rng, count)
    pairs = zip(imports["partnero_async"], imports["requests"], strict=True)
    return Result(
        [
            Figure.of(
                "T18",
                "from partnero_async import Partnero / import requests",
                [ours[0] / theirs[0] for ours, theirs in pairs],
                target=0.80,
                stretch=0.55,
            )
        ],
        [
            table("Import, in a fresh process", imports),
            table("Import, first answer and close, in a fresh process", first),
        ],
    )


if __name__ == "__main__":
    main(measure)
