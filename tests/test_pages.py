from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partnero_async import Partnero, UnexpectedBodyError, UsageError, _walk
from partnero_async.models import Partner
from tests.scripted import ORIGIN, Play, Reply, data

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


def test_walk_follows_next_until_it_is_null(play: Play) -> None:
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


def test_link_may_skip_pages_and_change_its_scheme(play: Play) -> None:
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
def test_walk_without_links_ends(
    play: Play, pages: list[list[str]], keys: list[str]
) -> None:
    """Some lists are answered without links: what is not full, or not new, is last."""
    found, script = play([data(items(*page)) for page in pages], walk())
    assert found == keys
    assert len(script.seen) == len(pages)


def test_empty_page_ends_the_walk_whatever_its_link_says(play: Play) -> None:
    """A list that shrank while it was walked has no end to look for."""
    keys, script = play(
        [linked(f"{HERE}?page=2", "a", "b"), linked(f"{HERE}?page=3")], walk()
    )
    assert keys == ["a", "b"]
    assert len(script.seen) == 2


def test_pages_that_repeat_end_the_walk(play: Play) -> None:
    """A server that answers every page alike is left after two repeats."""
    steps = [linked(f"{HERE}?page={number}", "a", "b") for number in range(2, 9)]
    keys, script = play(steps, walk())
    assert keys == ["a", "b"]
    assert len(script.seen) == 3


def test_list_that_grew_by_a_page_goes_on(play: Play) -> None:
    """One page may come by again; what is behind it is new."""
    keys, _ = play(
        [
            linked(f"{HERE}?page=2", "a", "b"),
            linked(f"{HERE}?page=3", "a", "b"),
            linked(None, "c"),
        ],
        walk(),
    )
    assert keys == ["a", "b", "c"]


def test_items_that_shift_are_yielded_once(play: Play) -> None:
    """What was pushed to the next page by an addition is not seen twice."""
    keys, _ = play(
        [
            linked(f"{HERE}?page=2", "c", "b"),
            linked(f"{HERE}?page=3", "b", "a"),
            linked(None, "c", "b"),
        ],
        walk(),
    )
    assert keys == ["c", "b", "a"]


