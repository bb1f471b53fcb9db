"""The four plots that people look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._figures import Points

Lines = Mapping[str, Points]

mpl.use("Agg")
OURS: Final = "#d6402f"
OTHERS: Final = "#8d99ae"


def calls(axes: Axes, lines: Lines) -> None:
    """Draw the CPU of a call, by client: one after the other, and 50 at once."""
    names = sorted(lines, key=lambda name: lines[name][0][1], reverse=True)
    for place, name in enumerate(names):
        (_, one), (_, many) = lines[name]
        color = OURS if name.startswith("partnero_") else OTHERS
        axes.barh(place + 0.2, one, 0.38, color=color)
        axes.barh(place - 0.2, many, 0.38, color=color, alpha=0.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("CPU a call, µs; pale: 50 at once (threads where it is not async)")
    axes.set_title("CPU a call, by client")


def window(axes: Axes, lines: Lines) -> None:
    """Draw how long a list takes, by pages that are asked for at once."""
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), "o-", color=OURS, label=name)
    axes.set_ylim(0)
    axes.set_xlabel("pages at once")
    axes.set_ylabel("seconds for 100 pages")
    axes.set_title("Listing at 20 ms latency, by window")


def rates(axes: Axes, lines: Lines) -> None:
    """Draw what share of the allowed rate was used, over time."""
    for name, points in lines.items():
        style = "--" if name.startswith("each call") else "-"
        axes.plot(*zip(*points, strict=True), style, label=name)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("seconds")
    axes.set_ylabel("share of all that was allowed so far")
    axes.set_title("600 requests, 50 tasks, a token bucket of 10/s")
    axes.legend(loc="lower right")


def memory(axes: Axes, lines: Lines) -> None:
    """Draw the peak of memory, by rows."""
    for (name, points), style in zip(lines.items(), ("s--", "o-"), strict=False):
        axes.plot(*zip(*points, strict=True), style, label=name)
    axes.set_xscale("log")
    top = max(mb for points in lines.values() for _, mb in points)
    axes.set_ylim(0, 1.1 * top)
    axes.set_xlabel("items or rows")
    axes.set_ylabel("peak of the process, MB")
    axes.set_title("Memory, by rows")
    axes.legend(loc="lower right")


DRAWN: Final[Mapping[str, Callable[[Axes, Lines], None]]] = {
    "calls": calls,
    "window": window,
    "rates": rates,
    "memory": memory,
}


def draw(lines: Mapping[str, Lines], folder: Path) -> None:
    """Write a PNG of each."""
    folder.mkdir(exist_ok=True)
    for name, plot in DRAWN.items():
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        plot(axes, lines[name])
        # Without a date or a version in it the same figures are the same file.
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
