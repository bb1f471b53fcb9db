"""Lists that change under a walk, and proof that a broken promise would be seen."""

from __future__ import annotations

import asyncio

import pytest

from partnero_async import Partnero, _walk
from partnero_async._wire import Request, next_page
from partnero_async.pages import Pages
from tests.bench import lists
from tests.bench.figures import assert_met
from tests.bench.lists import Seen, changing


@pytest.mark.timeout(240)
def test_lists_that_change(seed: int) -> None:
    """Each item once, nothing missed beyond what is said, and no link followed."""
    assert_met(lists.run(full=False, seed=seed))


def test_what_may_be_missed_is_said() -> None:
    """What the walks above are held to stands in the documentation of lists."""
    told = " ".join((Pages.__doc__ or "").split())
    assert "a deletion in front of the walk can hide as many items" in told
    told = " ".join((Pages.items.__doc__ or "").split())
    assert "an addition can hide items too" in told
    assert "moved to another page, what stands before it comes again" in told


def test_item_that_is_yielded_twice_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A walk that remembers nothing."""
    monkeypatch.setattr(_walk, "REMEMBERED", 0)
    wrong = asyncio.run(changing("small", seed))
    assert any("yielded twice" in text for text in wrong)


def test_walk_that_misses_is_caught() -> None:
    """One item in front of a walk was deleted, and two are missing."""
    seen = Seen(["a", "b"], inserted=5, deleted={"x"})
    there = {"a", "b", "c", "d"}
    assert seen.wrong(there | {"x"}, there, window=1, resumed=False) == [
        "2 missed, 1 may be"
    ]
    assert seen.wrong(there | {"x"}, there, window=8, resumed=False) == []
    assert seen.wrong({"a"}, {"a"}, window=1, resumed=True) == ["1 that never were"]


def test_link_that_is_followed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes any page number for the next one."""

    def followed(link: str, origin: str, asked: Request, after: int) -> int:
        number = link.rpartition("=")[2]
        here = f"{origin}{asked.target}?page={number}"
        return next_page(here, origin, asked, after)

    monkeypatch.setattr("partnero_async.pages.next_page", followed)
    wrong = asyncio.run(lists.misled(Partnero, "THERE/partners?page=4"))
    assert ["4 requests" in text for text in wrong] == [True]
