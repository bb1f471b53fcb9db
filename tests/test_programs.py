"""Resources that the key's program does not have, and how its type is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from partnero_async import (
    NotFoundError,
    Partnero,
    PartneroError,
    PermissionDeniedError,
    RefusedError,
    WrongProgramError,
)
from partnero_async._programs import INSTEAD, NAMES, TYPES, type_of
from partnero_async.sandbox import Sandbox

from .scripted import HANG, LOST, Play, Reply, Step, async_only, data

AFFILIATE = data({"program": {"public_id": "K7WQHARB", "type": "Affiliate"}})
REFERRAL = data({"program": {"public_id": "R2PALBAY", "type": "Referral"}})
NEWSLETTER = data({"id": "N5LETHRB", "esp_type": "custom"})
GONE = Reply(404, {"message": "There is no such thing."})


def raising(
    use: Callable[[Partnero], Awaitable[Any]], kind: type[PartneroError]
) -> Callable[[Partnero], Awaitable[Any]]:
    """Run *use*, and return what it raises."""

    async def run(client: Partnero) -> Any:
        with pytest.raises(PartneroError) as caught:
            await use(client)
        assert type(caught.value) is kind, repr(caught.value)
        return caught.value

    return run


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param({"program": {"type": "Affiliate"}}, "affiliate", id="affiliate"),
        pytest.param({"program": {"type": "REFERRAL"}}, "refer_a_friend", id="case"),
        pytest.param({"program": {"type": "Newsletter"}}, "newsletter", id="typed"),
        pytest.param({"esp_type": "custom"}, "newsletter", id="newsletter"),
        pytest.param({"program": {"type": "Loyalty"}}, None, id="new-type"),
        pytest.param({"program": {"type": None}}, None, id="null"),
        pytest.param({"program": "x"}, None, id="no-object"),
        pytest.param({}, None, id="empty"),
        pytest.param([], None, id="array"),
        pytest.param("affiliate", None, id="text"),
    ],
)
def test_the_type_of_a_program(answer: Any, kind: str | None) -> None:
    """Each type answers in its own way; what is not known is not guessed."""
    assert type_of(answer) == kind


@pytest.mark.parametrize(
    ("program", "use", "says"),
    [
        pytest.param(
            REFERRAL,
            lambda client: client.partners.get("p1"),
            "this key belongs to a refer-a-friend program, which has no partners: "
            "use client.referrals, or the key of an affiliate program",
            id="partners",
        ),
        pytest.param(
            REFERRAL,
            lambda client: client.customers.get("c1"),
            "no customers: use client.referrals",
            id="customers",
        ),
        pytest.param(
            AFFILIATE,
            lambda client: client.referrals.balance("c1"),
            "an affiliate program, which has no referrals: use client.customers",
            id="referrals",
        ),
        pytest.param(
            AFFILIATE,
            lambda client: client.customer_links.get("k"),
            "no customer_links: use client.partner_links",
            id="customer-links",
        ),
        pytest.param(
            NEWSLETTER,
            lambda client: client.transactions.get("s1"),
            "a newsletter program, which has no transactions:"
            " use the key of an affiliate program or a refer-a-friend program",
            id="nothing-instead",
        ),
        pytest.param(
            AFFILIATE,
            lambda client: client.rewards.list(),
            "no rewards: use the key of a newsletter program",
            id="rewards",
        ),
        pytest.param(
            NEWSLETTER,
            lambda client: client.program.overview(),
            "no program.overview: use the key of",
            id="one-operation-of-many",
        ),
        pytest.param(
            AFFILIATE,
            lambda client: client.subscribers.list().collect(),
            "no subscribers: use client.customers",
            id="list",
        ),
    ],
)
def test_a_resource_of_another_type_says_so(
    asking: Play, program: Reply, use: Callable[[Partnero], Awaitable[Any]], says: str
) -> None:
    """Not a bare 404: which type the program is of, and what to use instead."""
    error, script = asking([GONE, program], raising(use, WrongProgramError))
    assert says in str(error)
    assert "There is no such thing." in str(error)
    assert isinstance(error, NotFoundError)
    assert isinstance(error.__cause__, NotFoundError)
    assert (error.status, error.operation) == (404, error.__cause__.operation)
    assert error.attempts == error.__cause__.attempts
    assert script.seen[-1].path == "/program"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(403, PermissionDeniedError, id="not-allowed"),
        pytest.param(405, RefusedError, id="no-such-method"),
        pytest.param(404, NotFoundError, id="not-found"),
    ],
)
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(AFFILIATE, id="has-it"),
        pytest.param(data({"program": {"type": "Loyalty"}}), id="unknown-type"),
        pytest.param(Reply(403, {}), id="refused"),
        pytest.param(Reply(500, b"", content_type="text/html"), id="failed"),
        pytest.param(LOST, id="lost"),
        pytest.param(HANG, id="no-answer"),
    ],
)
def test_the_refusal_stays_where_nothing_explains_it(
    asking: Play, status: int, kind: type[PartneroError], program: Step
) -> None:
    """The type has the resource, or cannot be told: then the API's word is all."""

    async def use(client: Partnero) -> None:
        await client.partners.get("p1")

    error, script = asking(
        [Reply(status, {"message": "No."}), program], raising(use, kind)
    )
    assert (error.status, error.message, error.__cause__) == (status, "No.", None)
    assert script.seen[-1].at <= 5


