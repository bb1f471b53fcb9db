"""What blocks is tested here; what an import does is tested with `partnero_async`."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import partnero_async
import partnero_async.bulk
from partnero_async.bulk import course
from partnero_async.sandbox import Sandbox
from partnero_sync import ClientClosedError, NoAnswerError, Partnero, UsageError, bulk
from partnero_sync._trip import Trip
from partnero_sync.bulk import (
    Exported,
    JournalError,
    Progress,
    Report,
    SourceError,
    export,
    resolve,
    run_import,
)
from tests.bulk.shop import expected, sale, sales_in, write_csv
from tests.sync.interrupt import interrupted_when


@pytest.fixture(autouse=True)
def shop(client: Partnero, sandbox: Sandbox) -> Sandbox:
    """Return a program with a partner and a customer."""
    client.partners.create(email="p1@example.com", key="p1")
    client.customers.create("c1", partner={"key": "p1"})
    return sandbox


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a file of sixty sales."""
    return write_csv(tmp_path / "s.csv", map(sale, range(60)))


def sell(client: Partnero, file: Path, **options: Any) -> Report:
    return run_import(client, "transactions", file, settle=0.05, **options)


def watched(shop: Sandbox, do: Callable[[], object]) -> Callable[[], None]:
    """Return what waits for ten sales to arrive, and then does something."""
    tenth = threading.Event()

    def latency() -> float:
        if len(sales_in(shop)) >= 10:
            tenth.set()
        return 0.02

    shop.latency = latency

    def watch() -> None:
        assert tenth.wait(10)
        do()

    return watch


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in partnero_async.bulk.__all__
        if inspect.isfunction(getattr(bulk, name))
        and getattr(bulk, name) is not getattr(partnero_async.bulk, name)
    ],
)
def test_signature_is_that_of_the_original(name: str) -> None:
    """Same parameters, same defaults; and a docstring."""
    ours = inspect.signature(getattr(bulk, name)).parameters
    theirs = inspect.signature(getattr(partnero_async.bulk, name)).parameters
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in theirs.values()
    ]
    assert getattr(bulk, name).__doc__


def test_rows_are_walked_in_the_callers_thread(
    client: Partnero, shop: Sandbox, tmp_path: Path
) -> None:
    """What an iterable is made of, such as a cursor, may belong to its thread."""
    threads: set[int] = set()

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(60):
            threads.add(threading.get_ident())
            amount = f"{number}.25"
            yield {"key": f"s{number}", "customer.key": "c1", "amount": amount}

    report = run_import(client, "transactions", rows(), journal=tmp_path / "j")
    assert (report.done, threads) == (60, {threading.get_ident()})
    assert sales_in(shop) == expected(range(60))


def test_rows_without_a_journal_are_not_walked(client: Partnero) -> None:
    """What is wrong beforehand is said before a row is used up."""
    rows = iter([{"key": "s1"}])
    with pytest.raises(JournalError, match="--journal"):
        run_import(client, "transactions", rows)
    assert len(list(rows)) == 1


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(
            lambda client, rows: run_import(client, "transactions", rows, journal="j"),
            id="run_import",
        ),
        pytest.param(
            lambda client, rows: bulk.plan_import(client, "transactions", rows),
            id="plan_import",
        ),
        pytest.param(bulk.reconcile, id="reconcile"),
        pytest.param(lambda client, _: resolve(client, "j"), id="resolve"),
        pytest.param(lambda client, _: bulk.resume(client, "j"), id="resume"),
        pytest.param(
            lambda client, _: bulk.retry_rejects(client, "j"), id="retry_rejects"
        ),
    ],
)
def test_client_of_the_other_package_is_refused(
    begin: Callable[[Any, Iterator[dict[str, str]]], object],
) -> None:
    """By what it is, and before a row is used up."""
    rows = iter([{"key": "s1"}])
    with pytest.raises(UsageError, match=r"partnero_async\.client\.Partnero: give a"):
        begin(partnero_async.Partnero("key"), rows)
    assert len(list(rows)) == 1


