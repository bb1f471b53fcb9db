"""What a part of the bench found: a figure, beside what it has to be."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

SHOWN = 5
"""Failures of one figure that are shown; one is usually enough to see why."""


@attrs.frozen
class Figure:
    """One row of the table: the figures of the project's reliability rules."""

    id: str
    what: str
    figure: str
    target: str
    met: bool
    failures: Sequence[str] = ()
    """What went wrong, for people; the first few are shown."""

    def __str__(self) -> str:
        """Show the row, and under it what went wrong."""
        said = "met" if self.met else "NOT MET"
        row = f"{self.id:4} {self.what:62} {self.figure:>26}  {self.target:28} {said}"
        return "\n".join([row, *(f"     - {why}" for why in self.failures[:SHOWN])])


def assert_met(figures: Sequence[Figure]) -> None:
    """Fail with the rows that are not met."""
    for figure in figures:
        print(figure)
    unmet = [str(figure) for figure in figures if not figure.met]
    assert not unmet, "\n" + "\n".join(unmet)