@pytest.mark.parametrize("status", [400, 401, 409, 422])
def test_other_refusals_ask_for_nothing(asking: Play, status: int) -> None:
    """They are about the record or the key, not about the route."""

    async def use(client: Partnero) -> None:
        with pytest.raises(RefusedError):
            await client.partners.get("p1")

    _, script = asking([Reply(status, {})], use)
    assert str(script) == "GET /partners/p1"


def test_resources_of_every_type_ask_for_nothing(asking: Play) -> None:
    """A webhook that is not there is not there."""
    _, script = asking(
        [GONE], raising(lambda client: client.webhooks.get("k"), NotFoundError)
    )
    assert len(script.seen) == 1


def test_the_type_is_asked_for_once(asking: Play) -> None:
    """It is kept: calls at the same time wait for one answer, later ones have it."""

    async def use(client: Partnero) -> None:
        calls = [client.partners.get("p1") for _ in range(5)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in found} == {WrongProgramError}
        with pytest.raises(WrongProgramError):
            await client.customers.get("c1")

    later = attrs.evolve(GONE, after=1)  # when all five have asked
    _, script = asking([later] * 5 + [REFERRAL, GONE], use)
    assert str(script).split().count("/program") == 1


def test_a_question_that_fails_is_not_repeated(asking: Play) -> None:
    """A program that does not answer must not make every refusal slow."""

    async def use(client: Partnero) -> None:
        for _ in range(3):
            with pytest.raises(NotFoundError):
                await client.partners.get("p1")

    _, script = asking([GONE, Reply(403, {}), GONE], use)
    assert str(script).split().count("/program") == 1


@pytest.mark.parametrize("failure", [HANG, Reply(500, {})])
def test_a_question_without_an_answer_is_asked_again_later(
    asking: Play, failure: Step
) -> None:
    """An API that is down for a while says nothing about the program for good."""

    async def use(client: Partnero) -> None:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await client.partners.get("p1")
        await asyncio.sleep(31)
        with pytest.raises(WrongProgramError):
            await client.partners.get("p1")

    times = 1 if failure is HANG else 4
    _, script = asking([GONE, *[failure] * times, GONE, GONE, REFERRAL], use)
    assert str(script).split().count("/program") == times + 1


def test_a_call_in_a_hurry_does_not_answer_for_others(asking: Play) -> None:
    """Its question was cut short: a write that is not meant for here asks again."""

    async def use(client: Partnero) -> None:
        with pytest.raises(NotFoundError):
            await client.with_options(timeout=0.6).customers.get("nobody")
        with pytest.raises(WrongProgramError):
            await client.customers.create("c1", partner={"id": "p"})

    _, script = asking([GONE, HANG, REFERRAL], use)
    assert "POST" not in str(script)


def test_a_write_has_time_left_after_the_question(asking: Play) -> None:
    """Half of the call's time is for the question, and half is for the write."""

    async def use(client: Partnero) -> None:
        await client.customers.create("c1", partner={"id": "p"})

    _, script = asking([HANG, data({"key": "c1"})], use, timeout=2)
    assert [seen.at for seen in script.seen] == [0, 1]


