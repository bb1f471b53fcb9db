"""Referral links of partners."""

from __future__ import annotations

import pytest

from partnero_async import (
    ConflictError,
    NotFoundError,
    Partnero,
    UsageError,
    ValidationError,
)
from partnero_async.models import ReferralLink
from partnero_async.sandbox import Sandbox

from .scripted import LOST, Play, Reply, data, page

LINK = {
    "id": "winter",
    "key": "winter",
    "url": "https://shop.example?aff=winter",
    "default": False,
    "is_additional": False,
    "direct_tracking": False,
    "direct_tracking_redirect": False,
    "direct_tracking_redirect_url": None,
}
TAKEN = Reply(422, {"status": 0, "message": "taken", "errors": {"key": ["taken"]}})
ABSENT = Reply(404, {"message": "No such link."})


async def of_pt1(client: Partnero) -> ReferralLink:
    """Create the link for a partner who is named by id."""
    return await client.partner_links.create("winter", partner={"id": "pt1"})


async def of_ada(client: Partnero) -> ReferralLink:
    """Create the link for a partner who is named by an address."""
    return await client.partner_links.create(
        "winter", partner={"email": "ada@example.com"}
    )


def test_a_link_is_looked_for_among_those_of_its_partner(play: Play) -> None:
    """A link does not say whose it is, but the partner's own list does."""
    link, script = play([LOST, page({**LINK, "key": "win"}, LINK)], of_pt1)
    assert link.url == "https://shop.example?aff=winter"
    assert (
        str(script) == "POST /partner_referral_links GET /partners/pt1/referral_links"
    )
    assert script.seen[1].query == {"limit": "250"}


def test_without_the_partners_id_the_key_is_searched(play: Play) -> None:
    """Only the very key counts: a search may match parts."""
    link, script = play([LOST, data([{**LINK, "key": "winter-2"}]), data(LINK)], of_ada)
    assert link.key == "winter"
    assert str(script) == (
        "POST /partner_referral_links GET /partner_referral_links:search"
        " POST /partner_referral_links"
    )
    assert script.seen[1].query == {"key": "winter"}


def test_a_link_on_another_domain_is_a_conflict(play: Play) -> None:
    """What is there is not what was to be created."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ConflictError) as caught:
            await client.partner_links.create(
                "winter",
                partner={"email": "a@b.example"},
                domain_id=3,
                is_additional=True,
            )
        assert caught.value.key == "winter"

    play([LOST, data([LINK])], use)


def test_a_key_that_is_taken_is_refused(play: Play) -> None:
    """Once, without looking for anything."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ValidationError) as caught:
            await of_pt1(client)
        assert not caught.value.maybe_applied

    assert len(play([TAKEN], use)[1].seen) == 1


def test_the_link_that_is_there_is_returned_when_asked_for(play: Play) -> None:
    """``if_exists="return"`` turns the refusal into the link."""

    async def use(client: Partnero) -> ReferralLink:
        return await client.partner_links.create(
            "winter", partner={"id": "pt1"}, if_exists="return"
        )

    assert play([TAKEN, page(LINK)], use)[0].key == "winter"


def test_the_link_of_another_partner_is_not_returned(play: Play) -> None:
    """It is taken, and not by this partner."""

    async def use(client: Partnero) -> None:
        with pytest.raises(ValidationError):
            await client.partner_links.create(
                "winter", partner={"id": "pt1"}, if_exists="return"
            )

    play([TAKEN, page()], use)


def test_a_renamed_link_is_read_back_under_its_new_name(play: Play) -> None:
    """A success whose body is broken was applied: what is there is the result."""

    async def use(client: Partnero) -> ReferralLink:
        return await client.partner_links.update("winter", key="snow")

    snow = {**LINK, "id": "snow", "key": "snow"}
    link, script = play([Reply(200, b'{"data":'), data(snow)], use)
    assert link.key == "snow"
    assert str(script).endswith("GET /partner_referral_links/snow")


def test_a_rename_that_is_repeated_may_not_find_the_old_name(play: Play) -> None:
    """The first may have renamed it: the error says so."""

    async def use(client: Partnero) -> None:
        with pytest.raises(NotFoundError) as caught:
            await client.partner_links.update("winter", key="snow")
        assert caught.value.maybe_applied

    play([LOST, ABSENT], use)


def test_a_deletion_that_is_repeated_is_done(play: Play) -> None:
    """404 to the second one: the first has deleted it."""

    async def use(client: Partnero) -> None:
        await client.partner_links.delete("winter")

    assert len(play([LOST, ABSENT], use)[1].seen) == 2


def test_a_search_is_one_request_without_pages(play: Play) -> None:
    """Neither limit nor page is known of it."""

    async def use(client: Partnero) -> list[str | None]:
        return [link.key for link in await client.partner_links.search(id="winter")]

    found, script = play([data([LINK])], use)
    assert found == ["winter"]
    assert script.seen[0].query == {"id": "winter"}


def test_the_default_domain_has_no_id(play: Play) -> None:
    """Null is no reason to fail."""

    async def use(client: Partnero) -> list[int | None]:
        return [domain.id async for domain in client.partner_links.domains(limit=10)]

    answer = page(
        {"id": None, "domain": "a.example"}, {"id": 14, "domain": "b.example"}
    )
    assert play([answer], use)[0] == [None, 14]


def test_a_partner_without_an_id_leads_nowhere(play: Play) -> None:
    """The links of ``""`` would be another list."""

    async def use(client: Partnero) -> None:
        with pytest.raises(UsageError):
            await client.partner_links.list("").first()

    play([page()], use)


def test_a_link_is_read_by_its_id(play: Play) -> None:
    """It goes into the path, encoded."""

    async def use(client: Partnero) -> ReferralLink:
        return await client.partner_links.get("winter/2026")

    link, script = play([data({**LINK, "direct_tracking": True})], use)
    assert link.direct_tracking is True
    assert script.seen[0].path == "/partner_referral_links/winter/2026"


async def test_a_link_lives(client: Partnero) -> None:
    """A link is created, found, renamed and deleted."""
    links = client.partner_links
    await client.partners.create(email="ada@example.com", id="pt1", key="ada")
    domains = await links.domains().collect()
    (extra,) = [domain for domain in domains if domain.is_additional]
    await links.create("winter", partner={"id": "pt1"})
    await links.create(
        "shop", partner={"key": "ada"}, domain_id=extra.id, is_additional=True
    )
    keys = {link.key async for link in links.list("pt1")}
    assert keys == {"ada", "winter", "shop"}
    assert (await links.get("shop")).is_additional is True
    assert (await links.update("winter", key="snow")).key == "snow"
    assert [link.key for link in await links.search(key="snow")] == ["snow"]
    await links.delete("snow")
    with pytest.raises(NotFoundError):
        await links.get("snow")


async def test_a_link_whose_answer_was_lost_is_made_once(
    client: Partnero, sandbox: Sandbox
) -> None:
    """It is found among the links of its partner."""
    await client.partners.create(email="ada@example.com", id="pt1", key="ada")
    sandbox.fail_next("partner_links.create", when="after", how="disconnect")
    assert (await of_pt1(client)).key == "winter"
    assert sandbox.requests_by_route["POST /partner_referral_links"] == 1
