from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    BadRequestError,
    ClientClosedError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    DuplicateDetectedError,
    NotFoundError,
    Partnero,
    PartneroError,
    RateLimitError,
    ServerError,
    UnexpectedBodyError,
    UsageError,
    ValidationError,
)
from tests.scripted import (
    DISTURBED,
    HALF_JSON,
    HANG,
    LOGIN_PAGE,
    LOST,
    NOT_SENT,
    ORIGIN,
    Play,
    Reply,
    Script,
    Step,
    async_only,
    data,
    page,
    virtual_client,
)

Use = Callable[[Partnero], Awaitable[Any]]

SALE = {"key": "s1", "amount": 10, "customer": "c1", "action": "sale"}
CUSTOMER = {"key": "c1", "partner": "p1", "email": "a@example.com"}
PARTNER = {"id": "p1", "email": "a@example.com", "status": "active"}
ABSENT = Reply(404, {"status": 0, "message": "none"})
TAKEN = Reply(422, {"status": 0, "message": "taken", "errors": {"key": ["exists"]}})
FORBIDDEN = Reply(403, {"status": 0, "message": "not yours"})
SLOW_DOWN = Reply(429, {"message": "Slow down."}, {"Retry-After": "1"})


async def read(client: Partnero) -> Any:
    return await client.customers.get("c1")


async def sell(client: Partnero) -> Any:
    return await client.transactions.create(
        key="s1", amount=Decimal("10.00"), action="sale", customer={"key": "c1"}
    )


async def price(client: Partnero) -> Any:
    return await client.transactions.create(
        key="s1", amount=10, amount_units="usd", reward=3, customer={"key": "c1"}
    )


async def register(client: Partnero) -> Any:
    return await client.customers.create(
        "c1", partner={"key": "k"}, email="A@example.com"
    )


async def recruit(client: Partnero) -> Any:
    return await client.partners.create(email="a@example.com", name="Ada")


async def credit(client: Partnero) -> Any:
    return await client.partners.add_reward("p1", amount=5)


async def archive(client: Partnero) -> Any:
    return await client.partners.archive("p1")


async def delete(client: Partnero) -> Any:
    return await client.partners.delete("p1")


async def delete_sale(client: Partnero) -> Any:
    return await client.transactions.delete("s1")


async def update(client: Partnero) -> Any:
    return await client.customers.update("c1", new_key="c2", name="Ada")


GET, POST = "GET /customers/c1", "POST /customers"
SELL, LIST = "POST /transactions", "GET /transactions"
RECRUIT, SEARCH = "POST /partners", "GET /partners:search"


