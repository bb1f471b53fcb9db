"""The journal as tasks use it: intent first, commits for all."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from partnero_async.bulk import JournalError, JournalInUseError, JournalWriteError
from partnero_async.bulk.journal import Journal
from partnero_async.bulk.store import Mark, Store
from tests.bulk.test_store import filled
from tests.held import Held


def states(path: Path) -> dict[int, str]:
    """Read the states of a journal that is closed."""
    store = Store(path, make=False)
    found: dict[int, str] = {
        row.row: row.state
        for row in store.walk("pending", "sent", "done", "rejected", "parked")
    }
    store.close()
    return found


async def test_many_intents_share_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are about to be sent at the same time wait for one sync."""
    filled(tmp_path / "j", rows=50).close()
    commits: list[int] = []
    mark = Store.mark

    def counted(self: Store, marks: Iterable[Mark]) -> None:
        given = list(marks)
        commits.append(len(given))
        mark(self, given)

    monkeypatch.setattr(Store, "mark", counted)
    async with Journal(tmp_path / "j") as journal:
        blocked = asyncio.ensure_future(journal.do(_slowly))
        await asyncio.sleep(0)
        await asyncio.gather(blocked, *(journal.sent(row) for row in range(1, 51)))
    assert commits == [50]
    assert set(states(tmp_path / "j").values()) == {"sent"}


def _slowly(store: Store) -> None:
    time.sleep(0.05)
    assert store.meta("x") is None


async def test_outcomes_ride_on_the_next_commit(tmp_path: Path) -> None:
    """What came of a row is written with the next intent, or with a flush."""
    filled(tmp_path / "j", rows=3).close()
    async with Journal(tmp_path / "j") as journal:
        await journal.sent(1)
        journal.settled(1, "done")
        before = await journal.do(lambda store: list(store.walk("sent")))
        await journal.sent(2)
        after = await journal.do(lambda store: list(store.walk("done")))
        journal.settled(2, "rejected", code="bad", reason="it is")
        await journal.flush()
        flushed = await journal.do(lambda store: list(store.walk("rejected")))
    assert before == []
    assert [row.row for row in after] == [1]
    assert [row.code for row in flushed] == ["bad"]


async def test_closing_writes_down_what_waits(tmp_path: Path) -> None:
    """No outcome is lost in an orderly end."""
    filled(tmp_path / "j", rows=1).close()
    async with Journal(tmp_path / "j") as journal:
        journal.settled(1, "done")
    assert states(tmp_path / "j") == {1: "done"}


async def test_whoever_was_cancelled_disturbs_nobody(tmp_path: Path) -> None:
    """A commit that nobody waits for any more is still a commit."""
    filled(tmp_path / "j", rows=2).close()
    async with Journal(tmp_path / "j") as journal:
        gone, stays = journal.sent(1), journal.sent(2)
        gone.cancel()
        await stays
    assert states(tmp_path / "j") == {1: "sent", 2: "sent"}


async def test_cancelled_while_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stays open: the next one has the file."""
    filled(tmp_path / "j", rows=1).close()
    held = Held()
    monkeypatch.setattr(Store, "__init__", held.before(Store.__init__))
    await held.while_cancelled(Journal(tmp_path / "j").__aenter__())
    monkeypatch.undo()
    async with Journal(tmp_path / "j") as journal:
        await journal.sent(1)
    assert states(tmp_path / "j") == {1: "sent"}


async def test_a_commit_that_fails_is_raised_where_it_is_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk nothing is sent, since the intent is not written down."""
    filled(tmp_path / "j", rows=2).close()

    def full(_: Store, __: Iterable[Mark]) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr(Store, "mark", full)
    async with Journal(tmp_path / "j") as journal:
        with pytest.raises(JournalError, match="full"):
            await journal.sent(1)
        with pytest.raises(ZeroDivisionError):
            await journal.do(lambda _: 1 // 0)


async def test_what_cannot_be_opened_is_raised(tmp_path: Path) -> None:
    """Opening fails before anything else happens."""
    with pytest.raises(JournalError, match="no such journal"):
        async with Journal(tmp_path / "j", make=False):
            pytest.fail("it is not there")


async def test_jobs_that_come_with_the_end_are_done(tmp_path: Path) -> None:
    """Jobs that are queued when it closes are done first."""
    filled(tmp_path / "j", rows=2).close()
    async with Journal(tmp_path / "j") as journal:
        slow = asyncio.ensure_future(journal.do(_slowly))
        await asyncio.sleep(0)
        sent = journal.sent(1)
    assert states(tmp_path / "j")[1] == "sent"
    await asyncio.gather(slow, sent)


async def test_an_outcome_that_could_not_be_written_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may have room by then; an intent that failed stays undone."""
    filled(tmp_path / "j", rows=3).close()
    mark, fails = Store.mark, [2]

    def full(self: Store, marks: Iterable[Mark]) -> None:
        if fails[0]:
            fails[0] -= 1
            raise JournalWriteError("the disk is full")
        mark(self, marks)

    monkeypatch.setattr(Store, "mark", full)
    async with Journal(tmp_path / "j") as journal:
        journal.settled(1, "rejected", code="bad", field="amount")
        for row in (2, 3):
            with pytest.raises(JournalWriteError):
                await journal.sent(row)
        journal.settled(1, "done")
    assert states(tmp_path / "j") == {1: "done", 2: "pending", 3: "pending"}


async def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """What a killed import has left locked is not: the next one opens it."""
    filled(tmp_path / "j", rows=2).close()
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, tmp_path / "j"), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(JournalInUseError):
        async with Journal(tmp_path / "j"):
            pytest.fail("somebody else has it")
    holder.kill()
    await holder.wait()
    async with Journal(tmp_path / "j") as journal:
        assert await journal.do(lambda store: len(list(store.walk("sent")))) == 1


HOLD = """\
import sys, time
from pathlib import Path
from partnero_async.bulk.store import Mark, Store
store = Store(Path(sys.argv[1]), make=False)
store.mark([Mark(1, "sent", sent_at=1.0)])
print("held", flush=True)
time.sleep(60)
"""