def test_memory_of_a_walk_is_bounded(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk remembers its last items only, and so tells shifts of that many."""
    monkeypatch.setattr(_walk, "REMEMBERED", 2)
    keys, _ = play(
        [
            linked(f"{HERE}?page=2", "e", "d"),
            linked(f"{HERE}?page=3", "c", "b"),
            linked(None, "e", "b", "a"),
        ],
        walk(),
    )
    assert keys == ["e", "d", "c", "b", "e", "a"]


# --- sales: equal ones are not the same one -------------------------------------


def sales(*keys: str, page: int | None = None) -> Reply:
    link = page and f"{ORIGIN}/v1/transactions?page={page}"
    return data(items(*keys), links={"next": link})


async def walk_sales(client: Partnero) -> list[str | None]:
    return [sale.key async for sale in client.transactions.list(limit=3)]


def test_sales_that_shift_are_yielded_once(play: Play) -> None:
    """A page that begins with the last sales of a list that has grown goes on there."""
    keys, script = play(
        [sales("d", "c", "b", page=2), sales("c", "b", "a"), sales("f", "e", "d")],
        walk_sales,
    )
    assert keys == ["d", "c", "b", "a"]
    assert [seen.query["page"] for seen in script.seen] == ["1", "2", "1"]


def test_equal_sales_at_a_border_are_both_yielded(play: Play) -> None:
    """A sale that was recorded twice is two sales, on whatever page they stand."""
    first = sales("c", "b", "a", page=2)
    keys, _ = play([first, sales("a"), first], walk_sales)
    assert keys == ["c", "b", "a", "a"]


def test_equal_sales_elsewhere_are_both_yielded(play: Play) -> None:
    """A second move of the same sales shows all of them twice."""
    pages = [sales("c", "b", "a", page=2), sales("x", "c", "b", page=3), sales("a")]
    keys, script = play(pages, walk_sales)
    assert keys == ["c", "b", "a", "x", "c", "b", "a"]
    assert len(script.seen) == 3


def test_page_of_sales_that_repeats_adds_nothing(play: Play) -> None:
    """Neither a list that grew by a page nor a server stuck on one is double."""
    stuck = [sales("b", "a", page=number) for number in range(2, 9)]
    keys, script = play(stuck, walk_sales)
    assert keys == ["b", "a"]
    assert len(script.seen) == 3


# --- several pages at once --------------------------------------------------------


def test_window_keeps_the_order_and_saves_the_time(play: Play) -> None:
    """Eight pages at once come in order, in an eighth of the time."""
    taken: dict[int, float] = {}
    for window in (1, 8):

        async def run(client: Partnero, window: int = window) -> list[str | None]:
            listed = client.customers.list(limit=1).items(window=window)
            return [customer.key async for customer in listed]

        steps = [
            attrs.evolve(
                linked(f"{HERE}?page={n + 1}" if n < 16 else None, str(n)), after=1
            )
            for n in range(1, 17)
        ]
        keys, script = play([*steps, linked(None)], run)
        assert keys == [str(n) for n in range(1, 17)]
        assert len(script.seen) <= 16 + window - 1
        taken[window] = script.ended
    assert taken[1] == pytest.approx(16)
    assert taken[8] < 4


def test_window_follows_a_link_that_jumps(play: Play) -> None:
    """Pages that were guessed are dropped where the API goes on elsewhere."""

    async def run(client: Partnero) -> list[str | None]:
        listed = client.customers.list(limit=1).items(window=2)
        return [customer.key async for customer in listed]

    keys, script = play(
        [linked(f"{HERE}?page=5", "a"), linked(None, "guessed"), linked(None, "e")], run
    )
    assert keys == ["a", "e"]
    assert [seen.query["page"] for seen in script.seen][:3] == ["1", "2", "5"]


def test_prefetch_asks_while_the_page_is_worked_on(
    play: Play, partnero: type[Partnero]
) -> None:
    """The next page is under way before the consumer is done with this one."""
    # Without `await` every walk does so.
    asked = {"prefetch": True} if partnero is Partnero else {}

    async def run(client: Partnero) -> list[float]:
        loop = asyncio.get_running_loop()
        seen = []
        async for page in client.customers.list(limit=1).pages(**asked):
            seen.append(loop.time())
            assert page.items
            await asyncio.sleep(1)
        return seen

    steps = [
        linked(f"{HERE}?page=2", "a"),
        linked(f"{HERE}?page=3", "b"),
        linked(None, "c"),
    ]
    at, _ = play([attrs.evolve(step, after=1) for step in steps], run)
    assert at == pytest.approx([1, 2, 3])


def test_walk_that_is_left_early_cancels_what_it_asked_for(play: Play) -> None:
    """Nothing goes on in the background once a walk is closed."""

    async def run(client: Partnero) -> float:
        walked = client.customers.list(limit=1).items(window=8)
        await anext(walked)
        await asyncio.sleep(2)  # the next page has come, and others have not
        left = asyncio.get_running_loop().time()
        await walked.aclose()
        await asyncio.sleep(3)  # before the client is closed
        return left

    steps = [
        linked(f"{HERE}?page=2", "a"),
        attrs.evolve(linked(f"{HERE}?page=3", "b"), after=1),
        attrs.evolve(linked(None, "c"), after=9),
    ]
    left, script = play(steps, run)
    assert len(script.seen) > 2
    assert script.given_up == [left] * (len(script.seen) - 2)


@pytest.mark.parametrize("window", [0, -1])
async def test_window_out_of_range_is_refused(client: Partnero, window: int) -> None:
    """At least one page is asked for at a time."""
    with pytest.raises(UsageError, match="1 or more"):
        client.partners.list().items(window=window)
    with pytest.raises(UsageError, match="1 or more"):
        await anext(aiter(client.partners.list().pages(window=window)))


# --- going on later ---------------------------------------------------------------


async def test_walk_goes_on_at_its_checkpoint(client: Partnero) -> None:
    """Wherever a walk was left, going on there yields the rest, each item once."""
    for number in range(7):
        await client.partners.create(email=f"p{number}@example.com", id=f"p{number}")
    partners = client.partners.list(limit=3)
    whole = await partners.collect()
    for taken in range(8):
        walked = partners.items()
        first = [await anext(walked) for _ in range(taken)] if taken < 8 else []
        rest = partners.items(resume=walked.checkpoint())
        assert first + [partner async for partner in rest] == whole
        await walked.aclose()
        if taken == 7:
            break


async def test_checkpoint_survives_what_it_stood_on(client: Partnero) -> None:
    """Where the last item is gone, the walk goes on with its page."""
    for number in range(4):
        await client.partners.create(email=f"p{number}@example.com", id=f"p{number}")
    partners = client.partners.list(limit=3)
    walked = partners.items()
    assert (await anext(walked)).id == "p3"
    await client.partners.delete("p3")
    rest = [partner.id async for partner in partners.items(resume=walked.checkpoint())]
    assert rest == ["p2", "p1", "p0"]
    await walked.aclose()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="not-an-object"),
        pytest.param('{"list": "GET /partners"}', id="members-missing"),
        pytest.param('{"list": "x", "page": 1e400, "after": null}', id="endless-page"),
        pytest.param("[" * 100_000, id="too-deep"),
    ],
)
async def test_text_that_is_no_checkpoint_is_refused(
    client: Partnero, text: str
) -> None:
    """A checkpoint is taken as it was given, or not at all."""
    with pytest.raises(UsageError, match="not a checkpoint"):
        client.partners.list().items(resume=text)


async def test_checkpoint_of_another_list_is_refused(client: Partnero) -> None:
    """Page 3 of other filters, or of other sizes, is another place."""
    text = client.partners.list().items().checkpoint()
    for other in (client.partners.list(limit=50), client.customers.list()):
        with pytest.raises(UsageError, match="another list"):
            other.items(resume=text)


async def test_list_that_changes_is_walked_to_its_end(
    client: Partnero, seed: int
) -> None:
    """While rows are added and deleted, no key comes twice and the walk ends."""
    rng = random.Random(seed)
    there = [f"c{number}" for number in range(300)]
    await client.partners.create(email="a@example.com", key="a")
    for key in there:
        await client.customers.create(key, partner={"key": "a"})
    stays = set(there[::2])
    keys: list[str | None] = []
    async for customer in client.customers.list(limit=20):
        keys.append(customer.key)
        if rng.random() < 0.2:
            await client.customers.create(f"new{len(keys)}", partner={"key": "a"})
    assert len(keys) == len(set(keys))
    assert stays <= set(keys)


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
def test_link_that_does_not_lead_on_is_an_error(play: Play, link: object) -> None:
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


@pytest.mark.parametrize("limit", [0, -1, 251, "5"])
async def test_limit_out_of_range_is_refused(client: Partnero, limit: Any) -> None:
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


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the same for all
)
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
def test_every_walk_ends(play: Play, pages: list[tuple[list[str], str | None]]) -> None:
    """Whatever pages and links come, a walk ends, or raises, and never loops."""

    async def run(client: Partnero) -> None:
        try:
            await walk()(client)
        except UnexpectedBodyError:
            return

    steps = [linked(link, *keys) for keys, link in pages]
    _, script = play([*steps, linked(None)], run)
    assert len(script.seen) <= len(pages) + 2


@pytest.mark.parametrize(
    ("item", "identity"),
    [
        pytest.param(Partner(id="p1", email="a@b.c"), "p1", id="the-first-it-has"),
        pytest.param(Partner(email="a@b.c"), "a@b.c", id="another"),
        pytest.param(Partner(), repr(Partner()), id="none"),
    ],
)
def test_an_item_is_known_by_its_first_key(item: Partner, identity: str) -> None:
    """An item that has no key at all is known by all that it is."""
    assert _walk.identity_of(item) == identity