@pytest.mark.parametrize(
    ("use", "steps", "asked", "result"),
    [
        pytest.param(
            read, [LOST, DISTURBED, HALF_JSON, data(CUSTOMER)], [GET] * 4, "c1",
            id="read-is-sent-again-whatever-happened",
        ),
        pytest.param(
            read, [NOT_SENT, LOGIN_PAGE, data(CUSTOMER)], [GET] * 3, "c1",
            id="read-behind-a-login-page",
        ),
        pytest.param(
            sell, [NOT_SENT, NOT_SENT, data(SALE)], [SELL] * 3, "s1",
            id="sale-that-never-left-is-sent-again",
        ),
        pytest.param(
            sell, [LOST, page(SALE)], [SELL, LIST], "s1",
            id="sale-without-an-answer-is-looked-up",
        ),
        pytest.param(
            price,
            [LOST, page({**SALE, "amount_units": "USD", "rewards": [{"amount": 3}]})],
            [SELL, LIST], "s1", id="sale-with-its-own-reward-is-found",
        ),
        pytest.param(
            sell, [DISTURBED, page(), page(SALE)], [SELL, LIST, LIST], "s1",
            id="sale-that-shows-late-is-found-by-the-second-look",
        ),
        pytest.param(
            sell, [LOGIN_PAGE, page(SALE)], [SELL, LIST], "s1",
            id="sale-answered-with-a-page-is-looked-up",
        ),
        pytest.param(
            sell, [HALF_JSON, page(SALE)], [SELL, LIST], "s1",
            id="sale-accepted-but-unreadable-is-read-back",
        ),
        pytest.param(
            register, [LOST, data(CUSTOMER)], [POST, GET], "c1",
            id="customer-without-an-answer-is-found",
        ),
        pytest.param(
            register, [LOST, ABSENT, data(CUSTOMER)], [POST, GET, POST], "c1",
            id="customer-that-is-absent-is-sent-again",
        ),
        pytest.param(
            register, [LOST, ABSENT, TAKEN, data(CUSTOMER)], [POST, GET, POST, GET],
            "c1", id="customer-refused-as-duplicate-of-itself",
        ),
        pytest.param(
            register, [HALF_JSON, data(CUSTOMER)], [POST, GET], "c1",
            id="customer-accepted-but-unreadable-is-read-back",
        ),
        pytest.param(
            recruit, [LOST, page({**PARTNER, "name": "Ada"})], [RECRUIT, SEARCH], "p1",
            id="partner-is-searched-by-address",
        ),
        pytest.param(
            recruit,
            [LOST, page({**PARTNER, "email": "xa@example.com"}), data(PARTNER)],
            [RECRUIT, SEARCH, RECRUIT], "p1",
            id="partner-of-an-address-that-only-contains-it-is-another",
        ),
        pytest.param(
            update, [LOST, data({"key": "c2"})], ["PUT /customers/c1"] * 2, "c2",
            id="update-is-sent-again",
        ),
        pytest.param(
            update, [LOST, ABSENT, data({"key": "c2", "name": "Ada"})],
            ["PUT /customers/c1"] * 2 + ["GET /customers/c2"], "c2",
            id="rename-refused-since-the-first-one-did-it",
        ),
        pytest.param(
            update, [HALF_JSON, data({"key": "c2"})],
            ["PUT /customers/c1", "GET /customers/c2"], "c2",
            id="update-accepted-but-unreadable-is-read-under-its-new-key",
        ),
        pytest.param(
            delete, [LOST, ABSENT], ["DELETE /partners/p1"] * 2, None,
            id="deletion-that-finds-nothing-the-second-time-is-done",
        ),
        pytest.param(
            delete, [HALF_JSON], ["DELETE /partners/p1"], None,
            id="deletion-accepted-has-nothing-to-read",
        ),
        pytest.param(
            delete, [Reply(204, b"")], ["DELETE /partners/p1"], None,
            id="deletion-without-a-body",
        ),
        pytest.param(
            delete_sale, [LOST, page()],
            ["DELETE /transactions/s1", LIST], None,
            id="deletion-of-a-sale-that-is-gone-is-done",
        ),
        pytest.param(
            archive,
            [LOST, Reply(400, {}), data({**PARTNER, "status": "archived"})],
            ["POST /partners/p1/archive"] * 2 + ["GET /partners/p1"], None,
            id="archiving-refused-since-the-first-one-did-it",
        ),
    ],
)  # fmt: skip
def test_call_that_ends_well(
    play: Play, use: Use, steps: Sequence[Step], asked: list[str], result: str | None
) -> None:
    """What a failure means for an operation decides what is sent after it."""
    found, script = play(steps, use)
    assert str(script) == " ".join(asked)
    assert getattr(found, "id", None) == result or getattr(found, "key", None) == result


