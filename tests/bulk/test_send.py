"""Sending: what each kind of error means for its row, and for the run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from partnero_async import Partnero
from partnero_async.bulk import Report, ResourceName
from partnero_async.bulk.plan import Entry, Plan, RowError
from partnero_async.errors import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    Attempt,
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    DuplicateDetectedError,
    PartneroError,
    RateLimitError,
    ServerError,
    UsageError,
    ValidationError,
    WrongProgramError,
)
from partnero_async.resources.customers import CustomersResource
from partnero_async.resources.transactions import TransactionsResource
from partnero_async.sandbox import Sandbox
from tests.bulk.both import resolve, run_import
from tests.bulk.shop import expected, sale, sales_in, write_csv

pytestmark = pytest.mark.usefixtures("shop")


def failing(
    monkeypatch: pytest.MonkeyPatch, error: PartneroError, *, times: int = 1000
) -> None:
    """Let the next sales fail with *error* before they are sent."""
    create = TransactionsResource.create
    left = [error] * times

    async def fails(self: TransactionsResource, **arguments: Any) -> Any:
        if left:
            raise left.pop()
        return await create(self, **arguments)

    monkeypatch.setattr(TransactionsResource, "create", fails)


async def sell(client: Partnero, folder: Path, *, rows: int = 8) -> Report:
    """Import some sales, one at a time."""
    file = folder / "s.csv"
    if not file.exists():
        write_csv(file, map(sale, range(rows)))
    return await run_import(client, "transactions", file, concurrency=1, settle=0.01)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        pytest.param(
            BadRequestError("no such thing"), "bad_request", "no such thing", id="400"
        ),
        pytest.param(
            ValidationError(
                "wrong", fields={"amount": ["Too", "odd."], "key": ["Bad."]}
            ),
            "validation",
            "amount: Too odd.; key: Bad.",
            id="422",
        ),
        pytest.param(
            UsageError("cannot be sent"), "usage", "cannot be sent", id="never sent"
        ),
    ],
)
async def test_a_refusal_rejects_its_row(
    *,
    client: Partnero,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: PartneroError,
    code: str,
    reason: str,
) -> None:
    """A row that the API refuses is rejected, and the rest goes on."""
    failing(monkeypatch, error, times=1)
    report = await sell(client, tmp_path)
    assert (report.done, report.rejected) == (7, 1)
    assert report.first_rejected[0].code == code
    assert report.first_rejected[0].reason == reason


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(
            AmbiguousWriteError("lost", maybe_applied=True), "in_doubt", id="lost"
        ),
        pytest.param(
            AppliedUnreadableError("broken", maybe_applied=True),
            "in_doubt",
            id="unreadable",
        ),
        pytest.param(
            DuplicateDetectedError("twice", maybe_applied=True), "several", id="twice"
        ),
        pytest.param(ServerError("500", maybe_applied=True), "in_doubt", id="500"),
    ],
)
async def test_what_is_in_doubt_is_parked(
    *,
    client: Partnero,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: PartneroError,
    code: str,
) -> None:
    """A sale that may have been recorded is parked, listed, and never sent again."""
    failing(monkeypatch, error, times=1)
    report = await sell(client, tmp_path)
    assert (report.done, report.parked, report.exit_code) == (7, 1, 3)
    assert report.first_parked[0].code == code
    assert report.first_parked[0].key == "s0"
    again = await sell(client, tmp_path)
    assert (again.parked, again.requests) == (1, 0)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(AuthenticationError("revoked"), id="401"),
        pytest.param(WrongProgramError("a newsletter"), id="wrong program"),
    ],
)
async def test_a_key_that_is_refused_ends_the_run(
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: PartneroError,
) -> None:
    """What no other row can survive ends the run; the row stays to be sent."""
    failing(monkeypatch, error, times=1)
    report = await sell(client, tmp_path)
    assert (report.done, report.pending, report.exit_code) == (0, 8, 2)
    assert report.refused
    assert error.message in report.refused
    assert (await sell(client, tmp_path)).exit_code == 0
    assert sales_in(shop) == expected(range(8))


async def test_a_long_wait_for_the_rate_limit_ends_the_run_for_now(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota is refilled some time: the same import goes on then."""
    failing(monkeypatch, RateLimitError("quota"), times=1)
    report = await sell(client, tmp_path)
    assert (report.pending, report.exit_code, report.refused) == (8, 1, None)
    assert report.unreachable
    assert "quota" in report.unreachable
    assert (await sell(client, tmp_path)).exit_code == 0
    assert sales_in(shop) == expected(range(8))


@pytest.mark.parametrize(
    ("resource", "header"),
    [
        pytest.param("partners", ("email",), id="partners"),
        pytest.param("customers", ("key", "partner.key"), id="customers"),
        pytest.param(
            "transactions", ("key", "customer.key", "amount"), id="transactions"
        ),
    ],
)
async def test_a_key_of_another_type_of_program(
    partnero: type[Partnero],
    tmp_path: Path,
    resource: ResourceName,
    header: Sequence[str],
) -> None:
    """Nothing about a row is wrong, so that each stays to be sent with another key."""
    cells = {"email": "a@example.com", "amount": "1"}
    row = [cells.get(name, "x") for name in header]
    file = write_csv(tmp_path / "f.csv", [row], header=header)
    async with (
        Sandbox(programs=["newsletter"]) as other,
        partnero(other.api_key, base_url=other.url) as client,
    ):
        report = await run_import(client, resource, file)
    assert (report.pending, report.rejected, report.exit_code) == (1, 0, 2)
    assert report.unreachable is None
    assert "newsletter" in (report.refused or "")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionFailedError("refused"), id="refused"),
        pytest.param(ServerError("unavailable"), id="503 before any effect"),
    ],
)
async def test_an_api_that_went_away_ends_the_run(
    client: Partnero,
    shop: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: PartneroError,
) -> None:
    """After five rows without an API the run ends; all of them stay to be sent."""
    failing(monkeypatch, error, times=5)
    report = await sell(client, tmp_path)
    assert (report.done, report.pending, report.exit_code) == (0, 8, 1)
    assert report.unreachable
    assert (await sell(client, tmp_path)).exit_code == 0
    assert sales_in(shop) == expected(range(8))


