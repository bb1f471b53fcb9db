"""What a benchmark found: figures beside what they have to be, and tables.

Nothing here measures, so all of it is tested with plain values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Figure:
    """One figure: the median of its rounds, and between what they were."""

    id: str
    what: str
    value: float
    low: float
    high: float
    rounds: int
    target: float
    stretch: float | None = None
    at_least: bool = False
    """Whether more is better."""

    @classmethod
    def of(
        cls,
        id: str,  # noqa: A002 - what the table calls it
        what: str,
        found: Sequence[float],
        *,
        target: float,
        stretch: float | None = None,
        at_least: bool = False,
    ) -> Figure:
        """Take the median of what the rounds found."""
        return cls(
            id,
            what,
            median(found),
            min(found),
            max(found),
            len(found),
            target,
            stretch,
            at_least,
        )

    @property
    def met(self) -> bool:
        """Whether it is what it has to be."""
        return self._reaches(self.target)

    @property
    def stretched(self) -> bool:
        """Whether it is even what would be good."""
        return self.stretch is not None and self._reaches(self.stretch)

    def _reaches(self, target: float) -> bool:
        return self.value >= target if self.at_least else self.value <= target

    def is_worse_than(self, before: Figure) -> bool:
        """Say whether it is worse than it was, by more than the noise of both.

        Noise is the spread of the rounds: the median is outside of what was measured
        before, and the median of before is outside of what is measured now.
        """
        if self.at_least:
            return self.value < before.low and before.value > self.high
        return self.value > before.high and before.value < self.low


@dataclass(frozen=True)
class Table:
    """Further numbers of a benchmark, for people."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | float]]


@dataclass
class Result:
    """All that a benchmark found."""

    figures: list[Figure] = field(default_factory=list[Figure])
    tables: list[Table] = field(default_factory=list[Table])
    lines: dict[str, dict[str, Points]] = field(
        default_factory=dict[str, dict[str, Points]]
    )
    """What is drawn: by plot, by line."""

    def add(self, other: Result) -> None:
        """Take in what another benchmark found."""
        self.figures += other.figures
        self.tables += other.tables
        self.lines |= other.lines

    def as_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `as_json` has written."""
        read = json.loads(text)
        return cls(
            [Figure(**figure) for figure in read["figures"]],
            [Table(**table) for table in read["tables"]],
            read["lines"],
        )


def worse(found: Iterable[Figure], before: Iterable[Figure]) -> list[str]:
    """Say which figures are worse than they were, by more than the noise."""
    known = {(figure.id, figure.what): figure for figure in before}
    return [
        f"{now.id} {now.what}: {now.value:.3g} after {was.value:.3g}"
        f" ({was.low:.3g} to {was.high:.3g})"
        for now in found
        if (was := known.get((now.id, now.what))) and now.is_worse_than(was)
    ]


# --- how it is shown -----------------------------------------------------------------

HEAD = ("id", "what", "figure", "rounds", "target", "stretch", "met")


def cells(figure: Figure) -> Sequence[str]:
    """Return the row of a figure in the one table."""
    sign = "≥" if figure.at_least else "≤"
    met = "stretch" if figure.stretched else "yes" if figure.met else "NO"
    return (
        figure.id,
        figure.what,
        number(figure.value),
        f"{number(figure.low)} to {number(figure.high)}, {figure.rounds}",
        f"{sign} {number(figure.target)}",
        "" if figure.stretch is None else f"{sign} {number(figure.stretch)}",
        met,
    )


def number(value: float) -> str:
    """Write a number with as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def texts(rows: Iterable[Sequence[str | float]]) -> list[Sequence[str]]:
    """Write the cells of a table."""
    return [[c if isinstance(c, str) else number(c) for c in row] for row in rows]


def plain(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """Show a table in a terminal: texts to the left, all else to the right."""
    given = [*rows]
    all_rows = [head, *texts(given)]
    widths = [
        max(len(cell) for cell in column) for column in zip(*all_rows, strict=True)
    ]
    numeric = [
        all(not isinstance(cell, str) for cell in column)
        for column in zip(*given, strict=True)
    ] or [False] * len(head)
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if right else f"{cell:{width}}"
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in all_rows
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """Show a table in a document."""
    lines = [head, ["---"] * len(head), *texts(rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(result: Result) -> str:
    """Show the tables of a benchmark, and its figures below, in a terminal."""
    parts = [f"{t.title}\n{plain(t.head, t.rows)}" for t in result.tables]
    if result.figures:
        parts.append(plain(HEAD, map(cells, result.figures)))
    return "\n\n".join(parts)


ABOUT = """\
Repeat it with `make bench`, or in two minutes with `make bench-quick`. Figures are
ratios of one run, in which the contestants took turns in random order: medians, and
between what the rounds were. Client and server had a core each. Absolute times are of
this machine alone.
"""


def document(
    result: Result, about: Mapping[str, str], *, seed: int, quick: bool
) -> str:
    """Write the whole of it as a document."""
    unmet = [figure for figure in result.figures if not figure.met]
    met = f"{len(result.figures) - len(unmet)} of {len(result.figures)} targets are met"
    parts = [
        "# What it costs\n",
        ABOUT,
        f"{'A quick' if quick else 'The full'} run, with `--seed {seed}`. {met}.\n",
        "\n".join(f"- {name}: {value}" for name, value in about.items()) + "\n",
        markdown(HEAD, map(cells, result.figures)) + "\n",
        *(f"![{name}](plots/{name}.png)\n" for name in result.lines),
        *(f"## {t.title}\n\n{markdown(t.head, t.rows)}\n" for t in result.tables),
    ]
    return "\n".join(parts)