@pytest.mark.parametrize(
    ("use", "steps", "asked", "error", "applied"),
    [
        pytest.param(
            read, [DISTURBED], [GET] * 4, ServerError, False, id="read-four-times",
        ),
        pytest.param(
            read, [LOST], [GET] * 4, ConnectionFailedError, False, id="read-lost",
        ),
        pytest.param(
            read, [Reply(302, b"", {"Location": "https://evil.test/"})], [GET],
            UnexpectedBodyError, False, id="read-is-not-redirected",
        ),
        pytest.param(
            read, [ABSENT], [GET], NotFoundError, False, id="read-absent"
        ),
        pytest.param(
            read, [data({"key": 7})], [GET], UnexpectedBodyError, False,
            id="read-of-a-wrong-type",
        ),
        pytest.param(
            sell, [NOT_SENT], [SELL] * 4, ConnectionFailedError, False,
            id="sale-that-never-left",
        ),
        pytest.param(
            sell, [LOST, page()], [SELL, LIST, LIST], AmbiguousWriteError, True,
            id="sale-that-is-not-found-is-never-sent-again",
        ),
        pytest.param(
            sell, [LOST, page({**SALE, "amount": 11})], [SELL, LIST, LIST],
            AmbiguousWriteError, True, id="sale-of-another-amount-is-another",
        ),
        pytest.param(
            price, [LOST, page({**SALE, "amount_units": "EUR"})], [SELL, LIST, LIST],
            AmbiguousWriteError, True, id="sale-in-another-currency-is-another",
        ),
        pytest.param(
            price, [LOST, page({**SALE, "amount_units": "USD", "rewards": []})],
            [SELL, LIST, LIST], AmbiguousWriteError, True,
            id="sale-of-another-reward-is-another",
        ),
        pytest.param(
            sell, [LOST, page({**SALE, "customer": "c2"})], [SELL, LIST, LIST],
            AmbiguousWriteError, True, id="sale-to-another-customer-is-another",
        ),
        pytest.param(
            sell, [LOST, page(SALE, SALE)], [SELL, LIST], DuplicateDetectedError, True,
            id="sale-that-is-there-twice",
        ),
        pytest.param(
            sell, [LOST, Reply(403, {})], [SELL, LIST], AmbiguousWriteError, True,
            id="sale-that-cannot-be-looked-up",
        ),
        pytest.param(
            sell, [Reply(307, b"", {"Location": "/x"}), page()], [SELL, LIST, LIST],
            AmbiguousWriteError, True, id="sale-that-was-redirected",
        ),
        pytest.param(
            sell, [HALF_JSON, page()], [SELL, LIST], AppliedUnreadableError, True,
            id="sale-accepted-and-not-found",
        ),
        pytest.param(
            sell, [data({**SALE, "amount": []})], [SELL], AppliedUnreadableError, True,
            id="sale-accepted-with-an-answer-of-a-wrong-type",
        ),
        pytest.param(sell, [TAKEN], [SELL], ValidationError, False, id="sale-refused"),
        pytest.param(
            credit, [LOST], ["POST /partners/p1/reward"], AmbiguousWriteError, True,
            id="bonus-has-no-key-to-look-up",
        ),
        pytest.param(
            credit, [HALF_JSON], ["POST /partners/p1/reward"], AppliedUnreadableError,
            True, id="bonus-accepted",
        ),
        pytest.param(
            register, [TAKEN], [POST], ValidationError, False,
            id="customer-that-exists",
        ),
        pytest.param(
            register, [LOST, data({**CUSTOMER, "email": "b@example.com"})],
            [POST, GET], ConflictError, True, id="customer-with-other-values",
        ),
        pytest.param(
            register, [LOST, ABSENT] * 4, [POST, GET] * 4,
            ConnectionFailedError, True, id="customer-four-times",
        ),
        pytest.param(
            register, [LOST, ABSENT, TAKEN, ABSENT], [POST, GET] * 2,
            ValidationError, True, id="customer-refused-and-absent",
        ),
        pytest.param(
            delete, [ABSENT], ["DELETE /partners/p1"], NotFoundError, False,
            id="deletion-of-nothing",
        ),
        pytest.param(
            delete_sale, [LOST, page(SALE)],
            ["DELETE /transactions/s1", LIST, LIST], AmbiguousWriteError, True,
            id="deletion-of-a-sale-that-is-there",
        ),
        pytest.param(
            archive, [LOST, Reply(400, {}), data(PARTNER)],
            ["POST /partners/p1/archive"] * 2 + ["GET /partners/p1"],
            BadRequestError, True, id="archiving-refused-for-another-reason",
        ),
        pytest.param(
            update, [LOST, Reply(400, {})], ["PUT /customers/c1"] * 2,
            BadRequestError, True, id="update-refused-after-a-lost-one",
        ),
        pytest.param(
            update, [LOST, ABSENT, data({"key": "c2", "name": "Eve"})],
            ["PUT /customers/c1"] * 2 + ["GET /customers/c2"],
            NotFoundError, True, id="rename-refused-where-another-has-the-name",
        ),
        pytest.param(
            update, [LOST, ABSENT, ABSENT],
            ["PUT /customers/c1"] * 2 + ["GET /customers/c2"],
            NotFoundError, True, id="update-of-nothing-after-a-lost-one",
        ),
        pytest.param(
            archive, [Reply(400, {})], ["POST /partners/p1/archive"],
            BadRequestError, False, id="archiving-refused-at-once",
        ),
    ],
)  # fmt: skip
def test_call_that_ends_in_an_error(
    play: Play,
    *,
    use: Use,
    steps: Sequence[Step],
    asked: list[str],
    error: type[PartneroError],
    applied: bool,
) -> None:
    """Each failure has its class, and says whether the write may have applied."""
    caught, script = play(steps, failing(use))
    assert type(caught) is error
    assert caught.maybe_applied is applied
    assert str(script) == " ".join(asked)
    assert len(caught.attempts) == len(asked)


