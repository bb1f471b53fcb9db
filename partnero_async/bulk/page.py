"""The report of an import as a page: to be looked at rather than read.

One file without scripts that asks no other for anything. All that comes from the file
or from the server goes through `shown`, and stands in no attribute; but the address of
a link is made of a path, with all escaped that is no letter.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import quote

from .._version import __version__
from ..errors import one_line
from .chart import drawn, steps
from .report import Listed, Money, Outcome, Report
from .whole import whole

__all__ = ["render", "write"]

TEMPLATE: Final = files("partnero_async.bulk").joinpath("page.html")

DOUBT: Final = "doubt"
MOODS: Final = {"parked": DOUBT, "sent": DOUBT}
"""Classes of the page, where they are not the name of the state."""


def write(report: Report, path: Path | str) -> None:
    """Write the page; it appears once it is whole.

    Raises `OSError` where it cannot be written.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file")
    text = render(report, beside=path.absolute().parent)
    # Half of a pair of surrogates, in a key or in a path, must not cost the page.
    with whole(path, errors="backslashreplace") as file:
        file.write(text)


def render(report: Report, *, beside: Path) -> str:
    """Return the page; its links are those of a page in the folder *beside*."""
    template = Template(TEMPLATE.read_text("utf-8"))
    mood, verdict = _verdict(report)
    sections = (
        _overview(report),
        _next(report, beside),
        _reasons(report),
        _money(report),
        _pace(report),
        _fields(report),
        _doubt(report),
    )
    return template.substitute(
        title=f"Import of {_count(report.rows)} {_resource(report)}",
        journal=shown(report.journal),
        mood=mood,
        verdict=verdict,
        sections="\n".join(filter(None, sections)),
        version=shown(__version__),
    )


def shown(text: object) -> str:
    """Make any text safe to stand in the page, on one line."""
    return escape(one_line(str(text)))


def _resource(report: Report) -> str:
    return shown(report.resource.replace("_", " "))


def _count(number: int) -> str:
    return f"{number:,}"


def _amount(value: Decimal) -> str:
    return f"{value:,f}"


def _section(name: str, title: str, *content: str) -> str:
    return "\n".join(
        [
            f'<section aria-labelledby="{name}">',
            f'<h2 id="{name}">{title}</h2>',
            *content,
            "</section>",
        ]
    )


# --- how it went ---------------------------------------------------------------------


def _verdict(report: Report) -> tuple[str, str]:
    doubt = report.parked + report.sent
    if doubt:
        return DOUBT, f"? {_rows(doubt)} in doubt: look them up before anything else"
    if report.refused or report.unreachable:
        return "rejected", "✗ stopped before the end"
    if report.interrupted:
        return "pending", "… interrupted: start it again to go on"
    if report.rejected:
        rest = "others are still to be sent" if report.pending else "all others done"
        return "rejected", f"✗ {_rows(report.rejected)} rejected, {rest}"
    if report.pending:
        return "pending", f"… {_rows(report.pending)} still to be sent"
    return "done", "✓ all rows are done"


def _rows(number: int) -> str:
    return f"{_count(number)} row{'' if number == 1 else 's'}"


def _overview(report: Report) -> str:
    doubt = report.parked + report.sent
    states = {
        "done": ("done", report.done),
        "rejected": ("rejected", report.rejected),
        DOUBT: ("in doubt", doubt),
        "pending": ("to be sent", report.pending),
    }
    label = ", ".join(f"{_count(many)} {name}" for name, many in states.values())
    bar = [
        f'<span class="{mood}" style="flex-grow: {many}"></span>'
        for mood, (_, many) in states.items()
        if many
    ]
    figures = [
        *((name, _count(many), mood) for mood, (name, many) in states.items()),
        ("requests", _count(report.requests), ""),
        ("refused (429)", _count(report.throttled), ""),
        ("seconds", f"{report.elapsed:,.1f}", ""),
    ]
    return _section(
        "outcome",
        "Outcome",
        "<dl>",
        *(
            f'<div><dt>{name}</dt><dd class="{mood}">{value}</dd></div>'
            for name, value, mood in figures
        ),
        "</dl>",
        f'<div class="bar tall" role="img" aria-label="{label}">{"".join(bar)}</div>',
    )


def _reasons(report: Report) -> str:
    if not report.outcomes:
        return ""
    most = max(outcome.rows for outcome in report.outcomes)
    return _section(
        "reasons",
        "By reason",
        *_table(
            ("state", "reason", "share", "rows", "the first of them"),
            [_reason(outcome, most) for outcome in report.outcomes],
        ),
    )


def _reason(outcome: Outcome, most: int) -> Sequence[str]:
    mood = MOODS.get(outcome.state, outcome.state)
    example = outcome.example
    return (
        f'<td class="{mood}">{"in doubt" if mood == DOUBT else mood}</td>',
        _cell(outcome.code or ""),
        f'<td class="{mood}">{_bar(outcome.rows, most)}</td>',
        _number(_count(outcome.rows)),
        _cell(f"row {example.row}: {example.reason}" if example else ""),
    )


