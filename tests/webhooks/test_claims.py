"""Stores of claims: each kind keeps the same promises."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from partnero_async.webhooks import (
    Claim,
    Claims,
    MemoryClaims,
    RedisClaims,
    SQLiteClaims,
    Taken,
)

from .conftest import Clock, Make

LEASE = timedelta(minutes=1)
SHORT = timedelta(seconds=30)
KEEP = timedelta(hours=72)


def claimed(store: Claims, event: str = "e", lease: timedelta = LEASE) -> Claim:
    """Claim an event that is free."""
    claim = store.claim(event, lease=lease)
    assert isinstance(claim, Claim)
    assert claim.event_id == event
    return claim


def pass_by(store: Claims, clock: Clock, span: timedelta) -> None:
    """Let a span pass: on the clock, and for the keys of a server."""
    clock.now += span.total_seconds()
    if not isinstance(store, RedisClaims):
        return
    server = cast("redis.Redis", store._server)
    for key in server.scan_iter():
        left = timedelta(milliseconds=server.pttl(key)) - span
        if left <= timedelta():
            server.delete(key)
        else:
            server.pexpire(key, left)


def test_one_claim_at_a_time(make: Make) -> None:
    """Also through another store; other events are not touched."""
    claim = claimed(make())
    assert make().claim("e", lease=LEASE) is Taken.BUSY
    claimed(make(), "f")
    assert make().done(claim, keep=KEEP)
    assert make().claim("e", lease=LEASE) is Taken.DONE


def test_a_claim_that_is_given_back(make: Make) -> None:
    """It can be taken at once, and given back once."""
    claim = claimed(make())
    assert make().release(claim)
    assert not make().release(claim)
    claimed(make())


def test_a_claim_runs_out(make: Make, clock: Clock) -> None:
    """Whoever had it and comes late takes nothing away from the next."""
    store = make()
    stale = claimed(store, lease=SHORT)
    pass_by(store, clock, SHORT)
    claim = claimed(store)
    assert not store.release(stale)
    assert not store.done(stale, keep=KEEP)
    assert store.claim("e", lease=LEASE) is Taken.BUSY
    assert store.done(claim, keep=KEEP)
    assert not store.done(stale, keep=KEEP)
    assert not store.release(stale)
    assert not store.release(claim)
    assert store.claim("e", lease=LEASE) is Taken.DONE


def test_done_after_a_lease_that_nobody_else_took(make: Make, clock: Clock) -> None:
    """It was handled, so that it is remembered."""
    store = make()
    stale = claimed(store, lease=SHORT)
    pass_by(store, clock, SHORT)
    assert store.done(stale, keep=KEEP)
    assert store.claim("e", lease=LEASE) is Taken.DONE


def test_what_was_handled_is_forgotten(make: Make, clock: Clock) -> None:
    """When its time to be kept is over."""
    store = make()
    assert store.done(claimed(store), keep=SHORT)
    assert store.claim("e", lease=LEASE) is Taken.DONE
    pass_by(store, clock, SHORT)
    claimed(store)


def test_many_threads(make: Make) -> None:
    """One of those that claim at once gets it."""
    stores = [make() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for number in range(25):
            found = list(
                pool.map(lambda s, n=number: s.claim(f"e{n}", lease=LEASE), stores)
            )
            assert sum(isinstance(each, Claim) for each in found) == 1
            assert found.count(Taken.BUSY) == 7


@pytest.mark.parametrize("kind", [MemoryClaims, SQLiteClaims])
def test_what_has_run_out_is_cleaned_up(kind: type, tmp_path: Path) -> None:
    """By the claims themselves, now and then."""
    clock = Clock(0.0)
    path = tmp_path / "claims.db"
    store: Any = kind(*([path] if kind is SQLiteClaims else []), clock=clock)

    def held() -> int:
        if kind is MemoryClaims:
            return len(store._held)
        with sqlite3.connect(path) as sql:
            count: int = sql.execute("SELECT count(*) FROM claims").fetchone()[0]
        sql.close()
        return count

    for number in range(10):
        claim = claimed(store, f"e{number}")
        assert number % 2 or store.done(claim, keep=KEEP)
    clock.now += 59
    claimed(store, "early")
    assert held() == 11
    clock.now += 2
    claimed(store, "later")
    assert held() == 7
    clock.now += KEEP.total_seconds()
    claimed(store, "last")
    assert held() == 1
    if kind is SQLiteClaims:
        store.close()


# --- SQLite ----------------------------------------------------------------------


def test_a_file_that_outlives_the_process(tmp_path: Path) -> None:
    """A restart forgets nothing; a closed store opens again."""
    path = tmp_path / "claims.db"
    store = SQLiteClaims(str(path))
    assert store.path == path
    assert store.done(claimed(store), keep=KEEP)
    claimed(store, "f")
    store.close()
    for again in (store, SQLiteClaims(path)):
        assert again.claim("e", lease=LEASE) is Taken.DONE
        assert again.claim("f", lease=LEASE) is Taken.BUSY
        again.close()


def test_a_connection_is_used_again(tmp_path: Path) -> None:
    """One serves all claims of a process, until the store is closed."""
    store = SQLiteClaims(tmp_path / "claims.db")
    claimed(store)
    first = store._file._sql
    claimed(store, "f")
    assert first is store._file._sql is not None
    store.close()
    store.close()
    assert store._file._sql is None


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """SQLite says so, and nothing is left open."""
    path = tmp_path / "claims.db"
    path.write_bytes(b"not a database" * 100)
    store = SQLiteClaims(path)
    with pytest.raises(sqlite3.DatabaseError):
        store.claim("e", lease=LEASE)
    assert store._file._sql is None


def test_a_claim_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The transaction is undone, and the next claim works."""

    def broken() -> float:
        return float("nan")

    store = SQLiteClaims(tmp_path / "claims.db", clock=broken)
    with pytest.raises(sqlite3.IntegrityError):
        store.claim("e", lease=LEASE)
    store._clock = time.time
    claimed(store)
    store.close()


