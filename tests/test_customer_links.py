"""Referral links of the customers of a refer-a-friend program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    NotFoundError,
    Partnero,
    PartneroError,
    UsageError,
    ValidationError,
)
from partnero_async.sandbox import Sandbox

from .scripted import HALF_JSON, LOST, Play, Reply, data, page

LINK = {"id": "otter-mail", "key": "otter-mail", "default": False}
OTHER = {"id": "otter-mail-2", "key": "otter-mail-2"}
TAKEN = Reply(422, {"message": "Taken."})
POST = "POST /customer_referral_links"
OF_CUSTOMER = "GET /customers/usr-5531/referral_links"

Use = Callable[[Partnero], Awaitable[Any]]


def failing(use: Use) -> Use:
    """Run *use*, and return what it raises."""

    async def run(client: Partnero) -> Any:
        with pytest.raises(PartneroError) as caught:
            await use(client)
        return caught.value

    return run


def create(**given: Any) -> Use:
    """Create a link, with what is given."""
    return lambda client: client.customer_links.create("otter-mail", **given)


BY_ID = {"customer": {"id": "usr-5531"}}
BY_KEY = {"customer": {"key": "saffron-otter"}}


def test_a_link_is_made_for_a_customer(play: Play) -> None:
    """What is left out is not sent."""
    link, script = play([data(LINK)], create(**BY_KEY, domain_id=3, is_additional=True))
    assert link.key == "otter-mail"
    assert script.seen[0].body == {
        "key": "otter-mail",
        **BY_KEY,
        "domain_id": 3,
        "is_additional": True,
    }


def test_a_lost_link_is_looked_for_among_the_customers_own(play: Play) -> None:
    """A link does not say whose it is: another customer's is not the one."""
    link, script = play([LOST, page(OTHER, LINK)], create(**BY_ID))
    assert link.id == "otter-mail"
    assert str(script) == f"{POST} {OF_CUSTOMER}"


def test_a_link_that_is_not_there_is_made_again(play: Play) -> None:
    """Its key is unique, so a repeat does no harm."""
    _, script = play([LOST, page(OTHER), data(LINK)], create(**BY_ID))
    assert str(script) == f"{POST} {OF_CUSTOMER} {POST}"


def test_a_lost_link_of_a_customer_without_an_id_is_in_doubt(play: Play) -> None:
    """Whose link is found could not be told."""
    error, script = play([LOST], failing(create(**BY_KEY)))
    assert type(error) is AmbiguousWriteError
    assert error.key == "otter-mail"
    assert str(script) == POST


def test_the_link_that_is_there_is_returned(play: Play) -> None:
    """Where the customer has it."""
    link, _ = play([TAKEN, page(LINK)], create(**BY_ID, if_exists="return"))
    assert link.id == "otter-mail"


def test_the_link_of_another_customer_is_not_returned(play: Play) -> None:
    """Then the refusal stands."""
    error, _ = play([TAKEN, page(OTHER)], failing(create(**BY_ID, if_exists="return")))
    assert type(error) is ValidationError


def test_returning_takes_a_customer_by_id(play: Play) -> None:
    """Nothing is sent where the owner could not be compared."""
    error, script = play([TAKEN], failing(create(**BY_KEY, if_exists="return")))
    assert type(error) is UsageError
    assert script.seen == []


def test_a_link_lives(play: Play) -> None:
    """It is read, changed and deleted under its id."""

    async def use(client: Partnero) -> None:
        await client.customer_links.get("otter-mail")
        await client.customer_links.update("otter-mail", default=True)
        await client.customer_links.delete("otter-mail")

    _, script = play([data(LINK), data(LINK), Reply()], use)
    path = "/customer_referral_links/otter-mail"
    assert str(script) == f"GET {path} PUT {path} DELETE {path}"
    assert script.seen[1].body == {"default": True}


def test_a_renamed_link_is_read_under_its_new_name(play: Play) -> None:
    """Where the answer to the change cannot be read."""
    link, script = play(
        [HALF_JSON, data(LINK)],
        lambda client: client.customer_links.update("old", key="otter-mail"),
    )
    assert link.key == "otter-mail"
    assert script.seen[1].path == "/customer_referral_links/otter-mail"


def test_a_renaming_that_was_lost_may_have_been_done(play: Play) -> None:
    """The repeat does not find the old name."""
    gone = Reply(404, {})
    error, _ = play(
        [LOST, gone],
        failing(lambda client: client.customer_links.update("old", key="new")),
    )
    assert isinstance(error, NotFoundError)
    assert error.maybe_applied


def test_lists_and_searches(play: Play) -> None:
    """A search narrows to one customer as the library does it."""

    async def use(client: Partnero) -> None:
        await client.customer_links.list("usr-5531", limit=15).collect()
        found = await client.customer_links.search(key="otter", customer_id="usr-5531")
        assert [link.key for link in found] == ["otter-mail"]

    _, script = play([page(LINK)], use)
    assert script.seen[0].query == {"limit": "15", "page": "1"}
    assert script.seen[1].query == {"key": "otter", "customer[id]": "usr-5531"}


# --- against the sandbox --------------------------------------------------------------


@pytest.fixture
async def friends(partnero: type[Partnero]) -> AsyncIterator[Partnero]:
    """Make a client of a refer-a-friend program."""
    async with (
        Sandbox(programs=["refer_a_friend"]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        yield client


async def test_links_live(friends: Partnero) -> None:
    """They are made, found, renamed and deleted, beside the one from the start."""
    for number in (1, 2):
        await friends.referrals.create(
            id=f"usr-{number}", key=f"key-{number}", email=f"{number}@example.com"
        )
    made = await friends.customer_links.create("otter-mail", customer={"id": "usr-1"})
    assert (made.key, made.default) == ("otter-mail", False)
    assert made == await friends.customer_links.create(
        "otter-mail", customer={"id": "usr-1"}, if_exists="return"
    )
    with pytest.raises(ValidationError):
        await friends.customer_links.create(
            "otter-mail", customer={"id": "usr-2"}, if_exists="return"
        )
    keys = {link.key async for link in friends.customer_links.list("usr-1")}
    assert keys == {"key-1", "otter-mail"}
    found = await friends.customer_links.search(key="otter-mail", customer_id="usr-1")
    assert found == [made]
    renamed = await friends.customer_links.update("otter-mail", key="otter-web")
    assert renamed.id == renamed.key == "otter-web"
    await friends.customer_links.delete("otter-web")
    with pytest.raises(NotFoundError):
        await friends.customer_links.get("otter-web")