def test_export_takes_a_list_of_the_api(tmp_path: Path) -> None:
    """And of a client of this package."""
    listed: list[Any] = [["c1"], partnero_async.Partnero("key").customers.list()]
    for pages in listed:
        with pytest.raises(UsageError, match=r"client\.customers\.list\(\)"):
            export(pages, tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_file_of_sales(client: Partnero, shop: Sandbox, file: Path) -> None:
    """Each row becomes one sale, and what is in doubt afterwards is nothing."""
    assert (sell(client, file).done, sell(client, file).requests) == (60, 0)
    assert sales_in(shop) == expected(range(60))
    assert resolve(client, f"{file}.journal").done == 60
    assert bulk.status(f"{file}.journal").done == 60


def test_progress_is_told_in_the_callers_thread(
    client: Partnero, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A progress bar, or Django's ORM, is not at home on a loop's thread."""
    monkeypatch.setattr(course, "TICK", 0.0001)
    seen: list[tuple[Progress, bool]] = []

    def watch(progress: Progress) -> None:
        here = threading.current_thread() is threading.main_thread()
        seen.append((progress, here))
        client.account.test()  # slower than it is told, so that some is left out

    sell(client, file, on_progress=watch)
    assert all(here for _, here in seen)
    assert len({id(progress) for progress, _ in seen}) == len(seen) > 1
    assert seen[-1][0].done == 60


def test_stop_ends_it_in_order(client: Partnero, shop: Sandbox, file: Path) -> None:
    """An event of threads does here what one of asyncio does there."""
    stop = threading.Event()
    watcher = threading.Thread(target=watched(shop, stop.set))
    watcher.start()
    report = sell(client, file, stop=stop, concurrency=2)
    watcher.join()
    assert report.interrupted
    assert report.done == len(sales_in(shop)) < 60
    assert report.sent == 0
    shop.latency = 0.0
    assert sell(client, file).exit_code == 0
    assert sales_in(shop) == expected(range(60))


def test_interrupted_it_ends_in_order(
    client: Partnero, shop: Sandbox, file: Path
) -> None:
    """What was under way is final in the journal before Ctrl-C reaches the caller."""
    with interrupted_when(watched(shop, lambda: None)):
        sell(client, file, concurrency=2)
    arrived = len(sales_in(shop))
    assert 10 <= arrived < 60
    shop.latency = 0.0
    report = sell(client, file)
    # A look at customers and sales; none was in doubt, and had to be looked up.
    assert (report.done, report.requests) == (60, 2 + 60 - arrived)
    assert sales_in(shop) == expected(range(60))


def test_interrupted_twice_it_ends_at_once(
    client: Partnero, shop: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was under way is in doubt then, and looked up the next time."""
    draining, joined = threading.Event(), Trip.join

    def join(trip: Trip[Report], timeout: float = -1) -> bool:
        draining.set()
        return joined(trip, timeout)

    def watch(_: Progress) -> None:
        if sales_in(shop):
            monkeypatch.setattr(Trip, "join", join)
            raise KeyError  # the first one

    monkeypatch.setattr(course, "DRAIN", 60)
    shop.answer_latency = lambda: 90 if sales_in(shop) else 0
    with interrupted_when(lambda: draining.wait(10)):
        sell(client, file, concurrency=2, on_progress=watch)
    shop.answer_latency = 0.0
    assert sell(client, file).exit_code == 0
    assert sales_in(shop) == expected(range(60))


def test_watcher_that_raises_ends_it_in_order(
    client: Partnero, shop: Sandbox, file: Path
) -> None:
    """Its error is the caller's, and the import can go on."""

    def watch(_: Progress) -> None:
        raise KeyError("the bar broke")

    with pytest.raises(KeyError, match="the bar broke"):
        sell(client, file, on_progress=watch)
    assert sell(client, file).done == 60
    assert sales_in(shop) == expected(range(60))


def test_what_stops_it_is_raised(client: Partnero, file: Path) -> None:
    """Files that are not there, and clients that cannot be used."""
    with pytest.raises(SourceError):
        sell(client, file.with_name("missing.csv"))
    client.close()
    with pytest.raises(ClientClosedError):
        sell(client, file)


def test_import_that_close_has_cut_may_have_sent_rows(
    client: Partnero, shop: Sandbox, file: Path
) -> None:
    """None of its rows stands for it: what came of each is in the journal."""
    watcher = threading.Thread(target=watched(shop, client.close))
    watcher.start()
    with pytest.raises(NoAnswerError, match="closed during this import") as caught:
        sell(client, file, concurrency=2)
    watcher.join()
    assert type(caught.value) is NoAnswerError
    assert caught.value.maybe_applied
    shop.latency = 0.0
    with Partnero(shop.api_key, base_url=shop.url) as again:
        report = sell(again, file)
    # One that was on its way at that moment may have got lost there.
    assert report.done + report.parked == 60
    assert len(sales_in(shop)) == report.done


def test_stream_of_rows_that_close_has_cut_may_have_sent_some(
    client: Partnero, shop: Sandbox, file: Path
) -> None:
    """As a whole import."""
    walk = bulk.run(client.transactions.create, file, concurrency=2)
    watcher = threading.Thread(target=watched(shop, client.close))
    watcher.start()
    with pytest.raises(NoAnswerError, match="closed during this import") as caught:
        list(walk)
    watcher.join()
    assert caught.value.maybe_applied


def test_plan_that_close_has_cut_has_sent_nothing(
    client: Partnero, shop: Sandbox, file: Path
) -> None:
    """It only reads."""
    asked = threading.Event()

    def latency() -> float:
        asked.set()
        return 30.0

    def close() -> None:
        assert asked.wait(10)
        client.close()

    shop.latency = latency
    watcher = threading.Thread(target=close)
    watcher.start()
    with pytest.raises(ClientClosedError) as caught:
        bulk.plan_import(client, "transactions", file)
    watcher.join()
    assert not caught.value.maybe_applied


async def test_in_a_running_loop_it_warns(client: Partnero, file: Path) -> None:
    """It blocks that loop, for as long as an import takes."""
    with pytest.warns(RuntimeWarning, match="blocks the running event l") as warned:
        assert sell(client, file).done == 60
    assert [warning.filename for warning in warned] == [__file__]


async def test_in_a_running_loop_it_warns_before_a_row_is_sent(
    client: Partnero, shop: Sandbox, file: Path, tmp_path: Path
) -> None:
    """Where the warning is an error, nothing has been done when it is raised."""
    for use in (
        lambda: sell(client, file),
        lambda: list(bulk.run(client.transactions.create, file)),
        lambda: bulk.reconcile(client, file),
        lambda: export(client.transactions.list(), tmp_path / "out.csv"),
    ):
        before = shop.requests
        with pytest.raises(RuntimeWarning):
            use()
        assert shop.requests == before


async def test_in_a_running_loop_it_can_be_an_error(
    sandbox: Sandbox, file: Path
) -> None:
    """As any call is."""
    with (
        Partnero(
            sandbox.api_key, base_url=sandbox.url, on_running_loop="raise"
        ) as client,
        pytest.raises(UsageError, match="use partnero_async"),
    ):
        sell(client, file)


def test_export_is_told_of_in_the_callers_thread(
    client: Partnero, file: Path, tmp_path: Path
) -> None:
    """And an error there ends it in order: the same call goes on at once."""
    sell(client, file)
    told: list[int] = []

    def watch(done: Exported) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append(done.rows)
        if done.rows == 20:
            raise KeyError("the bar broke")

    pages, target = client.transactions.list(limit=10), tmp_path / "out.csv"
    with pytest.raises(KeyError, match="the bar broke"):
        export(pages, target, on_progress=watch)
    assert told == [10, 20]
    done = export(pages, target)
    assert (done.rows, done.resumed) == (60, 20)


def test_export_is_interrupted(
    client: Partnero, shop: Sandbox, file: Path, tmp_path: Path
) -> None:
    """Ctrl-C ends it in order, and the same call goes on at once."""
    sell(client, file)
    pages, target = client.transactions.list(limit=10), tmp_path / "out.csv"
    asked = threading.Event()

    def latency() -> float:
        if shop.requests_by_route["GET /transactions"] > 5:
            asked.set()
            return 30.0
        return 0.0

    export(pages, target)
    target.unlink()
    shop.latency = latency
    with interrupted_when(lambda: asked.wait(10)):
        export(pages, target)
    assert not target.exists()
    shop.latency = 0.0
    assert export(pages, target).rows == 60


def test_comparing_that_is_given_up_is_cancelled(
    client: Partnero, tmp_path: Path
) -> None:
    """What the caller's function raises comes back, and nothing goes on behind it."""
    file = write_csv(tmp_path / "t.csv", map(sale, range(600)))

    def full(what: str, count: int) -> None:
        raise InterruptedError(f"{count} {what}")

    with pytest.raises(InterruptedError, match="500 rows read"):
        bulk.reconcile(client, file, on_progress=full)
    assert client.account.test() is not None
