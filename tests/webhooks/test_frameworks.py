"""Each web framework, with a real request over a socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from partnero_async.webhooks import Event, Receiver

from .deliveries import (
    EACH,
    PERSON,
    SECRET,
    Delivery,
    Example,
    bad,
    good,
    large,
    signed,
)
from .frameworks import FRAMEWORKS
from .sending import post, request


class Shop:
    """A receiver behind a server, and what it has handled."""

    def __init__(self, name: str, stack: ExitStack, *, logging: bool = False) -> None:
        self.seen: list[Event] = []
        self.receiver = Receiver([SECRET])
        self.receiver.on("customer.created", "customer.updated")(self.seen.append)
        self.receiver.on("customer.created")(self._await)
        self.awaited: list[Event] = []
        self.port = stack.enter_context(
            FRAMEWORKS[name](self.receiver, logging=logging)
        )

    async def _await(self, event: Event) -> None:
        await asyncio.sleep(0)
        self.awaited.append(event)


@pytest.fixture(params=FRAMEWORKS)
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Serve a receiver in each framework."""
    with ExitStack() as stack:
        yield Shop(request.param, stack)


def test_a_delivery_is_handled_once(shop: Shop) -> None:
    """By plain functions and by ``async`` ones; the body is that which came."""
    delivery = good(more="\u00e9\u4e16 / \\")
    answers = [post(shop.port, delivery) for _ in range(2)]
    assert answers == [(200, "handled"), (200, "handled before")]
    for seen in (shop.seen, shop.awaited):
        assert [event.body for event in seen] == [delivery.body]


@pytest.mark.parametrize("framework", [name for name in FRAMEWORKS if name != "django"])
def test_a_body_in_chunks(framework: str) -> None:
    """Its length is not told before. Django sees none of it under WSGI."""
    with ExitStack() as stack:
        shop = Shop(framework, stack)
        assert post(shop.port, good(), chunked=True) == (200, "handled")
        assert post(shop.port, large(), chunked=True)[0] == 413
        assert len(shop.seen) == 1


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_body_that_was_read_before(framework: str) -> None:
    """Some applications log what they get: it is the same body all the same."""
    with ExitStack() as stack:
        shop = Shop(framework, stack, logging=True)
        assert post(shop.port, good()) == (200, "handled")
        assert len(shop.seen) == 1


def test_bad_deliveries(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """The right status for each, nothing handled, and nothing leaked."""
    wrong: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for delivery in bad():
            status, text = post(shop.port, delivery)
            if status != delivery.status:
                wrong.append(f"{delivery.name}: {status} {text}")
            wrong += [
                f"{delivery.name}: {hidden} shows"
                for hidden in (SECRET, PERSON, signed(delivery.body))
                if hidden in f"{text} {caplog.text}"
            ]
    assert not wrong
    assert not shop.seen


def test_only_post(shop: Shop) -> None:
    """Anything else is for nobody here."""
    for method in ("GET", "PUT", "DELETE"):
        status, _ = request(shop.port, method, good(), path="/hook")
        assert status == 405
    assert not shop.seen


def test_a_function_that_raises(shop: Shop) -> None:
    """The sender is told to come again, and nothing of why."""

    @shop.receiver.on("customer.deleted")
    def fail(_: Event) -> None:
        raise ValueError(PERSON)

    delivery = good("customer.deleted")
    assert post(shop.port, delivery) == (500, "failed")
    assert post(shop.port, delivery) == (500, "failed")


def test_bodies_up_to_the_limit(shop: Shop) -> None:
    """Of 1 MiB all is taken, also where the framework has a limit of its own."""
    delivery = good(pad="x" * (1_048_576 - len(good(pad="").body)))
    assert len(delivery.body) == 1_048_576
    assert post(shop.port, delivery)[0] == 200


@pytest.mark.parametrize("example", EACH)
def test_published_deliveries(example: Example) -> None:
    """Those that are valid are too old by now, and are told from the others so."""
    with ExitStack() as stack:
        shop = Shop("aiohttp", stack)
        headers = list(example.headers.items())[1:]
        delivery = Delivery(example.name, example.body, headers, 0, None)
        assert post(shop.port, delivery)[0] == (400 if example.valid else 401)
