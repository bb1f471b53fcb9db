"""Rewards of a newsletter program."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from partnero_async import AmbiguousWriteError, Partnero, UsageError
from partnero_async.models import NewsletterReward
from partnero_async.sandbox import Sandbox

from .scripted import LOST, Play, Reply, data

STICKERS = {"id": 612, "name": "Sticker pack", "subscriber_count": 5}


def test_rewards_are_listed_and_read(play: Play) -> None:
    """No pages are asked for, since none are documented."""

    async def use(client: Partnero) -> None:
        (listed,) = await client.rewards.list()
        assert listed == await client.rewards.get(612)
        assert listed == NewsletterReward(
            id=612, name="Sticker pack", subscriber_count=5
        )

    _, script = play([data([STICKERS]), data(STICKERS)], use)
    assert str(script) == "GET /rewards GET /rewards/612"
    assert script.seen[0].query == {}


def test_a_reward_is_defined(play: Play) -> None:
    """The request says ``subscribers_count``, the answer ``subscriber_count``."""
    reward, script = play(
        [Reply(201, {"data": STICKERS, "status": 1})],
        lambda client: client.rewards.create(
            name="Sticker pack", subscribers_count=5, fulfillment_type="url_link"
        ),
    )
    assert reward.subscriber_count == 5
    assert script.seen[0].body == {
        "name": "Sticker pack",
        "subscribers_count": 5,
        "fulfillment_type": "url_link",
    }


def test_a_reward_is_never_defined_twice(play: Play) -> None:
    """A lost answer is in doubt, and there is nothing to look it up by."""

    async def use(client: Partnero) -> None:
        with pytest.raises(AmbiguousWriteError):
            await client.rewards.create(name="Sticker pack")

    _, script = play([LOST], use)
    assert str(script) == "POST /rewards"


async def test_an_id_that_leads_elsewhere_is_refused(partnero: type[Partnero]) -> None:
    """Also where it is a number by its type."""
    async with partnero("key") as client:
        with pytest.raises(UsageError):
            await client.rewards.get("..")  # type: ignore[arg-type] # that is the point
        assert client.stats.requests == 0


# --- against the sandbox --------------------------------------------------------------


@pytest.fixture
async def letters(partnero: type[Partnero]) -> AsyncIterator[Partnero]:
    """Make a client of a newsletter program."""
    async with (
        Sandbox(programs=["newsletter"]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        yield client


async def test_rewards_of_the_sandbox(letters: Partnero) -> None:
    """What is defined is listed and read."""
    made = await letters.rewards.create(
        name="Sticker pack",
        subscribers_count=5,
        fulfillment_type="generic_coupon",
        fulfillment_value="STICKERS",
    )
    assert made.id is not None
    assert (made.subscriber_count, made.status) == (5, "active")
    assert await letters.rewards.list() == [await letters.rewards.get(made.id)]
