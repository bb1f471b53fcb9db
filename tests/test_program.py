"""The program: its shapes and figures, its settings, its deletion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from partnero_async import (
    AmbiguousWriteError,
    AuthenticationError,
    DeadlineExceededError,
    Partnero,
    PartneroError,
    UnexpectedBodyError,
    UsageError,
    ValidationError,
)
from partnero_async.models import Program, ProgramOverview, ProgramStats
from partnero_async.sandbox import Sandbox

from .scripted import HANG, LOST, NOT_SENT, Fault, Play, Reply, Step, data

AFFILIATE = data({"program": {"public_id": "K7WQHARB", "type": "Affiliate"}})
REFERRAL = data({"program": {"public_id": "R2PALBAY", "type": "Referral"}})
NEWSLETTER = data({"id": "N5LETHRB", "esp_type": "custom"})
CODE = Reply(body={"data": {"confirmation_code": "q7Rt2ZbK"}})
GONE = Reply(404, {"message": "There is no such thing."})
DONE = Reply()

GET, DELETE = "GET /program", "DELETE /program"


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


# --- reading ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        pytest.param("64", 64, id="text"),
        pytest.param(64, 64, id="integer"),
        pytest.param(-13, -13, id="negative"),
        pytest.param("8.5", Decimal("8.5"), id="text-with-decimals"),
        pytest.param(Decimal("8.5"), Decimal("8.5"), id="decimals"),
        pytest.param("1,830", "1,830", id="text-for-people"),
        pytest.param("8%", "8%", id="per-cent"),
        pytest.param("", "", id="empty"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_a_figure_is_a_number_where_it_is_written_as_one(sent: Any, read: Any) -> None:
    """Counts come as texts or as numbers; what is no number stays as it came."""
    found = ProgramStats(total_partners=sent).total_partners
    assert found == read
    assert type(found) is type(read)


def test_an_affiliate_program_is_grouped(play: Play) -> None:
    """Days are dates, money is text for people by currency, an empty map is a map."""
    answer = data(
        {
            "program": {"public_id": "K7WQHARB", "created_at": "2025-09-12"},
            "stats": {
                "total_partners": "64",
                "total_reward": {"eur": "€1,904.25"},
                "total_revenue": [],
                "net_profit": 23485.75,
            },
            "program_settings": {"cookie_lifetime": "45", "commission_value": "7.5"},
            "portal_settings": [],
        }
    )
    program, _ = play([answer], lambda client: client.program.get())
    assert program.program is not None
    assert program.program.created_at == date(2025, 9, 12)
    assert program.stats is not None
    assert program.stats.total_partners == 64
    assert program.stats.total_reward == {"eur": "€1,904.25"}
    assert program.stats.total_revenue == program.portal_settings == {}
    assert program.stats.net_profit == Decimal("23485.75")
    assert program.program_settings is not None
    assert program.program_settings.cookie_lifetime == 45
    assert program.program_settings.commission_value == Decimal("7.5")
    assert program.created_at is None
    assert program.total_customers is None


def test_a_newsletter_program_is_flat(play: Play) -> None:
    """It has no type and a full time of creation."""
    answer = data(
        {
            "id": "N5LETHRB",
            "total_subscribers": 5120,
            "created_at": "2025-10-08T06:30:41.000000Z",
        }
    )
    program, _ = play([answer], lambda client: client.program.get())
    assert program == Program(
        id="N5LETHRB",
        total_subscribers=5120,
        created_at=datetime(2025, 10, 8, 6, 30, 41, tzinfo=UTC),
    )


def test_changes_are_sent_and_nothing_else(play: Play) -> None:
    """What is left out is not sent, at any depth."""
    _, script = play(
        [Reply(body={"status": 1, "message": "Program saved."})],
        lambda client: client.program.update(
            program_settings={"cookie_lifetime": 45},
            portal_settings={"widget_enabled": False},
        ),
    )
    assert script.seen[0].body == {
        "program_settings": {"cookie_lifetime": 45},
        "portal_settings": {"widget_enabled": False},
    }


def test_old_settings_are_sent_as_they_are(play: Play) -> None:
    """Nothing is known of their names."""
    _, script = play(
        [DONE], lambda client: client.settings.update({"cookie_lifetime": 45})
    )
    assert str(script) == "PUT /settings"
    assert script.seen[0].body == {"settings": {"cookie_lifetime": 45}}


# --- deletion -----------------------------------------------------------------------


async def delete(client: Partnero) -> None:
    await client.program.delete(confirm="K7WQHARB")


def test_a_deletion_is_confirmed_with_the_code(play: Play) -> None:
    """One call: the program is compared, a code asked for, and used."""
    _, script = play([AFFILIATE, CODE, DONE], delete)
    assert str(script) == f"{GET} {DELETE} {DELETE}"
    assert [seen.body for seen in script.seen[1:]] == [
        None,
        {"confirmation_code": "q7Rt2ZbK"},
    ]


def test_a_newsletter_program_is_named_by_its_id(play: Play) -> None:
    """Its public id is at another place."""
    play(
        [NEWSLETTER, CODE, DONE],
        lambda client: client.program.delete(confirm="N5LETHRB"),
    )


@pytest.mark.parametrize(
    ("program", "confirm"),
    [
        pytest.param(REFERRAL, "K7WQHARB", id="another-program"),
        pytest.param(AFFILIATE, "", id="nothing"),
        pytest.param(data({}), "", id="nothing-on-both-sides"),
        pytest.param(AFFILIATE, "k7wqharb", id="case"),
    ],
)
def test_another_program_is_not_deleted(
    play: Play, program: Reply, confirm: str
) -> None:
    """The key decides what is deleted, so the caller says which one is meant."""
    error, script = play(
        [program, CODE],
        raising(lambda client: client.program.delete(confirm=confirm), UsageError),
    )
    assert "this key's program is" in str(error)
    assert str(script) == GET


def test_nothing_is_deleted_without_a_code(play: Play) -> None:
    """An answer without one ends it."""
    _, script = play([AFFILIATE, data({})], raising(delete, UnexpectedBodyError))
    assert str(script) == f"{GET} {DELETE}"


def test_the_first_step_may_be_repeated(play: Play) -> None:
    """It only issues another code."""
    _, script = play([AFFILIATE, LOST, CODE, DONE], delete)
    assert str(script) == f"{GET} {DELETE} {DELETE} {DELETE}"


def test_the_first_step_leaves_time_for_the_second(play: Play) -> None:
    """A code that takes longer than ten seconds to come is not used."""
    error, script = play([AFFILIATE, HANG], raising(delete, DeadlineExceededError))
    assert error.elapsed == pytest.approx(10)
    assert [seen.body for seen in script.seen[1:]] == [None]


def test_the_second_step_stays_inside_the_life_of_its_code(play: Play) -> None:
    """Twenty seconds from the first step, whatever happens in between."""
    slow = Fault(sent=True, after=8)
    never = Fault(sent=False, after=3)
    error, script = play(
        [AFFILIATE, slow, CODE, never, never, never, HANG],
        raising(delete, AmbiguousWriteError),
        seed=1,
    )
    first = script.seen[1].at
    confirmed = [seen.at for seen in script.seen if seen.body]
    assert len(confirmed) > 1
    assert max(confirmed) - first < 20
    assert error.maybe_applied


def test_a_refused_code_deletes_nothing(play: Play) -> None:
    """Expired, or another: the API says so, and it is not tried again."""
    error, script = play(
        [AFFILIATE, CODE, Reply(422, {"message": "The code has expired."})],
        raising(delete, ValidationError),
    )
    assert error.message == "The code has expired."
    assert not error.maybe_applied
    assert len(script.seen) == 3


@pytest.mark.parametrize(
    ("after", "error"),
    [
        pytest.param([GONE], None, id="gone"),
        pytest.param([AFFILIATE], AmbiguousWriteError, id="still-there"),
        pytest.param([Reply(401, {})], AmbiguousWriteError, id="key-is-not-valid"),
    ],
)
def test_the_second_step_is_never_sent_twice(
    play: Play, after: list[Step], error: type[PartneroError] | None
) -> None:
    """A lost answer is looked into: done where the program is gone, else in doubt."""
    use = raising(delete, error) if error else delete
    _, script = play([AFFILIATE, CODE, LOST, *after], use)
    assert [str(seen.method) for seen in script.seen].count("DELETE") == 2
    assert script.seen[-1].method == "GET"


def test_what_was_never_sent_is_sent(play: Play) -> None:
    """No connection: nothing is in doubt, so the code is used while it lives."""
    _, script = play([AFFILIATE, CODE, NOT_SENT, DONE], delete)
    assert str(script) == f"{GET} {DELETE} {DELETE} {DELETE}"


# --- against the sandbox --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["affiliate", "refer_a_friend", "newsletter"])
async def test_a_program_lives(partnero: type[Partnero], kind: str) -> None:
    """It is read, changed where its type can be, and deleted for good."""
    async with (
        Sandbox(programs=[kind]) as sandbox,
        partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        await client.settings.update({"cookie_lifetime": 45})
        program = await client.program.get()
        if kind != "newsletter":
            await client.program.update(name="Friends of ours")
            program = await client.program.get()
            assert program.program is not None
            assert program.program.name == "Friends of ours"
            assert isinstance(await client.program.overview(), ProgramOverview)
        with pytest.raises(UsageError):
            await client.program.delete(confirm="another")
        await client.program.delete(confirm=sandbox.program_id)
        with pytest.raises(AuthenticationError):
            await client.program.get()


async def test_an_address_that_is_none_is_refused(client: Partnero) -> None:
    """The one published refusal has no message, and its reasons by field."""
    with pytest.raises(ValidationError) as caught:
        await client.program.update(website="harborlight")
    assert list(caught.value.fields) == ["website"]