def failing(use: Use) -> Callable[[Partnero], Coroutine[Any, Any, PartneroError]]:
    """Turn a call that must fail into one that returns its error."""

    async def run(client: Partnero) -> PartneroError:
        with pytest.raises(PartneroError) as caught:
            await use(client)
        assert client._transport.line.gate.in_flight == 0
        return caught.value

    return run


def test_key_of_an_ambiguous_sale_is_on_the_error(play: Play) -> None:
    """The key is what the sale can be looked up by, made or given."""

    async def sell_without_key(client: Partnero) -> Any:
        return await client.transactions.create(amount=1, customer={"key": "c1"})

    caught, script = play([LOST, page()], failing(sell_without_key))
    assert caught.key == script.seen[0].body["key"]
    assert script.seen[1].query["key"] == caught.key
    assert caught.key in str(caught)


def test_ambiguous_sale_is_sent_again_where_it_was_asked_for(play: Play) -> None:
    """`resend_after_settle` trades a possible second sale for not stopping."""
    found, script = play(
        [LOST, page(), page(), data(SALE)], sell, on_ambiguous="resend_after_settle"
    )
    assert found.key == "s1"
    assert str(script) == f"{SELL} {LIST} {LIST} {SELL}"


def test_sale_that_is_there_with_other_values_is_never_sent_again(play: Play) -> None:
    """What was asked for is to send what is not found: this was found."""
    caught, script = play(
        [LOST, page({**SALE, "amount": 10.01})],
        failing(sell),
        on_ambiguous="resend_after_settle",
    )
    assert type(caught) is AmbiguousWriteError
    assert "its key is there with other values" in str(caught)
    assert str(script) == f"{SELL} {LIST} {LIST}"


MARCH = datetime(2026, 3, 1, tzinfo=UTC)


async def renew(client: Partnero) -> Any:
    return await client.transactions.create(
        key="s1", amount=10, customer={"key": "c1"}, created_at=MARCH
    )


def of(moment: datetime) -> dict[str, Any]:
    return {**SALE, "created_at": f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z"}


FEBRUARY = of(MARCH - timedelta(days=28))
LONG_AGO = of(datetime.now(UTC) - timedelta(days=2))
ARCHIVED = {**SALE, "deleted_at": "2026-03-01T00:00:00.000000Z"}


@pytest.mark.parametrize(
    ("use", "there"),
    [
        pytest.param(renew, FEBRUARY, id="of-another-month"),
        pytest.param(sell, LONG_AGO, id="of-another-day"),
        pytest.param(sell, ARCHIVED, id="archived"),
    ],
)
def test_a_sale_that_was_there_before_is_another(
    play: Play, use: Use, there: dict[str, Any]
) -> None:
    """A key may be used again: what it found before is not what was sent."""
    caught, _ = play([LOST, page(there)], failing(use))
    assert type(caught) is AmbiguousWriteError
    assert "its key is there with other values" in str(caught)


def test_a_sale_is_found_beside_an_earlier_one(play: Play) -> None:
    """It was recorded once, whatever else has its key: there is no surplus."""
    found, script = play([LOST, page(of(MARCH), FEBRUARY)], renew)
    assert found.created_at == MARCH
    assert str(script) == f"{SELL} {LIST}"


PROXY_404 = Reply(404, b"<html>default backend - 404</html>", content_type="text/html")


@pytest.mark.parametrize("lost", [PROXY_404, ABSENT])
def test_a_list_that_is_not_there_proves_nothing(play: Play, lost: Reply) -> None:
    """Sales are looked up in a list: that is empty, and not absent, without them."""
    caught, script = play(
        [LOST, lost], failing(sell), on_ambiguous="resend_after_settle"
    )
    assert type(caught) is AmbiguousWriteError
    assert "its look-up failed" in str(caught)
    assert str(script) == f"{SELL} {LIST}"


def test_a_proxy_that_finds_nothing_proves_nothing(play: Play) -> None:
    """Only the API can say that a record is not there, or not there any more."""
    caught, _ = play([LOST, PROXY_404], failing(register))
    assert type(caught) is AmbiguousWriteError
    caught, _ = play([LOST, PROXY_404], failing(delete))
    assert type(caught) is NotFoundError
    assert caught.maybe_applied is True
    caught, _ = play([LOST, PROXY_404], failing(delete_sale))
    assert type(caught) is AmbiguousWriteError


ABSENT_TWICE = [page(), page()]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([DISTURBED, *ABSENT_TWICE] * 4, id="disturbed"),
        pytest.param([LOST, *ABSENT_TWICE] * 4, id="lost"),
        pytest.param([LOST, *ABSENT_TWICE, NOT_SENT], id="not-sent-then"),
        pytest.param([LOST, *ABSENT_TWICE, TAKEN], id="refused-then"),
        pytest.param([LOST, *ABSENT_TWICE, Reply(429, {})], id="throttled-then"),
    ],
)
def test_a_sale_in_doubt_stays_in_doubt(play: Play, steps: Sequence[Step]) -> None:
    """Once it may have been taken, no other error says "try again" of it."""
    caught, _ = play(steps, failing(sell), on_ambiguous="resend_after_settle")
    assert type(caught) is AmbiguousWriteError
    assert caught.maybe_applied is True


