"""A server of canned answers on the other core, rounds that take turns, and a table.

Figures are ratios within one run: the machine is whatever it is, and each round
measures every contestant once, so that what disturbs one disturbs the others too.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median
from typing import NamedTuple

ROUNDS = 7
PAGE = 250


class Cost(NamedTuple):
    """What a round of one contestant took, in seconds."""

    cpu: float
    wall: float


class Figure(NamedTuple):
    """A ratio, and what it has to be at most, or at least."""

    id: str
    what: str
    ratio: float
    target: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it is what it has to be."""
        if self.at_least:
            return self.ratio >= self.target
        return self.ratio <= self.target


# --- the server ------------------------------------------------------------------


def partner(number: int) -> dict[str, object]:
    """Make a partner as the API shows one in a list: no more members, and no less."""
    return {
        "email": f"ada{number}@example.com",
        "created_at": "2026-03-04T10:00:00.000000Z",
        "updated_at": "2026-03-05T11:30:00.000000Z",
        "id": f"p{number}",
        "name": "Ada",
        "surname": "Byron",
        "approved": True,
        "status": "active",
        "custom_fields": [],
    }


def bodies(pages: int, port: int) -> list[bytes]:
    """Return the answer to a get, then the pages of a list, and an empty one."""
    found: list[dict[str, object]] = [{"data": partner(0), "status": 1}]
    for page in range(pages):
        items = [partner(page * PAGE + item) for item in range(PAGE)]
        link = f"http://127.0.0.1:{port}/v1/partners?page={page + 2}"
        links = {"next": link if page + 1 < pages else None}
        found.append({"data": items, "links": links, "status": 1})
    if pages:
        found.append({"data": [], "links": {"next": None}, "status": 1})
    return [json.dumps(body).encode() for body in found]


class Canned(asyncio.Protocol):
    """Answers each request with a page, where it names one."""

    def __init__(self, answers: Sequence[bytes], delay: float) -> None:
        self._answers = answers
        self._delay = delay
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer; no request here has a body, or comes in two pieces."""
        page = re.search(rb"[?&]page=(\d+)", data[: data.find(b"\r\n")])
        # A window asks past the end: the last one is the empty page that is there.
        wanted = min(int(page[1]) if page else 0, len(self._answers) - 1)
        answer = self._answers[wanted]
        if self._transport and self._delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay, self._transport.write, answer)
        elif self._transport:
            self._transport.write(answer)


def serve(ready: Connection, pages: int, core: int, delay: float) -> None:
    """Run the server, pinned to a core, until the process is ended."""
    os.sched_setaffinity(0, {core})
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    )
    answers: list[bytes] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Canned(answers, delay), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        answers.extend(head % len(b) + b"\r\n" + b for b in bodies(pages, port))
        ready.send(port)
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def canned(pages: int = 0, *, delay: float = 0.0) -> Iterator[str]:
    """Run the server on the last core, and this process on the first one.

    It waits for *delay* seconds before each answer.
    """
    cores = sorted(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    settings = (there, pages, cores[-1], delay)
    process = context.Process(target=serve, args=settings, daemon=True)
    process.start()
    there.close()  # so that a server that could not start is an error here
    os.sched_setaffinity(0, {cores[0]})
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
        process.join()
        os.sched_setaffinity(0, cores)


# --- measuring -------------------------------------------------------------------


def measured(run: Callable[[], object]) -> Cost:
    """Run once; say what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def rounds(
    contestants: Mapping[str, Callable[[], object]], *, count: int = ROUNDS
) -> dict[str, list[Cost]]:
    """Let the contestants take turns; the first round is practice."""
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for number in range(count + 1):
        for name, run in contestants.items():
            cost = measured(run)
            if number:
                costs[name].append(cost)
    return costs


def ratio(ours: Sequence[Cost], theirs: Sequence[Cost], what: str) -> float:
    """Return the median of the rounds' ratios, of ``"cpu"`` or of ``"wall"`` time."""
    return median(ratios(ours, theirs, what))


def ratios(ours: Sequence[Cost], theirs: Sequence[Cost], what: str) -> list[float]:
    """Return the ratio of each round, the smallest first."""
    pairs = zip(ours, theirs, strict=True)
    return sorted(getattr(a, what) / getattr(b, what) for a, b in pairs)


def spread(found: Sequence[float]) -> str:
    """Say between what the rounds' ratios were."""
    return f"{min(found):.2f} to {max(found):.2f} in {len(found)} rounds"


def show(title: str, costs: Mapping[str, Sequence[Cost]], *, calls: int) -> None:
    """Print what each contestant took, by call."""
    print(f"\n{title}: microseconds of CPU and of wall time")
    for name, found in costs.items():
        cpu, wall = (median(times) / calls * 1e6 for times in zip(*found, strict=True))
        print(f"  {name:24}{cpu:10.1f}{wall:10.1f}")


def table(figures: Sequence[Figure]) -> None:
    """Print the figures, and whether each is met."""
    print(f"\n{'id':5}{'what':66}{'figure':>8}{'target':>9}  met")
    for figure in figures:
        met = "yes" if figure.met else "NO"
        said = f"{figure.id:5}{figure.what:66}"
        sign = ">=" if figure.at_least else "<="
        print(f"{said}{figure.ratio:8.2f} {sign}{figure.target:6.2f}  {met}")
