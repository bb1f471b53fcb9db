"""Webhooks of a program: the subscriptions, not the deliveries."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from partnero_async import (
    ConflictError,
    NotFoundError,
    Partnero,
    UsageError,
    ValidationError,
)
from partnero_async.models import Webhook, WebhookEventName
from partnero_async.sandbox import Sandbox

from .reference import API
from .scripted import HALF_JSON, LOST, Play, Reply, data, page

HOOK: dict[str, Any] = {
    "key": "ledger",
    "name": "Ledger sync",
    "url": "https://ledger.example/hook",
    "is_active": True,
    "signature": "h8KqT3vYb61ZdNwR",
    "events": ["transaction.created", "transaction.deleted"],
}
TAKEN = Reply(422, {"status": 0, "message": "taken"})
ABSENT = Reply(404, {"message": "No such webhook."})


async def create(client: Partnero, **more: Any) -> Webhook:
    """Subscribe to what happens to sales."""
    return await client.webhooks.create(
        name="Ledger sync",
        url="https://ledger.example/hook",
        events=["transaction.deleted", "transaction.created"],
        **more,
    )


async def create_ledger(client: Partnero) -> Webhook:
    """Subscribe under a key of our own."""
    return await create(client, key="ledger")


def test_a_key_is_made_where_none_is_given(play: Play) -> None:
    """Without one a repeat makes a second webhook, and doubles the deliveries."""
    _, script = play([data(HOOK)], create)
    assert script.seen[0].body.pop("key")
    assert script.seen[0].body == {
        "name": "Ledger sync",
        "url": "https://ledger.example/hook",
        "events": ["transaction.deleted", "transaction.created"],
    }


def test_a_lost_webhook_is_looked_up(play: Play) -> None:
    """The order of its events does not matter; the secret comes with it."""
    hook, script = play([LOST, data(HOOK)], create_ledger)
    assert hook.signature == "h8KqT3vYb61ZdNwR"
    assert str(script) == "POST /webhooks GET /webhooks/ledger"


def test_a_lost_webhook_that_is_absent_is_sent_again(play: Play) -> None:
    """Under the same key, which is unique."""
    _, script = play([LOST, ABSENT, data(HOOK)], create)
    assert script.seen[0].body == script.seen[2].body


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"url": "https://other.example/hook"}, id="url"),
        pytest.param({"events": ["transaction.created"]}, id="events"),
        pytest.param({"events": None}, id="no-events"),
    ],
)
def test_another_webhook_is_a_conflict(play: Play, other: dict[str, Any]) -> None:
    """It reports something else, or somewhere else."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ConflictError):
            await create_ledger(client)

    play([LOST, data({**HOOK, **other})], use)


def test_a_key_that_is_taken_is_refused_unless_asked_otherwise(play: Play) -> None:
    """``if_exists="return"`` turns the refusal into the webhook."""

    async def use(client: Partnero) -> Webhook:
        with pytest.raises(ValidationError):
            await create_ledger(client)
        return await create(client, key="ledger", if_exists="return")

    assert play([TAKEN, TAKEN, data(HOOK)], use)[0].key == "ledger"


def test_a_change_is_sent_again_and_read_back(play: Play) -> None:
    """It sets a state, so a repeat is harmless."""

    async def use(client: Partnero) -> Webhook:
        return await client.webhooks.update("ledger", is_active=False)

    off = {**HOOK, "is_active": False}
    hook, script = play([LOST, HALF_JSON, data(off)], use)
    assert hook.is_active is False
    assert (
        str(script) == "PUT /webhooks/ledger PUT /webhooks/ledger GET /webhooks/ledger"
    )


def test_a_deletion_that_is_repeated_is_done(play: Play) -> None:
    """404 to the second one: the first has deleted it."""

    async def use(client: Partnero) -> None:
        await client.webhooks.delete("ledger")

    assert len(play([LOST, ABSENT], use)[1].seen) == 2


@pytest.mark.parametrize("limit", [9, 101])
def test_a_page_has_10_to_100(play: Play, limit: int) -> None:
    """The bounds are other than those of most lists."""

    async def use(client: Partnero) -> None:
        with pytest.raises(UsageError, match="10 to 100"):
            client.webhooks.list(limit=limit)

    play([page(HOOK)], use)


def test_the_secret_is_not_shown(play: Play) -> None:
    """It is masked in the repr, and is there."""

    async def use(client: Partnero) -> tuple[Webhook, Webhook | None]:
        return await client.webhooks.get("ledger"), await client.webhooks.list().first()

    (hook, listed), _ = play([data(HOOK), page(HOOK)], use)
    assert hook == listed
    assert "h8KqT3vYb61ZdNwR" not in repr(hook)
    assert "signature='***'" in repr(hook)
    assert hook.signature == "h8KqT3vYb61ZdNwR"
    assert "signature=None" in repr(Webhook())


def test_the_events_are_those_that_are_published() -> None:
    """The doubtful ones of a prose guide are not among them."""
    schema = (API / "openapi.yaml").read_text("utf-8")
    listed = schema.partition("WebhookEventName:\n")[2].partition("x-doubtful")[0]
    published = listed.partition("[")[2].partition("]")[0].replace("\n", " ")
    names = [name.strip() for name in published.split(",")]
    assert list(get_args(WebhookEventName)) == names


async def test_a_webhook_lives(client: Partnero, sandbox: Sandbox) -> None:
    """A webhook is made once, paused and deleted; its secret stays."""
    sandbox.fail_next("webhooks.create", when="after", how="disconnect")
    made = await create(client)
    assert made.key is not None
    assert made.signature
    paused = await client.webhooks.update(made.key, is_active=False)
    assert (paused.is_active, paused.signature) == (False, made.signature)
    assert [hook.key async for hook in client.webhooks.list()] == [made.key]
    await client.webhooks.delete(made.key)
    with pytest.raises(NotFoundError):
        await client.webhooks.get(made.key)


async def test_an_event_of_another_type_of_program(client: Partnero) -> None:
    """A name that is not known here is the API's to judge."""
    for name in ("subscriber.created", "reward.paid", "something.new"):
        with pytest.raises(ValidationError):
            await client.webhooks.create(
                name="x", url="https://ledger.example/hook", events=[name]
            )
