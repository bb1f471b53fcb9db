"""How far an import is: a bar on a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ..bulk import Progress

__all__ = ["shown"]

Watch = Callable[["Progress"], None]

EVERY = 5.0
"""Seconds between two plain lines."""


@contextmanager
def shown() -> Generator[Watch]:
    """Show what the returned function is told, as long as the context lasts."""
    if sys.stderr.isatty():
        with _bar() as watch:
            yield watch
    else:
        yield Lines(sys.stderr)


class Lines:
    """Writes a line now and then, and one whenever something else begins."""

    def __init__(
        self, out: TextIO, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._clock = clock
        self._doing = ""
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Take note of where it is."""
        now = self._clock()
        if progress.doing == self._doing and now < self._next:
            return
        self._doing, self._next = progress.doing, now + EVERY
        with suppress(OSError):  # nobody reads it: the import goes on all the same
            self._out.write(f"{progress.doing}: {facts(progress)}\n")
            self._out.flush()


def facts(progress: Progress) -> str:
    """Say in one line how far it is."""
    final = progress.done + progress.rejected + progress.parked
    parts = [
        f"{progress.rows} rows"
        if progress.doing == "reading"
        else f"{final} of {progress.rows} rows"
    ]
    rate = progress.sent / progress.elapsed if progress.elapsed else 0.0
    if rate:
        parts.append(f"{rate:.0f} rows/s")
        if final < progress.rows:
            parts.append(f"{(progress.rows - final) / rate:.0f} s left")
    if progress.allowed:
        # What came in a burst may be more than what is allowed in the long run.
        share = min(progress.rate / progress.allowed, 1)
        parts.append(f"{share:.0%} of the allowed {progress.allowed:.3g} requests/s")
    if progress.waited >= 1:
        parts.append(f"waited {progress.waited:.0f} s for it")
    if progress.rejected:
        parts.append(f"{progress.rejected} rejected")
    if progress.parked:
        parts.append(f"{progress.parked} parked")
    if progress.throttled:
        parts.append(f"{progress.throttled} times 429")
    return ", ".join(parts)


@contextmanager
def _bar() -> Generator[Watch]:
    from rich.console import Console  # noqa: PLC0415 - only terminals need it
    from rich.progress import BarColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[facts]}"),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("reading", total=None, facts="")

        def watch(progress: Progress) -> None:
            known = progress.doing != "reading"
            bars.update(
                task,
                description=progress.doing,
                total=progress.rows if known else None,
                completed=progress.done + progress.rejected + progress.parked,
                facts=facts(progress),
            )

        yield watch