async def test_a_row_that_was_not_sent_gets_another_round(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short outage costs nothing: the rows go out later in the same run."""
    failing(monkeypatch, ConnectionFailedError("refused"), times=4)
    report = await sell(client, tmp_path)
    assert (report.done, report.exit_code) == (8, 0)
    assert sales_in(shop) == expected(range(8))


async def test_a_row_that_this_version_does_not_take(
    client: Partnero, shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that an older version read in, and this one would not, is rejected."""
    failing(monkeypatch, AuthenticationError("revoked"), times=1)
    await sell(client, tmp_path)

    def stricter(_: Plan, __: Sequence[str]) -> Entry:
        raise RowError("malformed", "stricter")

    with monkeypatch.context() as patch:
        patch.setattr(Plan, "read", stricter)
        report = await sell(client, tmp_path)
    assert (report.rejected, sales_in(shop)) == (8, [])


async def test_an_error_of_no_api_is_raised(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of this package is not hidden in a row."""

    async def broken(_: TransactionsResource, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(TransactionsResource, "create", broken)
    with pytest.raises(ZeroDivisionError):
        await sell(client, tmp_path)


async def test_a_lost_answer_is_looked_up_by_the_client(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A connection that breaks after the effect is no doubt: the sale is found."""
    shop.fail_next("transactions.create", when="after", how="disconnect", times=1)
    report = await sell(client, tmp_path, rows=3)
    assert report.exit_code == 0
    assert sales_in(shop) == expected(range(3))


async def test_an_unreachable_api_while_preparing(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """A survey that fails sends nothing, and is taken again on the next start."""
    shop.fail_next("transactions.list", how=500, times=4)
    report = await sell(client, tmp_path)
    assert (report.pending, report.exit_code) == (8, 1)
    assert report.unreachable
    shop.fail_next("customers.list", how=403, times=1)
    refused = await sell(client, tmp_path)
    assert (refused.pending, refused.exit_code) == (8, 2)
    assert sales_in(shop) == []
    assert (await sell(client, tmp_path)).exit_code == 0


async def test_customers_in_doubt_go_through_again(
    client: Partnero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API keeps customers unique, so one in doubt is sent again by a new start."""
    create = CustomersResource.create
    errors: list[PartneroError] = [ServerError("500", maybe_applied=True)]

    async def fails(self: CustomersResource, key: str, **rest: Any) -> Any:
        made = await create(self, key, **rest)
        if errors:
            raise errors.pop()
        return made

    monkeypatch.setattr(CustomersResource, "create", fails)
    header = ("key", "partner.key")
    file = write_csv(tmp_path / "c.csv", [("n1", "p1"), ("n2", "p1")], header=header)
    report = await run_import(client, "customers", file, concurrency=1)
    assert (report.done, report.parked, report.exit_code) == (1, 1, 3)
    looked = await resolve(client, tmp_path / "c.csv.journal")
    assert (looked.done, looked.exit_code) == (2, 0)
    again = await run_import(client, "customers", file)
    assert again.exit_code == 0


# --- a row that stands in line ------------------------------------------------------


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param("5/s", id="its turn comes"),
        pytest.param("5/min", id="its turn does not come"),
    ],
)
async def test_what_stands_in_line_is_not_sent_once_it_is_to_end(
    shop: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """It does not leave, and was never announced: it is pending, and not in doubt."""
    monkeypatch.setattr("partnero_async.bulk.course.DRAIN", 1.5)
    file = write_csv(tmp_path / "sales.csv", map(sale, range(8)))
    before, stop = shop.requests, asyncio.Event()

    def ended(attempt: Attempt) -> None:
        if attempt.operation.startswith("POST"):
            stop.set()

    async with Partnero(
        shop.api_key, base_url=shop.url, rate_limit=limit, on_attempt=ended
    ) as client:
        options: dict[str, Any] = {"concurrency": 4, "stop": stop}
        report = await run_import(client, "transactions", file, **options)
    # The key check, the lists of customers and of sales, and what is left of the five.
    assert (shop.requests - before, len(sales_in(shop))) == (5, 2)
    assert (report.pending, report.parked, report.exit_code) == (6, 0, 130)


async def test_what_was_refused_for_the_rate_is_pending_when_it_is_to_end(
    shop: Sandbox, tmp_path: Path
) -> None:
    """A row that the API has refused is not in doubt."""
    file = write_csv(tmp_path / "sales.csv", [sale(1)])
    shop.fail_next("transactions.create", how=429)
    stop = asyncio.Event()

    def ended(attempt: Attempt) -> None:
        if attempt.came_back == "429":
            stop.set()

    async with Partnero(shop.api_key, base_url=shop.url, on_attempt=ended) as client:
        report = await run_import(client, "transactions", file, stop=stop)
    assert (report.pending, report.sent, sales_in(shop)) == (1, 0, [])