def test_a_look_up_reads_on_until_it_finds(play: Play) -> None:
    """A search matches parts: what is meant may be pages behind what is like it."""
    like = {**PARTNER, "email": "xa@example.com"}
    next_one = f"{ORIGIN}/v1/partners:search?page=2"
    first = data([like], links={"next": next_one})
    found, script = play([LOST, first, page({**PARTNER, "name": "Ada"})], recruit)
    assert found.id == "p1"
    assert [seen.query.get("page") for seen in script.seen] == [None, None, "2"]


@pytest.mark.parametrize("link", ["https://evil.test/?page=2", "?page=1"])
def test_a_look_up_that_cannot_read_on_proves_nothing(play: Play, link: str) -> None:
    """The end of the list was not seen."""
    link = link if "evil" in link else f"{ORIGIN}/v1/partners:search{link}"
    first = data([{**PARTNER, "email": "xa@example.com"}], links={"next": link})
    caught, _ = play([LOST, first], failing(recruit))
    assert type(caught) is AmbiguousWriteError


@pytest.mark.parametrize("key", ["acct\t17", "..", ""])
def test_a_key_that_cannot_be_looked_up_is_refused_at_once(
    play: Play, key: str
) -> None:
    """Before anything is sent: in doubt, there would be no way to find it."""

    async def use(client: Partnero) -> Any:
        return await client.customers.create(key, partner={"id": "p"})

    async def run(client: Partnero) -> None:
        with pytest.raises(UsageError, match="cannot be part of a path"):
            await use(client)

    _, script = play([data(CUSTOMER)], run)
    assert script.seen == []


def test_existing_customer_is_returned_where_it_was_asked_for(play: Play) -> None:
    """`if_exists="return"` reads by key what a duplicate is refused for."""

    async def ensure(client: Partnero) -> Any:
        return await client.customers.create(
            "c1", partner={"id": "p1"}, if_exists="return"
        )

    found, script = play([TAKEN, data(CUSTOMER)], ensure)
    assert found.email == "a@example.com"
    assert str(script) == f"{POST} {GET}"
    caught, _ = play([TAKEN, data({**CUSTOMER, "partner": "p2"})], failing(ensure))
    assert type(caught) is ConflictError


@pytest.mark.parametrize(
    ("first", "error", "doubt"),
    [
        pytest.param(TAKEN, ValidationError, False, id="refused"),
        pytest.param(HALF_JSON, AppliedUnreadableError, True, id="accepted"),
        pytest.param(LOST, AmbiguousWriteError, True, id="lost"),
    ],
)
def test_look_up_that_fails_takes_nothing_from_what_is_known(
    play: Play, first: Any, error: type[PartneroError], doubt: bool
) -> None:
    """What the API has said stands; why it could not be looked up is told beside it."""

    async def ensure(client: Partnero) -> Any:
        return await client.customers.create(
            "c1", partner={"id": "p1"}, if_exists="return"
        )

    caught, script = play([first, FORBIDDEN], failing(ensure))
    assert type(caught) is error
    assert caught.maybe_applied is doubt
    assert ("its look-up failed" in str(caught)) is doubt
    assert str(script) == f"{POST} {GET}"


