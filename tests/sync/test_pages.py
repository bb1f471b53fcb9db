from __future__ import annotations

from typing import Any

import pytest

from partnero_async.sandbox import Sandbox
from partnero_sync import (
    ClientClosedError,
    NotFoundError,
    Pages,
    Partnero,
    UnexpectedBodyError,
    UsageError,
)
from tests.sync.silent import PATIENCE, Silent


@pytest.fixture
def shop(client: Partnero) -> Partnero:
    """Give the program seven partners, ``p0`` the newest."""
    for number in reversed(range(7)):
        client.partners.create(email=f"p{number}@example.com", id=f"p{number}")
    return client


SEVEN = [f"p{number}" for number in range(7)]


def page_of(silent: Silent, number: int) -> dict[str, Any]:
    """Make a page that links to the next."""
    link = f"{silent.url}/partners?page={number + 1}"
    names = [f"{number}-{item}" for item in range(2)]
    partners = [{"id": name, "key": name} for name in names]
    return {"data": partners, "links": {"next": link}, "status": 1}


def test_walk_takes_one_trip_a_page(
    shop: Partnero, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never one an item; a last trip finds that there is no more, and sends nothing."""
    trips: list[object] = []
    send = shop._portal.send

    def counted(trip: Any) -> None:
        trips.append(trip)
        send(trip)

    monkeypatch.setattr(shop._portal, "send", counted)
    before = sandbox.requests
    assert [partner.id for partner in shop.partners.list(limit=3)] == SEVEN
    assert len(trips) == 4
    assert sandbox.requests - before == 3


def test_nothing_is_sent_before_the_first_item_is_asked_for(
    shop: Partnero, sandbox: Sandbox
) -> None:
    """A list is a description of a walk, and each walk starts anew."""
    before = sandbox.requests
    partners = shop.partners.list()
    walks = iter(partners), iter(partners)
    assert sandbox.requests == before
    assert [next(walk).id for walk in walks] == ["p0", "p0"]


def test_next_page_is_fetched_while_the_caller_works(
    waiting: Partnero, silent: Silent
) -> None:
    """The second request leaves before anybody asks for its items."""
    silent.answers["page=1"] = page_of(silent, 1)
    pages = waiting.partners.list(limit=2).pages()
    assert next(pages).number == 1
    assert silent.asked.acquire(timeout=PATIENCE)
    assert silent.asked.acquire(timeout=PATIENCE)
    pages.close()


def test_leaving_early_cancels_the_fetch_ahead(
    waiting: Partnero, silent: Silent
) -> None:
    """A loop that is left asks for nothing any more."""
    silent.answers["page=1"] = page_of(silent, 1)
    for _partner in waiting.partners.list(limit=2):
        silent.asked.acquire()
        silent.asked.acquire()
        break
    assert silent.left.acquire(timeout=PATIENCE)


def test_leaving_early_cancels_all_pages_of_a_window(
    waiting: Partnero, silent: Silent
) -> None:
    """Two more were asked for beside the first, and a third when it came."""
    silent.answers["page=1"] = page_of(silent, 1)
    for _page in waiting.partners.list(limit=2).pages(window=3):
        break
    for _connection in range(2):
        assert silent.left.acquire(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("noun", "keys"),
    [
        pytest.param("partners", ["1-0", "1-1", "2-0", "2-1"], id="by-key"),
        # Sales may be equal: the first page, read again, shows that nothing shifted.
        pytest.param(
            "transactions", ["1-0", "1-1", "1-1", "2-0", "2-1"], id="by-order"
        ),
    ],
)
def test_item_that_comes_by_again_is_told_as_on_the_async_side(
    waiting: Partnero, silent: Silent, noun: str, keys: list[str]
) -> None:
    """A list that shifts under the walk shows the last item of a page twice."""
    first, second = page_of(silent, 1), page_of(silent, 2)
    first["links"]["next"] = f"{silent.url}/{noun}?page=2"
    second["links"]["next"] = None
    second["data"].insert(0, first["data"][-1])
    for number, page in enumerate((first, second), start=1):
        silent.answers[f"{noun}?limit=3&page={number}"] = page
    found = getattr(waiting, noun).list(limit=3)
    assert [item.key for item in found] == keys
    assert [len(page.items) for page in found.pages()] == [2, 3]


def test_failure_of_the_page_ahead_comes_after_this_one(
    waiting: Partnero, silent: Silent
) -> None:
    """The items that came are the caller's before the error is."""
    silent.answers["page=1"] = page_of(silent, 1)
    silent.answers["page=2"] = {"data": "no list", "status": 1}
    partners = iter(waiting.partners.list(limit=2))
    assert [next(partners).id, next(partners).id] == ["1-0", "1-1"]
    with pytest.raises(UnexpectedBodyError):
        next(partners)


def test_pages_one_by_one(shop: Partnero) -> None:
    """Pages come whole, by number, or as one list."""
    partners = shop.partners.list(limit=3)
    assert isinstance(partners, Pages)
    assert repr(partners) == "<Pages of GET /partners, 3 a page>"
    assert [len(page.items) for page in partners.pages()] == [3, 3, 1]
    assert [len(page.items) for page in partners.pages(start=2)] == [3, 1]
    assert [partner.id for partner in partners.page(2).items] == SEVEN[3:6]
    first = partners.first()
    assert first is not None
    assert first.id == "p0"
    assert [partner.id for partner in partners.collect()] == SEVEN
    assert [partner.id for partner in partners.collect(window=2)] == SEVEN


def test_mistakes_are_refused_where_they_are_made(shop: Partnero) -> None:
    """A limit is checked by the call itself, a page's number when it is read."""
    with pytest.raises(UsageError):
        shop.partners.list(limit=0)
    with pytest.raises(UsageError):
        shop.partners.list().page(0)
    with pytest.raises(NotFoundError):
        list(shop.customers.transactions("nobody"))


def test_walk_goes_no_further_than_its_client(
    waiting: Partnero, silent: Silent
) -> None:
    """A read that was cut says that its client is closed, as one that comes later."""
    silent.answers["page=1"] = page_of(silent, 1)
    walk = waiting.partners.list(limit=2).pages()
    assert next(walk).number == 1
    for _request in range(2):
        assert silent.asked.acquire(timeout=PATIENCE)
    waiting.close()
    with pytest.raises(ClientClosedError) as caught:
        list(walk)
    assert not caught.value.maybe_applied


# --- walks that know where they are -----------------------------------------------


def test_walk_goes_on_at_its_checkpoint(shop: Partnero) -> None:
    """Wherever a walk was left, going on there yields the rest."""
    partners = shop.partners.list(limit=3)
    for taken in range(8):
        with partners.items() as walk:
            first = [next(walk).id for _ in range(taken)]
            where = walk.checkpoint()
        assert first + [p.id for p in partners.items(resume=where)] == SEVEN


def test_several_pages_at_once_come_in_order(shop: Partnero) -> None:
    """A window is quicker, and changes nothing else."""
    walk = shop.partners.list(limit=2).items(window=3)
    assert [partner.id for partner in walk] == SEVEN


def test_walk_is_walked_once(shop: Partnero) -> None:
    """A second loop over a walk goes on where the first was left."""
    walk = shop.partners.list(limit=3).items()
    for partner in walk:
        assert partner.id == "p0"
        break
    assert [partner.id for partner in walk] == SEVEN[1:]
