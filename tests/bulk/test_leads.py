"""Leads: they have no key, so that what they hold has to tell them apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from partnero_async import AuthenticationError, Pages, Partnero
from partnero_async.bulk import records, there
from partnero_async.bulk.kinds import kind_of
from partnero_async.bulk.records import other_lead
from partnero_async.bulk.referrers import Referrers
from partnero_async.models import Lead
from partnero_async.sandbox import Sandbox
from tests.bulk.both import run_import
from tests.bulk.shop import write_csv
from tests.scripted import async_only

pytestmark = pytest.mark.usefixtures("shop")

HEADER = ("name", "email", "partner.key")


async def test_leads_that_are_there_before(client: Partnero, tmp_path: Path) -> None:
    """Also an older one of the same name counts; one of another partner does not."""
    await client.partners.create(email="p2@example.com", key="p2")
    for name, key in (("Ada", "p1"), ("Eve", "p1"), ("Bob", "p2")):
        email = f"{'b' if name == 'Bob' else 'a'}@example.com"
        await client.leads.create(name=name, email=email, partner={"key": key})
    rows = [("Ada", "A@example.com", "p1"), ("Bob", "b@example.com", "p1")]
    file = write_csv(tmp_path / "l.csv", rows, header=HEADER)
    report = await run_import(client, "leads", file)
    assert (report.done, report.already_there, report.exit_code) == (2, 1, 0)
    assert len(await client.leads.list().collect()) == 4


async def test_a_look_that_is_cut_short_rejects_nothing(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lead of the row may stand on a page that was not read."""
    monkeypatch.setattr(there, "PAGE", 1)
    for name in ("Ada", "Eve", "Zoe"):
        email = "a@example.com"
        await client.leads.create(name=name, email=email, partner={"key": "p1"})
    file = write_csv(
        tmp_path / "l.csv", [("Ada", "a@example.com", "p1")], header=HEADER
    )
    calls = 0
    list_page: Any = vars(Pages)["page"]

    async def fails(self: Pages[Any], number: int) -> Any:
        nonlocal calls
        calls += self.operation == "GET /leads"
        if calls == 3:
            raise AuthenticationError("revoked")
        return await list_page(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Pages, "page", fails)
        cut = await run_import(client, "leads", file)
    assert (cut.rejected, cut.pending, cut.exit_code) == (0, 1, 2)
    report = await run_import(client, "leads", file)
    assert (report.done, report.already_there, report.exit_code) == (1, 1, 0)


async def test_nothing_is_walked_for_an_import_that_is_done(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A file whose rows are all rejected asks for no leads."""
    file = write_csv(tmp_path / "l.csv", [("Ada", "", "p1")], header=HEADER)
    report = await run_import(client, "leads", file)
    assert (report.rejected, report.requests) == (1, 0)
    assert shop.requests_by_route["GET /leads"] == 0


@async_only
async def test_only_leads_since_the_import_began_are_looked_at(
    client: Partnero, shop: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come newest first, so that the look stops at older ones, a day earlier."""
    monkeypatch.setattr(records, "PAGE", 1)
    for name in ("Ada", "Bob", "Cy"):
        email = f"{name}@example.com"
        await client.leads.create(name=name, email=email, partner={"key": "p1"})
    ada = {"name": "Ada", "email": "ada@example.com", "partner": {"key": "p1"}}
    now = datetime.now(UTC)
    for days, pages in ((0, 3), (3, 1)):
        before = shop.requests_by_route["GET /leads"]
        since = (now + timedelta(days=days)).timestamp()
        found = await records.leads(Referrers(client, since), ada)
        assert len(found) == (1 if days == 0 else 0)
        assert shop.requests_by_route["GET /leads"] - before == pages


@async_only
async def test_a_lead_that_shows_nobody(client: Partnero) -> None:
    """What is missing of a lead is not what the row says."""
    row = {"name": "Ada", "email": "a@example.com", "partner": {"key": "p1"}}
    assert await other_lead(Referrers(client), row, Lead()) == ["name", "partner"]
    assert kind_of("leads").names_in(Lead()) == []