def test_the_question_does_not_outlive_the_call(asking: Play) -> None:
    """The time for it is what is left of the call's own."""

    async def use(client: Partnero) -> float:
        with pytest.raises(NotFoundError):
            await client.partners.get("p1")
        return asyncio.get_running_loop().time()

    took, _ = asking([GONE, HANG], use, timeout=2)
    assert took <= 2


@async_only
def test_a_cancelled_question_is_asked_again(asking: Play) -> None:
    """Nothing is known of the type then, and nothing is held."""

    async def use(client: Partnero) -> None:
        task = asyncio.create_task(client.partners.get("p1"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(WrongProgramError):
            await client.partners.get("p1")

    _, script = asking([GONE, HANG, GONE, REFERRAL], use)
    assert len(script.seen) == 4


def test_what_to_use_instead_is_there() -> None:
    """Each name is a resource of the client, and each type has its words."""
    assert set(INSTEAD) == set(NAMES) == set(TYPES.values())
    for kind, others in INSTEAD.items():
        for noun, instead in others.items():
            client = Partnero("key")
            assert kind not in getattr(client, noun)._bound.programs
            assert kind in getattr(client, instead)._bound.programs


# --- against the sandbox --------------------------------------------------------------


FOREIGN: dict[str, Callable[[Partnero], Awaitable[Any]]] = {
    "partners": lambda client: client.partners.list().collect(),
    "customers": lambda client: client.customers.suspend("c1"),
    "referrals": lambda client: client.referrals.balance("c1"),
    "customer_links": lambda client: client.customer_links.list("c1").collect(),
    "partner_links": lambda client: client.partner_links.domains().collect(),
    "subscribers": lambda client: client.subscribers.get("greta@example.net"),
    "rewards": lambda client: client.rewards.create(name="Stickers"),
    "payouts": lambda client: client.payouts.get(1),
    "leads": lambda client: client.leads.details(),
}


@pytest.mark.parametrize("kind", ["affiliate", "refer_a_friend", "newsletter"])
@pytest.mark.parametrize("noun", FOREIGN)
async def test_each_type_has_its_resources(
    partnero: type[Partnero], kind: str, noun: str
) -> None:
    """A program of the sandbox refuses what its type does not have, and it is said."""
    async with (
        Sandbox(programs=[kind]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        own = kind in getattr(client, noun)._bound.programs
        answers = await asyncio.gather(FOREIGN[noun](client), return_exceptions=True)
    assert isinstance(answers[0], WrongProgramError) is not own, answers
    assert own or f"which has no {noun}" in str(answers[0])


# --- two resources at the same URLs --------------------------------------------------


async def test_a_write_to_the_other_resource_is_not_sent(
    partnero: type[Partnero], sandbox: Sandbox
) -> None:
    """It would be taken, and delete a customer of whom nobody spoke."""
    async with partnero(sandbox.api_key, base_url=sandbox.url) as client:
        await client.partners.create(email="ada@example.com", key="ada")
        await client.customers.create("c1", partner={"key": "ada"})
        before = sandbox.ledger
        with pytest.raises(WrongProgramError, match=r"use client\.customers"):
            await client.referrals.delete("c1")
        assert sandbox.ledger == before
        with pytest.raises(WrongProgramError, match=r"use client\.customers"):
            await client.referrals.get("c1")
        with pytest.raises(WrongProgramError, match=r"use client\.customers"):
            await client.referrals.list().collect()


async def test_a_sign_up_in_the_other_program_is_not_sent(
    partnero: type[Partnero],
) -> None:
    """A partner who brought a customer is not dropped in silence."""
    async with (
        Sandbox(programs=["refer_a_friend"]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        await client.referrals.create(email="ada@example.com", id="u1")
        with pytest.raises(WrongProgramError, match=r"use client\.referrals"):
            await client.customers.create("c1", partner={"key": "ada"})
        with pytest.raises(WrongProgramError, match=r"use client\.referrals"):
            await client.customers.list().first()
        assert [entry.operation for entry in sandbox.ledger] == ["referrals.create"]


async def test_an_empty_list_of_the_other_resource_tells_nothing(
    client: Partnero,
) -> None:
    """Where there is nothing, nothing can be mistaken."""
    assert await client.referrals.list().collect() == []