# --- time ---------------------------------------------------------------------


def test_waits_between_attempts_grow_with_full_jitter(play: Play, seed: int) -> None:
    """The nth repeat waits up to 0.5, 1, 2 seconds."""
    _, script = play([LOST], failing(read), seed=seed)
    waits = [b.at - a.at for a, b in zip(script.seen, script.seen[1:], strict=False)]
    assert len(waits) == 3
    assert all(0 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits))


def test_retry_after_replaces_the_backoff(play: Play) -> None:
    """What the server asks for is what is waited."""
    _, script = play(
        [Reply(503, b"", {"Retry-After": "7"}, "text/html"), data(CUSTOMER)], read
    )
    assert script.seen[1].at - script.seen[0].at == pytest.approx(7)


def test_throttled_answers_are_no_attempts(play: Play) -> None:
    """A call waits at the gate as often as it is told to, within its time."""

    async def counted(client: Partnero) -> Any:
        await sell(client)
        return client.stats

    stats, script = play([SLOW_DOWN] * 8 + [data(SALE)], counted)
    assert (stats.requests, stats.throttled) == (9, 8)
    assert script.seen[-1].at >= 8


@pytest.mark.parametrize("seconds", [121, 61, 60])
def test_wait_that_is_too_long_is_not_waited(play: Play, seconds: int) -> None:
    """A wait over 120 s, or over the call's time, is the caller's to plan."""
    told = Reply(429, {}, {"Retry-After": str(seconds)})
    caught, script = play([told], failing(read))
    assert type(caught) is RateLimitError
    assert caught.retry_at is not None
    assert caught.elapsed == 0
    assert len(script.seen) == 1


def test_throttled_for_ever_ends_with_the_time(play: Play) -> None:
    """The deadline holds at the gate as well, and the error says why."""
    caught, _ = play([Reply(429, {})], failing(read), timeout=30)
    assert type(caught) is RateLimitError
    assert caught.elapsed is not None
    assert caught.elapsed <= 30.25


@pytest.mark.parametrize(
    ("use", "error", "requests"),
    [
        pytest.param(read, DeadlineExceededError, 4, id="read"),
        pytest.param(register, AmbiguousWriteError, 3, id="customer"),
        pytest.param(sell, AmbiguousWriteError, 3, id="sale"),
    ],
)
def test_server_that_never_answers(
    play: Play, use: Use, error: type[PartneroError], requests: int
) -> None:
    """One deadline covers attempts, waits and look-ups, whatever hangs."""
    caught, script = play([HANG], failing(use), timeout=60)
    assert type(caught) is error
    assert caught.elapsed is not None
    assert caught.elapsed <= 60.25
    assert len(script.seen) == requests


def test_deadline_ends_a_sale_without_a_look(play: Play) -> None:
    """Where no time is left to look a sale up, it is ambiguous."""
    caught, script = play([HANG], failing(sell), timeout=5)
    assert type(caught) is AmbiguousWriteError
    assert caught.elapsed == pytest.approx(5)
    assert str(script) == SELL


def test_waiting_for_a_connection_counts(play: Play, seed: int) -> None:
    """A call that gets no connection within its time was not sent."""

    async def crowd(client: Partnero) -> Any:
        first = asyncio.create_task(read(client))
        await asyncio.sleep(1)
        with pytest.raises(DeadlineExceededError, match="free connection") as caught:
            await read(client.with_options(timeout=5))
        await asyncio.gather(first, return_exceptions=True)
        return caught.value

    caught, script = play([HANG], crowd, max_connections=1, timeout=10, seed=seed)
    assert caught.maybe_applied is False
    assert len(script.seen) == 1


