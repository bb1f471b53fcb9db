"""The pure parts of the benchmarks. What they measure is no test."""

from __future__ import annotations

import json
import random

import pytest

from benchmarks._figures import (
    HEAD,
    Figure,
    Result,
    Table,
    cells,
    document,
    markdown,
    number,
    plain,
    worse,
)
from benchmarks._harness import Cost, Setting, ratios, rounds
from benchmarks._server import PAGE, page


def figure(
    *found: float, at_least: bool = False, target: float = 1.0, what: str = "a call"
) -> Figure:
    more = target * 2 if at_least else target / 2
    return Figure.of("T1", what, found, target=target, stretch=more, at_least=at_least)


def test_a_figure_is_the_median_of_its_rounds() -> None:
    """The table shows the median, and between what the rounds were."""
    made = figure(3.0, 1.0, 2.0)
    assert (made.value, made.low, made.high, made.rounds) == (2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize(
    ("value", "at_least", "said"),
    [
        pytest.param(1.0, False, "yes", id="just-met"),
        pytest.param(1.01, False, "NO", id="too-much"),
        pytest.param(0.5, False, "stretch", id="even-the-stretch"),
        pytest.param(0.99, True, "NO", id="too-little"),
        pytest.param(1.0, True, "yes", id="enough"),
    ],
)
def test_a_row_says_whether_it_is_met(value: float, at_least: bool, said: str) -> None:
    """At most and at least are not mixed up."""
    assert cells(figure(value, at_least=at_least))[-1] == said


@pytest.mark.parametrize(
    ("now", "before", "at_least", "is_worse"),
    [
        pytest.param((2.0, 2.1, 2.2), (1.0, 1.1, 1.2), False, True, id="slower"),
        pytest.param((1.0, 1.1, 1.2), (2.0, 2.1, 2.2), False, False, id="faster"),
        pytest.param((1.0, 1.3, 1.4), (1.0, 1.1, 1.2), False, False, id="noise"),
        pytest.param((1.0, 1.1, 1.2), (2.0, 2.1, 2.2), True, True, id="less"),
        pytest.param((2.0, 2.1, 2.2), (1.0, 1.1, 1.2), True, False, id="more"),
    ],
)
def test_worse_is_more_than_noise(
    now: tuple[float, ...],
    before: tuple[float, ...],
    at_least: bool,
    is_worse: bool,
) -> None:
    """A regression is outside of what both runs have spread over."""
    found = worse([figure(*now, at_least=at_least)], [figure(*before)])
    assert bool(found) is is_worse


def test_only_the_same_figure_is_compared() -> None:
    """A figure of other rows, or a new one, has nothing that it is worse than."""
    assert not worse([figure(9.0, what="another")], [figure(1.0)])


def test_a_result_is_read_back() -> None:
    """What is kept beside the document is what was measured."""
    result = Result(
        [figure(1.0, 2.0)],
        [Table("what", ["a"], [["x"], [1.5]])],
        {"plot": {"line": [(1.0, 2.0)]}},
    )
    text = result.as_json()
    assert Result.from_json(text).figures == result.figures
    assert Result.from_json(text).as_json() == text


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (12.34, "12.3"), (0.12345, "0.123")]
)
def test_a_number_has_the_digits_that_mean_something(value: float, text: str) -> None:
    """Nobody reads a sixth digit of a noisy figure."""
    assert number(value) == text


def test_tables_are_the_same_in_both_forms() -> None:
    """The terminal and the document show the same cells."""
    rows = [("a", 1.5), ("long", 200.0)]
    assert plain(["x", "y"], rows).splitlines()[2].split() == ["long", "200"]
    assert markdown(["x", "y"], rows).splitlines()[-1] == "| long | 200 |"


def test_the_document_says_how_to_repeat_it() -> None:
    """It has the seed, the machine, the table, and a plot of each drawing."""
    result = Result([figure(0.4)], [], {"calls": {}})
    text = document(result, {"processor": "one"}, seed=7, quick=True)
    for part in (
        "A quick run",
        "--seed 7",
        "- processor: one",
        "plots/calls.png",
        "1 of 1 targets",
    ):
        assert part in text
    assert f"| {' | '.join(HEAD)} |" in text


def test_ratios_are_of_the_same_round() -> None:
    """What disturbs a round disturbs both of its sides."""
    ours, theirs = [Cost(2.0, 8.0), Cost(3.0, 9.0)], [Cost(1.0, 4.0), Cost(3.0, 3.0)]
    assert ratios(ours, theirs, "cpu") == [2.0, 1.0]
    assert ratios(ours, theirs, "wall") == [2.0, 3.0]


def test_contestants_take_turns_in_an_order_that_can_be_repeated() -> None:
    """Each round has all of them once, and the seed tells the order."""
    seen: list[str] = []
    names = "abcd"
    turns = {name: lambda name=name: seen.append(name) for name in names}
    costs = rounds(turns, Setting(quick=True, seed=3), count=5)
    by_round = [seen[n : n + 4] for n in range(0, len(seen), 4)]
    assert all(sorted(order) == [*names] for order in by_round)
    assert len(by_round) == 6, "five, and one of practice"
    assert {name: len(found) for name, found in costs.items()} == dict.fromkeys(
        names, 5
    )
    rng, order = random.Random(3), [*names]
    rng.shuffle(order)
    assert by_round[0] == order
    assert len({*map(tuple, by_round)}) > 1


def test_pages_of_the_canned_server_are_a_list() -> None:
    """Each item is there once, and the last page leads nowhere."""
    read = [json.loads(page(number, 3, "http://h")) for number in (1, 2, 3, 4)]
    ids = [item["id"] for answer in read for item in answer["data"]]
    assert len(ids) == len({*ids}) == 3 * PAGE
    assert [answer["links"]["next"] for answer in read] == [
        "http://h/v1/partners?page=2",
        "http://h/v1/partners?page=3",
        None,
        None,
    ]
    assert read[0]["data"][7]["email"] == "ada00000007@example.com"
