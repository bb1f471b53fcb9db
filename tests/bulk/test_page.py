"""The report as a page: what it shows, and that no text is more than a text."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partnero_async import Partnero
from partnero_async.bulk import Listed, Moment, Money, Outcome, Report
from partnero_async.bulk.chart import round_up, steps
from partnero_async.bulk.page import render, write
from partnero_async.sandbox import Sandbox, parse_rate_limit
from tests.bulk.both import run_import
from tests.bulk.shop import names_in, sale, write_csv

FOLDER = Path("/data")

VOID = {"meta"}


class Page(HTMLParser):
    """A page that was read: its elements with their attributes, and its texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        """Take note of an element."""
        self.elements.append((tag, tuple(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        """Take note of an element that has no inside."""
        self.elements.append((tag, tuple(attributes)))

    def handle_endtag(self, tag: str) -> None:
        """See that elements are closed in the order in which they were opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take note of a text."""
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        """Refuse: the page has none."""
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        """Refuse: the page has none."""
        raise AssertionError(data)

    @property
    def text(self) -> str:
        """All that is to be read."""
        return "\n".join(self.texts)

    def links(self) -> list[str]:
        """Return where it leads."""
        return [dict(given)["href"] or "" for tag, given in self.elements if tag == "a"]


def report_with(text: Callable[[], str], **more: Any) -> Report:
    """Make a report that has all parts, with texts of any kind in each place."""
    listed = [Listed(7, text(), text(), text()), Listed(8, None, None, text())]
    values: dict[str, Any] = {
        "resource": "transactions",
        "journal": FOLDER / "sales.csv.journal",
        "rejects": FOLDER / "sales.csv.rejects.csv",
        "rejects_problem": text(),
        "unread_amounts": 1,
        "rows": 1200,
        "done": 1000,
        "rejected": 150,
        "parked": 20,
        "sent": 10,
        "pending": 20,
        "requests": 2345,
        "throttled": 6,
        "elapsed": 61.25,
        "refused": text(),
        "unreachable": text(),
        "first_parked": listed,
        "outcomes": [
            Outcome(state="done", rows=1000),
            Outcome(state="rejected", code=text(), rows=150, example=listed[0]),
            Outcome(state="parked", code="several", rows=20, example=listed[1]),
            Outcome(state="pending", rows=20),
        ],
        "by_field": {f"{number}{text()}": listed for number in range(2)} | {"": listed},
        "money": [
            Money(
                units=text(),
                rows=1200,
                given=Decimal("1234567.89"),
                recorded=Decimal("1234000.00"),
            ),
            Money(units=None, rows=1, given=Decimal(0), recorded=Decimal(0)),
            Money(units="EUR", rows=1, given=Decimal(0), recorded=Decimal(5)),
        ],
        "timeline": [
            Moment(at=0.0),
            Moment(at=20.0, done=400, sent=410, waited=0.0),
            Moment(at=40.0, done=400, sent=420, throttled=6, waited=15.0),
            Moment(at=61.25, done=1000, sent=1010, throttled=6, waited=20.0),
        ],
    }
    return Report(**{**values, **more})


def read(report: Report) -> Page:
    """Render a report, and read the page."""
    page = Page(render(report, beside=FOLDER))
    assert page.open == []
    return page


HARMLESS = report_with(lambda: "x")
EMPTY = Report(resource="partners", journal=FOLDER / "p.journal")


# --- no text is more than a text ---------------------------------------------------

HOSTILE: Sequence[str] = (
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- ",
    "<![CDATA[",
    "<?php ?>",
    "</style></title><iframe>",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "javascript:alert(1)",
    "$title ${sections} $$",
    "{0} %s \\",
    "\x00\x1b[31m\u202e\ud800",
)

TEXTS = st.sampled_from(HOSTILE) | st.text(
    st.characters() | st.sampled_from("<>&\"'/=`$- !"), max_size=40
)


@settings(deadline=None)
@given(data=st.data())
def test_any_text_stays_a_text(data: st.DataObject) -> None:
    """The page has the same elements and attributes, whatever the texts are."""
    # Of an empty text some parts are left out.
    report = report_with(lambda: f"x{data.draw(TEXTS)}")
    assert read(report).elements == read(HARMLESS).elements


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_what_was_there_is_shown(text: str) -> None:
    """It can be read as it stands in the file."""
    assert text.strip() in read(report_with(lambda: text)).text


@settings(deadline=None)
@given(name=TEXTS.map(lambda text: text.replace("/", "").replace("\0", "")))
def test_a_file_of_any_name(name: str) -> None:
    """The link leads to the file beside the page, and nowhere else."""
    name = f"{name.encode(errors='replace').decode()}.rejects.csv"
    report = attrs.evolve(
        HARMLESS, journal=FOLDER / f"{name}.journal", rejects=FOLDER / "a" / name
    )
    (link,) = read(report).links()
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("",) * 4
    assert PurePosixPath(unquote(parts.path)) == PurePosixPath("a", name)


def test_a_file_on_another_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no way leads there from the page, the link has the whole path."""

    def relpath(*_: Any) -> str:
        raise ValueError

    monkeypatch.setattr(os.path, "relpath", relpath)
    assert read(HARMLESS).links() == [".//data/sales.csv.rejects.csv"]


def test_it_asks_nobody_for_anything() -> None:
    """Neither scripts nor anything of another address, and the browser is told so."""
    page = read(HARMLESS)
    (policy,) = [
        dict(given)["content"] or ""
        for tag, given in page.elements
        if ("http-equiv", "Content-Security-Policy") in given and tag == "meta"
    ]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    names = {name for _, given in page.elements for name, _ in given}
    assert not names & {"src", "srcset", "action", "data", "xlink:href", "background"}
    assert not any(name.startswith("on") for name in names)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base"}
    html = render(HARMLESS, beside=FOLDER)
    assert "url(" not in html
    assert "@import" not in html
    assert "://" not in html


# --- what it shows -----------------------------------------------------------------


def test_all_parts() -> None:
    """What came of it, why, what to do, the money, the pace, and the rows."""
    text = read(HARMLESS).text
    for part in (
        "Import of 1,200 transactions",
        "30 rows in doubt",
        "partnero import resolve /data/sales.csv.journal",
        "partnero import resume /data/sales.csv.journal",
        "sales.csv.rejects.csv",
        "1,234,567.89",
        "567.89",
        "the whole row",
        "1,000 rows done in 61.2 s, 16.3 a second, 28.2 at best.",
        "in line for 20.0 s; refused for the rate (429): 6.",
        "partnero reconcile transactions FILE",
        "Without 1 row whose amount cannot be read.",
    ):
        assert part in text


def test_the_name_of_a_resource() -> None:
    """It is spelled for people."""
    report = attrs.evolve(EMPTY, resource="partner_links", done=1)
    assert "Import of 0 partner links" in read(report).text
    assert "reconcile" not in read(report).text


def test_a_report_of_nothing() -> None:
    """Parts without content are left out."""
    page = read(EMPTY)
    assert "all rows are done" in page.text
    assert [tag for tag, _ in page.elements].count("section") == 1
    assert page.links() == []


@pytest.mark.parametrize(
    ("values", "mood", "verdict"),
    [
        pytest.param({"done": 2}, "done", "all rows are done", id="done"),
        pytest.param({"parked": 1}, "doubt", "1 row in doubt", id="in doubt"),
        pytest.param({"sent": 2}, "doubt", "2 rows in doubt", id="under way"),
        pytest.param({"refused": "401"}, "rejected", "stopped", id="refused"),
        pytest.param({"unreachable": "no"}, "rejected", "stopped", id="unreachable"),
        pytest.param({"interrupted": True}, "pending", "interrupted", id="interrupted"),
        pytest.param(
            {"rejected": 1}, "rejected", "1 row rejected, all others", id="rejected"
        ),
        pytest.param(
            {"rejected": 1, "pending": 1},
            "rejected",
            "1 row rejected, others are still",
            id="rejected and pending",
        ),
        pytest.param({"pending": 3}, "pending", "3 rows still", id="pending"),
    ],
)
def test_the_verdict(values: dict[str, Any], mood: str, verdict: str) -> None:
    """One line above all says what matters most."""
    page = read(attrs.evolve(EMPTY, **values))
    assert ("p", (("class", f"verdict {mood}"),)) in page.elements
    assert verdict in page.text


def test_every_part_has_a_name() -> None:
    """Whoever does not see it is told what is what: sections, pictures, columns."""
    elements = [(tag, dict(values)) for tag, values in read(HARMLESS).elements]
    assert elements[0] == ("html", {"lang": "en"})
    ids = {values.get("id") for _, values in elements}
    for tag, values in elements:
        if tag in ("section", "svg"):
            assert set((values["aria-labelledby"] or "").split()) <= ids
        elif values.get("role") == "img":
            assert values["aria-label"] == (
                "1,000 done, 150 rejected, 30 in doubt, 20 to be sent"
            )
        elif tag == "th":
            assert values["scope"] == "col"


def test_schemes_and_paper() -> None:
    """It follows the scheme of the reader, and can be printed."""
    html = render(EMPTY, beside=FOLDER)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


# --- the picture -------------------------------------------------------------------


def picture(report: Report) -> ET.Element:
    """Return the picture of a page."""
    html = render(report, beside=FOLDER)
    return ET.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])  # noqa: S314 - our own


def test_the_picture() -> None:
    """It is whole, and inside of its frame."""
    svg = picture(HARMLESS)
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    (area,) = [each for each in svg if each.get("class") == "area"]
    points = [point.split(",") for point in area.attrib["d"][1:-2].split(" L")]
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)
    assert [x for x, _ in points] == sorted((x for x, _ in points), key=float)
    waits = [each for each in svg if each.get("class") == "wait"]
    assert [float(each.attrib["height"]) for each in waits] == [21.0, 6.6]
    assert len([each for each in svg if each.get("class") == "mark"]) == 1
    # An end of line in a label would be one of the page.
    assert [each.text for each in svg if each.text][2:5] == ["50", "25", "0"]


@pytest.mark.parametrize("count", [1, 60, 61, 119, 300])
def test_steps(count: int) -> None:
    """However many moments there are, a few steps have all that happened."""
    timeline = [
        Moment(at=float(number), done=3 * number, throttled=number, waited=number / 2)
        for number in range(1, count + 1)
    ]
    found = steps(timeline)
    assert len(found) <= 60
    assert (found[0].begins, found[-1].ends) == (0.0, float(count))
    assert sum(step.throttled for step in found) == count
    assert {(round(step.done, 9), round(step.waited, 9)) for step in found} == {
        (3, 0.5)
    }


@pytest.mark.parametrize(
    "timeline",
    [
        pytest.param([], id="none"),
        pytest.param([Moment(at=0.0)], id="a run that has just begun"),
    ],
)
def test_a_run_without_a_course(timeline: Sequence[Moment]) -> None:
    """There is nothing to draw."""
    assert "<svg" not in render(
        attrs.evolve(HARMLESS, timeline=timeline), beside=FOLDER
    )


@pytest.mark.parametrize(
    ("rate", "top"),
    [(0, 1), (1, 1), (1.5, 2), (3, 5), (7, 10), (10, 10), (11, 20), (700, 1000)],
)
def test_the_top_of_an_axis(rate: float, top: float) -> None:
    """It is a round number, and not below what is drawn."""
    assert round_up(rate) == top


# --- as a file ---------------------------------------------------------------------


def test_it_appears_once_it_is_whole(tmp_path: Path) -> None:
    """Nobody looks at half a page; a text that UTF-8 has not does not cost it."""
    path = tmp_path / "report.html"
    write(report_with(lambda: "\ud800 é"), str(path))
    assert names_in(tmp_path) == ["report.html"]
    text = path.read_text("utf-8")
    assert "\\ud800 é" in text
    assert text.endswith("</html>\n")
    write(EMPTY, path)
    assert "all rows are done" in path.read_text("utf-8")


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    """It is an error of the system, for the command to tell."""
    with pytest.raises(FileNotFoundError):
        write(EMPTY, tmp_path / "none" / "report.html")


async def test_the_page_of_an_import(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """From a file with bad rows, under a rate limit, to a page that shows it."""
    shop.rate_limit = parse_rate_limit("60/1")
    rows = [*map(sale, range(80)), ("bad", "c1", "<b>1,5</b>", "", "sale"), sale(3)]
    file = write_csv(tmp_path / "t.csv", rows)
    report = await run_import(client, "transactions", file)
    write(report, tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert "2 rows rejected, all others done" in page.text
    assert "s3 is the key of row 4 too" in page.text
    assert "amount: '<b>1,5</b>' is no amount" in page.text
    assert page.links() == ["./t.csv.rejects.csv"]
    assert "Rows a second" in page.texts


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """The page becomes a file, and takes the place of files only."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="is no file"):
        write(Report(resource="partners", journal=Path("j")), pipe)
    assert names_in(tmp_path) == ["pipe"]