def test_a_connection_that_opens_takes_no_locks_away(tmp_path: Path) -> None:
    """POSIX drops those of a process when it closes any descriptor of the file."""
    one, two = (SQLiteClaims(tmp_path / "claims.db") for _ in range(2))
    claimed(one)
    opener = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0)"
    alone = "PRAGMA journal_mode = DELETE"  # for whoever has the file for itself
    tried = [
        *(sys.executable, "-c", f"{opener}.execute('{alone}')"),
        str(one.path),
    ]
    two._file._opened().close()
    found = subprocess.run(tried, capture_output=True, text=True, check=False)
    assert "database is locked" in found.stderr
    one.close()


def test_a_file_that_others_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for, and not for ever."""
    store, other = (SQLiteClaims(tmp_path / "claims.db") for _ in range(2))
    claimed(store)
    with ThreadPoolExecutor(1) as pool:
        with other._writing():
            waiting = pool.submit(claimed, store, "f")
            assert not wait([waiting], timeout=0.05).done
        assert isinstance(waiting.result(), Claim)
    monkeypatch.setattr("partnero_async.webhooks.sqlite_claims.PATIENCE", 0.0)
    with other._writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        store.claim("g", lease=LEASE)
    assert store.release(claimed(store, "g"))
    store.close()
    other.close()


def test_a_lease_begins_when_the_file_was_waited_for(
    tmp_path: Path, clock: Clock
) -> None:
    """Whoever has waited has the event for as long as whoever has not."""
    store, other = (SQLiteClaims(tmp_path / "claims.db", clock=clock) for _ in range(2))
    claimed(other, "f")
    with ThreadPoolExecutor(1) as pool:
        with other._writing():
            waiting = pool.submit(claimed, store)
            assert not wait([waiting], timeout=0.05).done
            clock.now += LEASE.total_seconds()
        claim = waiting.result()
    assert other.claim("e", lease=LEASE) is Taken.BUSY
    assert store.done(claim, keep=KEEP)
    store.close()
    other.close()


def claim_in_a_child(path: Path, count: int) -> list[str]:
    """Claim events in a process of its own."""
    store = SQLiteClaims(path)
    got = [
        f"e{number}"
        for number in range(count)
        if isinstance(store.claim(f"e{number}", lease=LEASE), Claim)
    ]
    store.close()
    return got


def test_processes_share_a_file(tmp_path: Path) -> None:
    """Each event is claimed by one of them, whoever makes the file."""
    spawned = multiprocessing.get_context("spawn")
    with spawned.Pool(3) as pool:
        work = partial(claim_in_a_child, count=60)
        found = pool.map(work, [tmp_path / "claims.db"] * 3, chunksize=1)
        pool.close()
        pool.join()
    claimed_once = sorted(chain.from_iterable(found))
    assert claimed_once == sorted(f"e{number}" for number in range(60))


def in_a_fork(work: Callable[[], bool]) -> int:
    """Run in a forked child; return its exit code."""
    pid = os.fork()
    if pid == 0:  # pragma: no cover - it ends without a word
        code = 9
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_store_that_was_forked(tmp_path: Path) -> None:
    """A child opens the file anew, and leaves its parent's connections alone."""
    store = SQLiteClaims(tmp_path / "claims.db")
    claim = claimed(store)

    def child() -> bool:
        busy = store.claim("e", lease=LEASE) is Taken.BUSY
        mine = isinstance(store.claim("f", lease=LEASE), Claim)
        return busy and mine and len(store._inherited) == 1

    assert in_a_fork(child) == 0
    assert store.claim("f", lease=LEASE) is Taken.BUSY
    assert store.done(claim, keep=KEEP)
    store.close()


