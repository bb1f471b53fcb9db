from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partnero_async import Partnero, UnexpectedBodyError, UsageError
from tests.scripted import ORIGIN, Reply, data, play

HERE = f"{ORIGIN}/v1/customers"


def items(*keys: str) -> list[dict[str, str]]:
    return [{"key": key} for key in keys]


def linked(link: object, *keys: str) -> Reply:
    return data(items(*keys), links={"next": link})


def walk(limit: int = 2, **filters: Any) -> Callable[[Partnero], Awaitable[list[str]]]:
    """Walk the customers, with *limit* a page, to their keys."""

    async def run(client: Partnero) -> list[str]:
        pages = client.customers.list(limit=limit, **filters)
        return [str(customer.key) async for customer in pages]

    return run


def test_walk_follows_next_until_it_is_null() -> None:
    """Each page is asked for by number, with the walk's own limit and filters."""
    keys, script = play(
        [
            linked(f"{HERE}?page=2", "a", "b"),
            linked(f"{HERE}?limit=99&page=3&partner_key=other", "c", "d"),
            linked(None, "e"),
        ],
        walk(partner_key="k"),
    )
    assert keys == ["a", "b", "c", "d", "e"]
    assert [seen.query for seen in script.seen] == [
        {"limit": "2", "page": str(number), "partner_key": "k"} for number in (1, 2, 3)
    ]


def test_link_may_skip_pages_and_change_its_scheme() -> None:
    """Behind a proxy the API may think that it is not https; a number may jump."""
    far = "http://api.test/v1/customers?page=7"
    keys, script = play([linked(far, "a", "b"), linked(None, "c")], walk())
    assert keys == ["a", "b", "c"]
    assert script.seen[1].query["page"] == "7"


@pytest.mark.parametrize(
    ("pages", "keys"),
    [
        pytest.param([["a", "b"], ["c"]], ["a", "b", "c"], id="short-page"),
        pytest.param([["a", "b"], []], ["a", "b"], id="empty-page"),
        pytest.param([["a", "b"], ["a", "b"]], ["a", "b"], id="page-seen-before"),
        pytest.param([[]], [], id="nothing-at-all"),
    ],
)
def test_walk_without_links_ends(pages: list[list[str]], keys: list[str]) -> None:
    """Some lists are answered without links: what is not full, or not new, is last."""
    found, script = play([data(items(*page)) for page in pages], walk())
    assert found == keys
    assert len(script.seen) == len(pages)


def test_empty_page_ends_the_walk_whatever_its_link_says() -> None:
    """A list that shrank while it was walked has no end to look for."""
    keys, script = play(
        [linked(f"{HERE}?page=2", "a", "b"), linked(f"{HERE}?page=3")], walk()
    )
    assert keys == ["a", "b"]
    assert len(script.seen) == 2


def test_pages_that_repeat_end_the_walk() -> None:
    """A server that answers every page alike is not followed for ever."""
    steps = [linked(f"{HERE}?page={number}", "a", "b") for number in range(2, 9)]
    keys, script = play(steps, walk())
    assert keys == ["a", "b"]
    assert len(script.seen) == 2


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(f"{HERE}?page=1", id="to-itself"),
        pytest.param(f"{HERE}?page=0", id="backwards"),
        pytest.param(f"{HERE}?page=2&page=3", id="two-numbers"),
        pytest.param(HERE, id="no-number"),
        pytest.param(f"{HERE}?page=two", id="no-number-at-all"),
        pytest.param("https://evil.test/v1/customers?page=2", id="foreign-host"),
        pytest.param("https://api.test:444/v1/customers?page=2", id="foreign-port"),
        pytest.param(f"{ORIGIN}/v1/partners?page=2", id="another-list"),
        pytest.param("/v1/customers?page=2", id="relative"),
        pytest.param("javascript:alert(1)?page=2", id="javascript"),
        pytest.param("https://[::1/?page=2", id="unreadable"),
        pytest.param(7, id="no-text"),
    ],
)
def test_link_that_does_not_lead_on_is_an_error(link: object) -> None:
    """A next link elsewhere, or back, is refused by name and nothing is sent to it."""

    async def run(client: Partnero) -> None:
        with pytest.raises(UnexpectedBodyError, match=r"links\.next"):
            await walk()(client)

    _, script = play([linked(link, "a", "b")], run)
    assert len(script.seen) == 1


async def test_walks_of_every_kind_see_the_same(client: Partnero) -> None:
    """`async for`, `.pages()`, `.page()`, `.first()` and `.collect()` agree."""
    for number in range(7):
        await client.partners.create(email=f"p{number}@example.com", id=f"p{number}")
    partners = client.partners.list(limit=3)
    collected = await partners.collect()
    assert [partner.id for partner in collected] == [f"p{n}" for n in range(6, -1, -1)]
    assert [partner async for partner in partners] == collected
    pages = [page async for page in partners.pages()]
    assert [(page.number, len(page.items)) for page in pages] == [
        (1, 3),
        (2, 3),
        (3, 1),
    ]
    assert (await partners.page(2)).items == collected[3:6]
    assert await partners.first() == collected[0]
    oldest = await client.partners.list(sort="asc").first()
    assert oldest == collected[-1]


async def test_first_of_nothing_is_none(client: Partnero) -> None:
    """An empty list has no first item."""
    assert await client.customers.list().first() is None


@pytest.mark.parametrize("limit", [0, -1, 251])
async def test_limit_out_of_range_is_refused(client: Partnero, limit: int) -> None:
    """The API allows 1 to 250 items a page."""
    with pytest.raises(UsageError, match="1 to 250"):
        client.transactions.list(limit=limit)


async def test_page_below_one_is_refused(client: Partnero) -> None:
    """Pages are counted from 1."""
    with pytest.raises(UsageError, match="counted from 1"):
        await client.partners.list().page(0)


async def test_list_shows_what_it_is(client: Partnero) -> None:
    """The repr names the route and the size of a page, and asks for nothing."""
    assert repr(client.partners.list()) == "<Pages of GET /partners, 100 a page>"
    assert client.stats.requests == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcd"), max_size=2),
            st.one_of(
                st.none(),
                st.text(),
                st.integers(0, 9).map(lambda n: f"{HERE}?page={n}"),
            ),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_walk_ends(pages: list[tuple[list[str], str | None]]) -> None:
    """Whatever pages and links come, a walk ends, or raises, and never loops."""

    async def run(client: Partnero) -> None:
        try:
            await walk()(client)
        except UnexpectedBodyError:
            return

    steps = [linked(link, *keys) for keys, link in pages]
    _, script = play([*steps, linked(None)], run)
    assert len(script.seen) <= len(pages) + 2
