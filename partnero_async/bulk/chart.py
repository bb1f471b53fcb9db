"""How a run went, as a picture: rows a second, and below it what was waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from .report import Moment

__all__ = ["Step", "drawn", "steps"]

STEPS: Final = 60
"""Steps of a picture: with more, what is drawn is the noise."""

WIDTH: Final = 720
LEFT: Final = 46
RIGHT: Final = 8
TOP: Final = 12
HIGH: Final = 150
"""Of the rows a second."""
GAP: Final = 16
LOW: Final = 28
"""Of the waits."""
FLOOR: Final = TOP + HIGH
BOTTOM: Final = FLOOR + GAP + LOW

LABELS: Final = 'aria-labelledby="pace-title pace-text"'


class Step(NamedTuple):
    """A part of a run."""

    begins: float
    """Seconds."""
    ends: float
    done: float
    """Rows a second."""
    waited: float
    """Share of the time in which requests stood in line, 0 to 1."""
    throttled: int
    """Requests refused by the rate limit."""


def steps(timeline: Sequence[Moment]) -> Sequence[Step]:
    """Return what happened between the moments, a few of them at a time."""
    apart = max(1, -(-len(timeline) // STEPS))
    # From the end, so that the last one is there.
    kept = [Moment(at=0.0), *timeline[::-apart][::-1]]
    return [
        _step(before, after) for before, after in pairwise(kept) if after.at > before.at
    ]


def _step(before: Moment, after: Moment) -> Step:
    seconds = after.at - before.at
    return Step(
        before.at,
        after.at,
        max(0, after.done - before.done) / seconds,
        min(1.0, max(0.0, after.waited - before.waited) / seconds),
        max(0, after.throttled - before.throttled),
    )


def drawn(steps: Sequence[Step], *, title: str, description: str) -> str:
    """Draw the steps as SVG; the texts are escaped already."""
    return "\n".join(_Drawing(steps).lines(title, description))


class _Drawing:
    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._most = round_up(max(step.done for step in steps))
        self._end = steps[-1].ends

    def _x(self, seconds: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * seconds / self._end, 1)

    def _y(self, rate: float) -> float:
        return round(FLOOR - HIGH * rate / self._most, 1)

    def lines(self, title: str, description: str) -> Iterator[str]:
        """Yield the elements."""
        yield f'<svg viewBox="0 0 {WIDTH} {BOTTOM + 20}" role="img" {LABELS}>'
        yield f'<title id="pace-title">{title}</title>'
        yield f'<desc id="pace-text">{description}</desc>'
        for rate in (self._most, self._most / 2, 0):
            yield _rule(self._y(rate), f"{rate:g}")
        yield self._area()
        for step in self._steps:
            yield from self._waits(step)
        yield _rule(BOTTOM, "waits")
        yield _text(LEFT, BOTTOM + 16, "0 s", "start")
        yield _text(WIDTH - RIGHT, BOTTOM + 16, f"{self._end:,.1f} s", "end")
        yield "</svg>"

    def _area(self) -> str:
        tops = " ".join(
            f"L{self._x(at)},{self._y(step.done)}"
            for step in self._steps
            for at in (step.begins, step.ends)
        )
        start, end = f"M{LEFT},{FLOOR}", f"L{self._x(self._end)},{FLOOR}"
        return f'<path class="area" d="{start} {tops} {end} Z"/>'

    def _waits(self, step: Step) -> Iterator[str]:
        left, right = self._x(step.begins), self._x(step.ends)
        if step.waited:
            high = round(LOW * step.waited, 1)
            yield (
                f'<rect class="wait" x="{left}" y="{BOTTOM - high}"'
                f' width="{round(right - left, 1)}" height="{high}"/>'
            )
        if step.throttled:
            yield f'<path class="mark" d="M{right},{FLOOR} v-8"/>'


def _rule(y: float, label: str) -> str:
    line = f'<path class="axis" d="M{LEFT},{y} H{WIDTH - RIGHT}"/>'
    return line + _text(LEFT - 6, y + 4, label, "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'


def round_up(rate: float) -> float:
    """Return a round number that is not below *rate*, for the top of an axis."""
    scale = 1.0
    while scale * 10 < rate:
        scale *= 10
    return next((scale * top for top in (1, 2, 5) if scale * top >= rate), scale * 10)
