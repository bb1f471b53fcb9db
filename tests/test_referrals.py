"""Customers of a refer-a-friend program."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    Partnero,
    PartneroError,
    UnexpectedBodyError,
    ValidationError,
)
from partnero_async.models import Referral
from partnero_async.sandbox import Sandbox

from .scripted import LOST, ORIGIN, Play, Reply, Step, data, page

PRIYA: dict[str, Any] = {
    "id": "usr-5531",
    "email": "priya@example.com",
    "name": "Priya",
    "surname": None,
    "status": "active",
    "referring_customer": None,
    "referral_link": "https://shop.example?ref=saffron-otter",
    "referral_links": ["https://shop.example?ref=saffron-otter"],
}
NOAH = {**PRIYA, "id": "usr-5604", "referring_customer": {"id": "usr-5531"}}
TAKEN = Reply(422, {"message": "Taken."})
GONE = Reply(404, {})

Use = Callable[[Partnero], Awaitable[Any]]


def failing(use: Use) -> Use:
    """Run *use*, and return what it raises."""

    async def run(client: Partnero) -> Any:
        with pytest.raises(PartneroError) as caught:
            await use(client)
        return caught.value

    return run


# --- registering ----------------------------------------------------------------------


def create(**given: Any) -> Use:
    """Register Priya, with what is given."""
    return lambda client: client.referrals.create(name="Priya", **given)


def test_what_is_given_is_sent(play: Play) -> None:
    """A day is sent as one; what is left out is not sent."""
    _, script = play(
        [data(NOAH)],
        create(
            id="usr-5604",
            metadata={"date_of_birth": date(1991, 7, 19)},
            referring_customer={"key": "saffron-otter"},
        ),
    )
    assert script.seen[0].body == {
        "id": "usr-5604",
        "name": "Priya",
        "metadata": {"date_of_birth": "1991-07-19"},
        "referring_customer": {"key": "saffron-otter"},
    }


def test_a_customer_without_a_name_of_its_own_gets_one(play: Play) -> None:
    """Without any identifier nothing could be looked up: an id is made, and told."""
    error, script = play([TAKEN], failing(create()))
    assert script.seen[0].body["id"] == error.key
    assert error.key.startswith("py-")


BY_ID = {"id": "usr-5531"}
BY_EMAIL = {"email": "Priya@example.com"}
BY_KEY = {"key": "saffron-otter"}
POST, READ, SEARCH = (
    "POST /customers",
    "GET /customers/usr-5531",
    "GET /customers:search",
)


@pytest.mark.parametrize(
    ("given", "found", "asked"),
    [
        pytest.param(BY_ID, data(PRIYA), READ, id="id"),
        pytest.param(BY_EMAIL, page(PRIYA), SEARCH, id="email"),
        pytest.param(BY_KEY, page(PRIYA), SEARCH, id="key-in-a-link"),
        pytest.param(
            BY_KEY,
            page({**PRIYA, "id": "saffron-otter", "referral_link": None}),
            SEARCH,
            id="key-that-is-the-id",
        ),
        pytest.param(BY_ID | BY_EMAIL, data(PRIYA), READ, id="id-before-email"),
        pytest.param(BY_EMAIL | BY_KEY, page(PRIYA), SEARCH, id="email-before-key"),
    ],
)
def test_a_lost_registration_is_looked_up(
    play: Play, given: dict[str, Any], found: Reply, asked: str
) -> None:
    """By the first of id, e-mail address and key that was given."""
    result, script = play([LOST, found], create(**given))
    assert isinstance(result, Referral)
    assert str(script) == f"{POST} {asked}"
    query = {k: v for k, v in script.seen[1].query.items() if k != "limit"}
    first = next(iter(given.items()))
    assert query == ({} if asked == READ else dict([first]))


@pytest.mark.parametrize("end", ["priya k", "priya%20k"])
def test_a_key_is_found_in_a_link_encoded_or_not(play: Play, end: str) -> None:
    """How the API writes signs of a key in a link was never shown."""
    there = {**PRIYA, "referral_link": None, "referral_links": [f"x?ref={end}"]}
    _, script = play([LOST, page(there)], create(key="priya k"))
    assert str(script) == f"{POST} {SEARCH}"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            {**PRIYA, "referral_link": None, "referral_links": None}, id="none"
        ),
        pytest.param(
            {
                **PRIYA,
                "referral_link": None,
                "referral_links": ["x?ref=not-saffron-otter"],
            },
            id="end-of-another-key",
        ),
    ],
)
def test_a_customer_with_another_key_is_not_the_one(
    play: Play, other: dict[str, Any]
) -> None:
    """A search may match parts; then it is registered again."""
    _, script = play([LOST, page(other), data(PRIYA)], create(**BY_KEY))
    assert str(script) == f"{POST} {SEARCH} {POST}"


@pytest.mark.parametrize(
    ("there", "same"),
    [
        pytest.param({"id": "usr-5531"}, True, id="the-same"),
        pytest.param({"id": "usr-1"}, False, id="another"),
        pytest.param(None, False, id="nobody"),
        pytest.param({"key": "x"}, True, id="not-comparable"),
        pytest.param([], True, id="empty-map"),
    ],
)
def test_who_referred_is_compared(play: Play, there: Any, same: bool) -> None:
    """The same customer under another referrer is not what was sent."""
    use = create(**BY_ID, referring_customer={"id": "usr-5531"}, if_exists="return")
    steps = [TAKEN, data({**PRIYA, "referring_customer": there})]
    result, _ = play(steps, use if same else failing(use))
    assert isinstance(result, Referral if same else ConflictError)


def test_one_that_is_there_is_refused_or_returned(play: Play) -> None:
    """The caller chooses."""
    error, _ = play([TAKEN], failing(create(**BY_ID)))
    assert isinstance(error, ValidationError)
    found, _ = play([TAKEN, data(PRIYA)], create(**BY_ID, if_exists="return"))
    assert found.id == "usr-5531"


# --- changing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_body", "path", "body"),
    [
        pytest.param(
            False, "/customers/usr-5531", {"update": {"name": "P"}}, id="path"
        ),
        pytest.param(
            True, "/customers", {"id": "usr-5531", "update": {"name": "P"}}, id="body"
        ),
    ],
)
def test_a_change_names_the_customer(
    play: Play, in_body: bool, path: str, body: dict[str, Any]
) -> None:
    """In the path by preference, in the body on demand."""
    _, script = play(
        [data(PRIYA)],
        lambda client: client.referrals.update(
            "usr-5531", name="P", id_in_body=in_body
        ),
    )
    assert script.seen[0].path == path
    assert script.seen[0].body == body


ALREADY = Reply(400, {"message": "Not in this state."})


@pytest.mark.parametrize(
    ("name", "status", "done"),
    [
        pytest.param("archive", "archived", True, id="archived"),
        pytest.param("archive", "deleted", True, id="archived-in-other-words"),
        pytest.param("archive", "active", False, id="not-archived"),
        pytest.param("restore", "active", True, id="restored"),
        pytest.param("restore", "archived", False, id="not-restored"),
    ],
)
def test_a_repeated_change_of_state_is_looked_up(
    play: Play, name: str, status: str, done: bool
) -> None:
    """400 on the repeat: by the first attempt, or for another reason."""

    def use(client: Partnero) -> Awaitable[None]:
        return getattr(client.referrals, name)("usr-5531")  # type: ignore[no-any-return]

    steps: Sequence[Step] = [LOST, ALREADY, data({**PRIYA, "status": status})]
    result, _ = play(steps, use if done else failing(use))
    assert result is None if done else isinstance(result, BadRequestError)


def test_a_repeated_deletion_of_what_is_gone_is_done(play: Play) -> None:
    """The first attempt deleted it."""
    _, script = play([LOST, GONE], lambda client: client.referrals.delete("usr-5531"))
    assert str(script) == "DELETE /customers/usr-5531 DELETE /customers/usr-5531"


# --- lists ----------------------------------------------------------------------------


def test_lists_take_their_filters(play: Play) -> None:
    """They go into the query."""

    async def use(client: Partnero) -> None:
        await client.referrals.list(refer_status="referred", sort="asc").collect()
        await client.referrals.search(key="saffron-otter", limit=15).collect()
        await client.referrals.get("usr-5531")

    _, script = play([page(PRIYA), page(PRIYA), data(PRIYA)], use)
    assert script.seen[0].query["refer_status"] == "referred"
    assert script.seen[0].query["sort"] == "asc"
    assert script.seen[1].query == {"limit": "15", "page": "1", "key": "saffron-otter"}


def test_the_referred_may_be_nested(play: Play) -> None:
    """The answer was never published: both forms are read."""
    nested = data({"data": [NOAH], "links": {"next": None}})
    for answer in (nested, data([NOAH]), page(NOAH)):
        found, script = play(
            [answer], lambda client: client.referrals.referred("usr-5531")
        )
        assert [customer.id for customer in found] == ["usr-5604"]
        assert script.seen[0].query == {}


def test_a_nested_list_that_does_not_fit_says_where(play: Play) -> None:
    """The path of what is wrong is in the error."""
    answer = data({"data": [{"id": 5}]})
    error, _ = play(
        [answer], failing(lambda client: client.referrals.referred("usr-5531"))
    )
    assert isinstance(error, UnexpectedBodyError)
    assert "data.data[0].id: expected str, got int" in error.message


def linked(number: int | None, *items: Any) -> Reply:
    """Answer with a page that names the next one."""
    link = f"{ORIGIN}/v1/customers/usr-5531/referrals?page={number}"
    return data(list(items), links={"next": link if number else None})


def test_pages_that_were_not_documented_are_read(play: Play) -> None:
    """Nothing is missed in silence where a list has pages after all."""
    found, script = play(
        [linked(2, NOAH), linked(3, PRIYA), linked(None, NOAH)],
        lambda client: client.referrals.referred("usr-5531"),
    )
    assert len(found) == 3
    assert [seen.query for seen in script.seen] == [{}, {"page": "2"}, {"page": "3"}]


@pytest.mark.parametrize("back", [1, 2])
def test_a_link_that_leads_back_is_refused(play: Play, back: int) -> None:
    """Else the walk would never end."""
    error, script = play(
        [linked(2, NOAH), linked(back, NOAH)],
        failing(lambda client: client.referrals.referred("usr-5531")),
    )
    assert isinstance(error, UnexpectedBodyError)
    assert "leads back" in error.message
    assert len(script.seen) == 2


# --- money and messages ---------------------------------------------------------------


def test_a_balance_is_money(play: Play) -> None:
    """Exact, with its unit."""
    answer = data(
        {
            "customer": PRIYA,
            "balance": {
                "currency": [
                    {"amount": 17.5, "amount_units": "EUR", "is_currency": True}
                ]
            },
        }
    )
    found, _ = play([answer], lambda client: client.referrals.balance("usr-5531"))
    assert found.customer is not None
    assert found.customer.name == "Priya"
    assert found.balance is not None
    assert found.balance.currency is not None
    assert found.balance.currency[0].amount == Decimal("17.5")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param({"amount_units": "EUR"}, "eur", id="currency"),
        pytest.param(
            {"amount_units": "Stars", "is_currency": False}, "Stars", id="other"
        ),
    ],
)
def test_a_credit_is_sent_in_the_published_form(
    play: Play, given: dict[str, Any], sent: str
) -> None:
    """Currencies in lower case, other units as they are; the answer is plain data."""
    result, script = play(
        [data({"balance": {"points": 5}})],
        lambda client: client.referrals.credit("usr-5531", amount=5, **given),
    )
    assert result == {"balance": {"points": 5}}
    assert script.seen[0].body["amount_units"] == sent


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(
            lambda client: client.referrals.credit(
                "usr-5531", amount=5, amount_units="eur"
            ),
            id="credit",
        ),
        pytest.param(
            lambda client: client.referrals.invite(email="lucia@example.org"),
            id="invitation",
        ),
    ],
)
def test_what_adds_is_never_sent_twice(play: Play, use: Use) -> None:
    """A lost answer is in doubt, and there is nothing to look it up by."""
    error, script = play([LOST], failing(use))
    assert type(error) is AmbiguousWriteError
    assert error.key in ("usr-5531", "lucia@example.org")
    assert len(script.seen) == 1


def test_statistics_and_invitations_are_plain_data(play: Play) -> None:
    """What is answered was never published."""

    async def use(client: Partnero) -> Any:
        stats = await client.referrals.stats("usr-5531")
        sent = await client.referrals.invite(
            email="lucia@example.org", personalization={"sender": "Priya"}
        )
        return stats, sent

    found, script = play([data({"referrals_count": 2}), data([])], use)
    assert found == ({"referrals_count": 2}, [])
    assert script.seen[1].body == {
        "email": "lucia@example.org",
        "personalization": {"sender": "Priya"},
    }


# --- against the sandbox --------------------------------------------------------------


@pytest.fixture
async def friends(partnero: type[Partnero]) -> AsyncIterator[Partnero]:
    """Make a client of a refer-a-friend program."""
    async with (
        Sandbox(programs=["refer_a_friend"]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        yield client


async def test_a_customer_lives(friends: Partnero) -> None:
    """It is registered, read, changed, archived, restored and deleted."""
    made = await friends.referrals.create(
        id="usr-1", key="otter", email="priya@example.com", name="Priya"
    )
    assert (made.id, made.status, made.referring_customer) == ("usr-1", "active", None)
    assert await friends.referrals.get("usr-1") == made
    changed = await friends.referrals.update("usr-1", surname="Sandoval")
    assert changed.surname == "Sandoval"
    named = await friends.referrals.update("usr-1", name="P", id_in_body=True)
    assert named.name == "P"
    await friends.referrals.archive("usr-1")
    with pytest.raises(BadRequestError):
        await friends.referrals.archive("usr-1")
    assert (await friends.referrals.get("usr-1")).status != "active"
    await friends.referrals.restore("usr-1")
    await friends.referrals.delete("usr-1")
    with pytest.raises(NotFoundError):
        await friends.referrals.get("usr-1")


async def test_friends_are_referred(friends: Partnero) -> None:
    """Who was referred by whom is known on both sides, and filters lists."""
    await friends.referrals.create(id="usr-1", key="otter", email="p@example.com")
    made = await friends.referrals.create(
        id="usr-2", email="n@example.com", referring_customer={"key": "otter"}
    )
    assert made.referring_customer == {"id": "usr-1"}
    assert [c.id for c in await friends.referrals.referred("usr-1")] == ["usr-2"]
    listed = friends.referrals.list(refer_status="non_referred")
    assert [customer.id async for customer in listed] == ["usr-1"]
    found = await friends.referrals.search(key="otter").collect()
    assert [customer.id for customer in found] == ["usr-1"]
    with pytest.raises(BadRequestError):
        await friends.referrals.create(
            email="x@example.com", referring_customer={"key": "nobody"}
        )


async def test_a_customer_is_registered_once(friends: Partnero) -> None:
    """A second one is refused, returned if it is the same, or in conflict."""
    create = friends.referrals.create
    made = await create(email="p@example.com", name="Priya")
    with pytest.raises(ValidationError):
        await create(email="p@example.com", name="Priya")
    again = await create(email="P@example.com", name="Priya", if_exists="return")
    assert again == made
    with pytest.raises(ConflictError):
        await create(email="p@example.com", name="Noah", if_exists="return")


async def test_a_customer_is_credited_and_invited(friends: Partnero) -> None:
    """The balance shows the credit, in upper case."""
    await friends.referrals.create(id="usr-1", email="p@example.com")
    currency = "USD"  # the sandbox's own
    await friends.referrals.credit(
        "usr-1", amount=Decimal("22.50"), amount_units=currency
    )
    found = await friends.referrals.balance("usr-1")
    assert found.balance is not None
    assert found.balance.currency is not None
    (money,) = found.balance.currency
    assert (money.amount, money.amount_units) == (Decimal("22.5"), currency)
    assert isinstance(await friends.referrals.stats("usr-1"), dict)
    await friends.referrals.invite(email="lucia@example.org", name="Lucia")
