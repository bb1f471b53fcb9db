"""How fast a run goes, and what it waits for: for its progress and for its report."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from ..pacing import GateState
from .report import Moment, Progress

__all__ = ["MOMENTS", "Pacemaker"]

LATELY: Final = 10.0
"""Seconds over which a rate is taken."""

MOMENTS: Final = 300
"""Moments of a run that are kept."""


@attrs.define
class Pacemaker:
    """Looks at a run now and then; what it keeps does not grow with the run."""

    clock: Callable[[], float] = time.monotonic
    _began: float = attrs.field(init=False)
    _before: int = attrs.field(init=False, default=0)
    """Rows that were done when the run began."""
    _lately: deque[tuple[float, int]] = attrs.field(
        init=False, factory=deque[tuple[float, int]]
    )
    _moments: list[Moment] = attrs.field(init=False, factory=list[Moment])
    _apart: float = attrs.field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self._began = self.clock()

    def begin(self, done: int) -> None:
        """Take note of the rows that earlier runs have done."""
        self._before = done

    def note(self, progress: Progress, gate: GateState) -> None:
        """Write into *progress* how fast it goes, and keep the moment."""
        now = self.clock() - self._began
        if gate.waiting or gate.held_for:
            # Whoever waits at this moment is taken to have waited since the last one.
            progress.waited += now - progress.elapsed
        progress.elapsed, progress.allowed = now, gate.rate
        progress.rate = self._rate(now, progress.requests)
        self._keep(self._moment(progress))

    def end(self, progress: Progress) -> Sequence[Moment]:
        """Return the moments that were kept, with the last one as it is now."""
        last = self._moment(progress)
        kept = [moment for moment in self._moments if moment.at < last.at]
        return (*kept[: MOMENTS - 1], last)

    def _rate(self, now: float, requests: int) -> float:
        lately = self._lately
        lately.append((now, requests))
        while now - lately[0][0] > LATELY:
            lately.popleft()
        since, before = lately[0]
        return (requests - before) / (now - since) if now > since else 0.0

    def _moment(self, progress: Progress) -> Moment:
        return Moment(
            at=round(progress.elapsed, 3),
            sent=progress.sent,
            done=max(0, progress.done - self._before),
            throttled=progress.throttled,
            waited=round(progress.waited, 3),
        )

    def _keep(self, moment: Moment) -> None:
        if self._moments and moment.at < self._moments[-1].at + self._apart:
            return
        self._moments.append(moment)
        if len(self._moments) > MOMENTS:
            # They count from the start, so what is left out is part of the next one.
            self._moments = self._moments[::2]
            self._apart = 2 * moment.at / MOMENTS
