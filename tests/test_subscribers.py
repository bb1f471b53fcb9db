"""Subscribers of a newsletter program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from partnero_async import (
    ConflictError,
    NotFoundError,
    Partnero,
    PartneroError,
    UsageError,
    ValidationError,
)
from partnero_async.models import Subscriber
from partnero_async.sandbox import Sandbox

from .scripted import HALF_JSON, LOST, Play, Reply, data, page

GRETA: dict[str, Any] = {
    "id": "sub-88021",
    "name": "Greta",
    "email": "greta@example.net",
    "tos": True,
    "marketing_consent": False,
    "status": "Active",
    "approved": True,
}
TAKEN = Reply(422, {"message": "Taken."})
POST = "POST /subscribers"
READ = "GET /subscribers/greta@example.net"

Use = Callable[[Partnero], Awaitable[Any]]


def failing(use: Use) -> Use:
    """Run *use*, and return what it raises."""

    async def run(client: Partnero) -> Any:
        with pytest.raises(PartneroError) as caught:
            await use(client)
        return caught.value

    return run


def create(**given: Any) -> Use:
    """Create Greta, with what is given."""
    return lambda client: client.subscribers.create(email="greta@example.net", **given)


def test_what_is_given_is_sent(play: Play) -> None:
    """False is a value, and None is none."""
    _, script = play(
        [data(GRETA)],
        create(marketing_consent=False, referral={"email": "oskar@example.org"}),
    )
    assert script.seen[0].body == {
        "email": "greta@example.net",
        "marketing_consent": False,
        "referral": {"email": "oskar@example.org"},
    }


@pytest.mark.parametrize(
    ("given", "there", "same"),
    [
        pytest.param({}, {}, True, id="nothing-to-compare"),
        pytest.param({"name": "Greta", "tos": True}, {}, True, id="equal"),
        pytest.param({"name": "Gerda"}, {}, False, id="name"),
        pytest.param({"marketing_consent": True}, {}, False, id="consent"),
        pytest.param({"status": "active"}, {}, True, id="status-capitalised"),
        pytest.param({"status": "suspended"}, {}, False, id="status"),
        pytest.param({"status": "active"}, {"status": None}, True, id="no-status"),
        pytest.param({"id": "sub-88021"}, {}, True, id="id"),
        pytest.param({"id": "sub-1"}, {}, False, id="other-id"),
        pytest.param({"id": "sub-1"}, {"id": None}, True, id="no-id-yet"),
    ],
)
def test_one_that_is_there_is_compared(
    play: Play, given: dict[str, Any], there: dict[str, Any], same: bool
) -> None:
    """The same values are the result, others a conflict."""
    use = create(**given, if_exists="return")
    steps = [TAKEN, data(GRETA | there)]
    result, script = play(steps, use if same else failing(use))
    assert isinstance(result, Subscriber if same else ConflictError)
    assert str(script) == f"{POST} {READ}"


def test_a_lost_subscriber_is_looked_up(play: Play) -> None:
    """By the e-mail address, which is unique."""
    result, script = play([LOST, data(GRETA)], create())
    assert result.id == "sub-88021"
    assert str(script) == f"{POST} {READ}"


def test_one_that_is_there_is_refused(play: Play) -> None:
    """Unless the caller wants it."""
    error, _ = play([TAKEN], failing(create()))
    assert isinstance(error, ValidationError)


def test_a_subscriber_lives(play: Play) -> None:
    """It is read by id or address, changed, and deleted by either."""

    async def use(client: Partnero) -> None:
        await client.subscribers.get("greta@example.net")
        await client.subscribers.update("sub-88021", new_id="s-1", status="suspended")
        await client.subscribers.delete(id="s-1")
        await client.subscribers.delete(email="greta@example.net")

    _, script = play([data(GRETA), data(GRETA), Reply()], use)
    assert [seen.body for seen in script.seen] == [
        None,
        {
            "id": "sub-88021",
            "update": {"identifier": "s-1", "status": "suspended"},
        },
        {"id": "s-1"},
        {"email": "greta@example.net"},
    ]


def test_a_changed_subscriber_is_read_under_its_new_id(play: Play) -> None:
    """Where the answer to the change cannot be read."""
    _, script = play(
        [HALF_JSON, data(GRETA)],
        lambda client: client.subscribers.update("sub-88021", new_id="s-1"),
    )
    assert script.seen[1].path == "/subscribers/s-1"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"id": "", "email": None}, id="empty"),
        pytest.param({"id": "s-1", "email": "greta@example.net"}, id="both"),
    ],
)
def test_a_deletion_names_one_subscriber(play: Play, given: dict[str, Any]) -> None:
    """Nobody knows what a deletion without a name deletes: nothing is sent."""
    error, script = play(
        [Reply()], failing(lambda client: client.subscribers.delete(**given))
    )
    assert type(error) is UsageError
    assert script.seen == []


def test_lists_and_searches(play: Play) -> None:
    """Filters go into the query; a search asks for no pages."""

    async def use(client: Partnero) -> None:
        await client.subscribers.list(refer_status="non_referred", limit=10).collect()
        found = await client.subscribers.search(email="greta@example.net")
        assert [subscriber.name for subscriber in found] == ["Greta"]

    _, script = play([page(GRETA)], use)
    assert script.seen[0].query == {
        "limit": "10",
        "page": "1",
        "refer_status": "non_referred",
    }
    assert script.seen[1].query == {"email": "greta@example.net"}


@pytest.mark.parametrize("limit", [9, 251])
def test_a_page_has_ten_subscribers_at_least(play: Play, limit: int) -> None:
    """The bounds are those of the old documentation."""

    async def use(client: Partnero) -> None:
        with pytest.raises(UsageError, match="10 to 250"):
            client.subscribers.list(limit=limit)

    play([Reply()], use)


# --- against the sandbox --------------------------------------------------------------


@pytest.fixture
async def letters(partnero: type[Partnero]) -> AsyncIterator[Partnero]:
    """Make a client of a newsletter program."""
    async with (
        Sandbox(programs=["newsletter"]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        yield client


async def test_subscribers_live(letters: Partnero) -> None:
    """They are created, found, changed and deleted; the status changes its case."""
    create = letters.subscribers.create
    oskar = await create(email="oskar@example.org", id="s-1", status="active")
    assert (oskar.status, oskar.is_referred) == ("Active", False)
    greta = await create(
        email="greta@example.net", name="Greta", referral={"id": "s-1"}
    )
    assert greta.is_referred
    again = await create(email="greta@example.net", name="Greta", if_exists="return")
    assert again.email == greta.email
    with pytest.raises(ConflictError):
        await create(email="greta@example.net", name="Gerda", if_exists="return")
    referred = letters.subscribers.list(refer_status="referred", limit=10)
    assert [found.email async for found in referred] == ["greta@example.net"]
    (found,) = await letters.subscribers.search(email="oskar@example.org")
    assert found.id == "s-1"
    changed = await letters.subscribers.update("s-1", new_id="s-2", status="suspended")
    assert (changed.id, changed.status) == ("s-2", "Suspended")
    await letters.subscribers.delete(id="s-2")
    await letters.subscribers.delete(email="greta@example.net")
    with pytest.raises(NotFoundError):
        await letters.subscribers.get("greta@example.net")