def test_another_process_opens_the_file_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although a thread of its parent has the lock for ever there."""
    store = SQLiteClaims(tmp_path / "claims.db")
    claimed(store)
    forked = store._file
    with forked._lock:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert store.claim("e", lease=LEASE) is Taken.BUSY
    assert store._inherited == [forked]
    store.close()
    forked.close()


# --- Redis and Valkey ------------------------------------------------------------


@pytest.mark.parametrize("decode", [False, True], ids=["bytes", "texts"])
def test_a_client_that_decodes(valkey: redis.Redis, *, decode: bool) -> None:
    """Both kinds of answers are understood; keys have a prefix, and an end."""
    valkey.flushall()
    path = valkey.connection_pool.connection_kwargs["path"]
    client = redis.Redis(unix_socket_path=path, decode_responses=decode)
    store = RedisClaims(client, prefix="shop:")
    claim = claimed(store)
    assert store.claim("e", lease=LEASE) is Taken.BUSY
    assert 0 < valkey.pttl("shop:e") <= 60_000
    assert store.done(claim, keep=KEEP)
    assert store.claim("e", lease=LEASE) is Taken.DONE
    assert 60_000 < valkey.pttl("shop:e") <= 72 * 3_600_000
    client.close()


def test_the_client_of_valkey(valkey: redis.Redis) -> None:
    """It has the same methods, and is used as it is."""
    import valkey as valkey_py  # noqa: PLC0415 - the name is the fixture's

    path = valkey.connection_pool.connection_kwargs["path"]
    client = valkey_py.Valkey(unix_socket_path=path)
    store = RedisClaims(client)
    claim = claimed(store, "by-valkey")
    assert store.done(claim, keep=KEEP)
    assert store.claim("by-valkey", lease=LEASE) is Taken.DONE
    client.close()  # type: ignore[no-untyped-call]


class Forgetful(redis.UnixDomainSocketConnection):
    """A connection that breaks when one more answer has come."""

    breaks = False

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Lose an answer, and the connection with it."""
        answer = super().read_response(*args, **options)
        if Forgetful.breaks:
            Forgetful.breaks = False
            self.disconnect()  # type: ignore[no-untyped-call]
            raise redis.ConnectionError("the answer was lost")
        return answer


def test_a_claim_whose_answer_was_lost(valkey: redis.Redis) -> None:
    """The client asks again by itself, and is not told that it came too late."""
    valkey.flushall()
    pool = redis.ConnectionPool(
        connection_class=Forgetful,
        path=valkey.connection_pool.connection_kwargs["path"],
        retry=Retry(NoBackoff(), 1),
    )
    with redis.Redis(connection_pool=pool) as client:
        client.ping()
        Forgetful.breaks = True
        claim = claimed(RedisClaims(client))
        assert not Forgetful.breaks
    store = RedisClaims(valkey)
    assert store.claim("e", lease=LEASE) is Taken.BUSY
    assert store.done(claim, keep=KEEP)


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """The client's own error says so."""
    path = str(tmp_path / "nowhere")
    client = redis.Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.ConnectionError):
        RedisClaims(client).claim("e", lease=LEASE)
    client.close()