def _bar(part: int, whole: int) -> str:
    share = 100 * part / whole
    return (
        '<div class="bar" aria-hidden="true">'
        f'<span style="width: {share:.1f}%"></span></div>'
    )


# --- what to do ----------------------------------------------------------------------


def _next(report: Report, beside: Path) -> str:
    todo = [f"<li>{step}</li>" for step in _steps(report, beside)]
    return _section("next", "What to do now", "<ol>", *todo, "</ol>") if todo else ""


def _steps(report: Report, beside: Path) -> Iterator[str]:
    for reason in filter(None, (report.refused, report.unreachable)):
        yield f"See why it stopped: {shown(reason)}"
    if report.parked or report.sent:
        command = _command("resolve", report.journal)
        yield f"Look up what is in doubt: {command}"
    if report.pending:
        yield f"Go on with what is to be sent: {_command('resume', report.journal)}"
    if report.rejects:
        link = _link(report.rejects, beside)
        yield f"Mend the rejected rows in {link}, and import that file."
    if report.rejects_problem:
        yield f"The rejected rows were not written: {shown(report.rejects_problem)}"
    if report.resource == "transactions" and report.done:
        yield (
            "Before partners are paid, compare the file with the program:"
            " <code>partnero reconcile transactions FILE</code>, with the same"
            " <code>--map</code> and <code>--set</code>."
        )


def _command(name: str, journal: Path) -> str:
    command = shlex.join(["partnero", "import", name, str(journal)])
    return f"<code>{shown(command)}</code>"


def _link(path: Path, beside: Path) -> str:
    try:
        target = os.path.relpath(path, beside)
    except ValueError:  # on another drive
        target = str(path)
    # A first part with a colon would be a scheme.
    reference = quote(os.fsencode(f"./{target}".replace(os.sep, "/")))
    return f'<a href="{reference}">{shown(path.name)}</a>'


# --- money, pace, rows ---------------------------------------------------------------


def _money(report: Report) -> str:
    unread = report.unread_amounts
    if not report.money and not unread:
        return ""
    without = f"<p>Without {_rows(unread)} whose amount cannot be read.</p>"
    return _section(
        "money",
        "Money: in the file, and recorded",
        *_table(
            ("currency", "rows", "in the file", "recorded", "not recorded", "share"),
            [_sums(each) for each in report.money],
            numbers=4,
        ),
        without if unread else "",
    )


def _sums(money: Money) -> Sequence[str]:
    left = money.given - money.recorded
    share = money.recorded / money.given if money.given else Decimal(not left)
    bar = _bar(int(1000 * max(Decimal(0), min(share, Decimal(1)))), 1000)
    return (
        _cell(money.units or "none named"),
        _number(_count(money.rows)),
        _number(_amount(money.given)),
        _number(_amount(money.recorded)),
        _number(_amount(left)),
        f'<td class="done">{bar}</td>',
    )


def _pace(report: Report) -> str:
    parts = steps(report.timeline)
    if not parts:
        return ""
    last = report.timeline[-1]
    told = (
        f"{_rows(last.done)} done in {last.at:,.1f} s, {last.done / last.at:,.1f} a"
        f" second, {max(part.done for part in parts):,.1f} at best. Requests stood in"
        f" line for {last.waited:,.1f} s; refused for the rate (429):"
        f" {_count(last.throttled)}."
    )
    picture = drawn(parts, title="Rows a second, and waits", description=told)
    return _section(
        "pace",
        "Rows a second",
        "<figure>",
        picture,
        f'<figcaption class="soft">{told} A red mark is a refusal, and below is the'
        " share of the time in which requests waited.</figcaption>",
        "</figure>",
    )


def _fields(report: Report) -> str:
    if not report.by_field:
        return ""
    return _section(
        "fields",
        "Rejected rows by field",
        *(
            part
            for field, rows in report.by_field.items()
            for part in (f"<h3>{shown(field or 'the whole row')}</h3>", *_listed(rows))
        ),
    )


def _doubt(report: Report) -> str:
    if not report.first_parked:
        return ""
    return _section("doubt", "Rows in doubt", *_listed(report.first_parked))


def _listed(rows: Sequence[Listed]) -> Iterable[str]:
    cells = [
        (
            _number(_count(row.row)),
            _cell(row.key or ""),
            _cell(row.code or ""),
            _cell(row.reason),
        )
        for row in rows
    ]
    return _table(("row", "key", "code", "reason"), cells)


def _table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0
) -> Iterator[str]:
    yield "<table><thead><tr>"
    for at, name in enumerate(header):
        kind = ' class="number"' if 0 < at <= numbers else ""
        yield f'<th scope="col"{kind}>{name}</th>'
    yield "</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(row)}</tr>"
    yield "</tbody></table>"


def _cell(text: str) -> str:
    return f"<td>{shown(text)}</td>"


def _number(text: str) -> str:
    return f'<td class="number">{text}</td>'