@async_only
@pytest.mark.parametrize("kind", ["write", "read"])
def test_a_write_that_comes_to_its_turn_too_late_is_not_sent(
    play: Play, kind: str
) -> None:
    """Its answer would come too late, and put it in doubt; a read loses nothing."""
    use = sell if kind == "write" else read

    async def run(client: Partnero) -> Any:
        first = asyncio.create_task(read(client))
        await asyncio.sleep(0)
        answers = await asyncio.gather(
            use(client.with_options(timeout=2.3)), return_exceptions=True
        )
        await first
        return answers[0]

    steps = [Reply(200, {"data": CUSTOMER}, after=2.0), data({**CUSTOMER, **SALE})]
    found, script = play(steps, run, max_connections=1)
    assert len(script.seen) == (1 if kind == "write" else 2)
    if kind == "write":
        assert type(found) is DeadlineExceededError
        assert found.maybe_applied is False


def test_a_reset_is_a_time_to_come_back_at(play: Play) -> None:
    """A 429 may say it by ``X-RateLimit-Reset`` alone."""
    told = Reply(429, {}, {"X-RateLimit-Reset": "3600"})
    caught, script = play([told], failing(read), timeout=6)
    assert type(caught) is RateLimitError
    assert caught.retry_at is not None
    assert len(script.seen) == 1
    assert script.ended == 0


@async_only
def test_an_attempt_that_is_over_is_not_cancelled(play: Play) -> None:
    """A cancelled pause is no attempt; the doubt of the one before it is told."""
    told: list[AmbiguousWriteError] = []

    async def cancelled(client: Partnero) -> None:
        task = asyncio.create_task(sell(client))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    play([LOST], cancelled, on_ambiguous=told.append)
    assert [len(error.attempts) for error in told] == [1]


def test_long_waits_are_logged(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """A wait of over two seconds is said, with its reason and no personal data."""
    caplog.set_level(logging.INFO, "partnero")
    later = Reply(503, b"", {"Retry-After": "7"}, "text/html")
    play([later, Reply(429, {}, {"Retry-After": "5"}), data(CUSTOMER)], read)
    assert [record.getMessage() for record in caplog.records] == [
        "GET /customers/{key} waits 7.0 s: the server failed",
        "GET /customers/{key} waits 5.0 s: the rate limit",
    ]


def test_outage_is_not_answered_with_a_storm(play: Play) -> None:
    """1,000 calls into an outage cost at most 1,035 requests."""

    async def storm(client: Partnero) -> None:
        for _ in range(1000):
            with pytest.raises(ServerError):
                await read(client)

    _, script = play([DISTURBED], storm)
    assert 1000 < len(script.seen) <= 1035


# --- cancellation and lifetime --------------------------------------------------


@async_only
@pytest.mark.parametrize("after", [0.0, 0.4, 1.0, 31.5])
def test_cancellation_leaves_nothing_held(play: Play, after: float) -> None:
    """A cancelled call gives its connection and its turn back, and stops at once."""

    async def cancelled(client: Partnero) -> float:
        task = asyncio.create_task(sell(client))
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        session = await client._transport.line.sessions.here()
        assert session.slots.free == 100
        assert client._transport.line.gate.in_flight == 0
        return asyncio.get_running_loop().time()

    at, _ = play([HANG], cancelled)
    assert at == pytest.approx(after)


def test_closed_client_refuses(play: Play) -> None:
    """A call after close is refused by name, and nothing is sent."""

    async def late(client: Partnero) -> None:
        await client.aclose()
        with pytest.raises(ClientClosedError, match="`with` block"):
            await read(client)

    _, script = play([data(CUSTOMER)], late)
    assert script.seen == []


def test_client_that_is_closed_meanwhile_sends_no_more(
    play: Play, partnero: type[Partnero]
) -> None:
    """A repeat that was waiting does not open what was closed.

    The call of a thread does not wait until then: it ends with its client.
    """

    async def run(client: Partnero) -> PartneroError:
        later = asyncio.create_task(failing(update)(client))
        await asyncio.sleep(1)
        await client.aclose()
        return await later

    told = Reply(503, b"", {"Retry-After": "7"}, "text/html")
    caught, script = play([told], run)
    at_once = partnero is not Partnero
    assert type(caught) is (AmbiguousWriteError if at_once else ClientClosedError)
    assert script.ended == (1 if at_once else 7)
    assert caught.maybe_applied is True
    assert len(script.seen) == 1


async def test_virtual_client_is_the_real_one(partnero: type[Partnero]) -> None:
    """The client of these tests differs in its clock and its jitter only."""
    async with virtual_client(partnero) as client:
        assert isinstance(client, partnero)
        assert str(Script([LOST])) == ""
