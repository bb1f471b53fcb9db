"""The journal's file: who may open it, and what it keeps."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from partnero_async.bulk import JournalError, JournalInUseError, JournalWriteError
from partnero_async.bulk.store import ADD, Mark, Row, Store


def row(number: int, *, customer: str | None = None) -> Row:
    """Make a row that is still to be sent."""
    return Row(
        row=number,
        line=number + 1,
        state="pending",
        key=f"s{number}",
        customer=customer,
        buyer=customer,
        cells=[f"s{number}", "x"],
        code=None,
        reason=None,
        sent_at=None,
    )


def filled(path: Path, *, rows: int = 3) -> Store:
    """Make a journal with rows."""
    store = Store(path, make=True)
    with store.transaction():
        store.add((row(n), n, f"s{n}") for n in range(1, rows + 1))
    return store


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """The cells of a shop's rows are in it."""
    path = tmp_path / "j"
    Store(path, make=True).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    """A power cut takes nothing that a row was sent for: each commit is synced."""
    store = Store(tmp_path / "j", make=True)
    assert store._pragma("synchronous") == 2
    assert store._pragma("journal_mode") == "wal"
    store.close()


def test_it_keeps_rows_and_properties(tmp_path: Path) -> None:
    """What was committed is there when it is opened again."""
    store = filled(tmp_path / "j")
    store.keep(sha256="abc")
    store.mark([Mark(2, "sent", sent_at=5.0), Mark(3, "rejected", "bad", "it is")])
    store.close()
    again = Store(tmp_path / "j", make=False)
    assert again.meta("sha256") == "abc"
    assert again.meta("nothing") is None
    assert [r.row for r in again.walk("pending")] == [1]
    assert again.fetch(("sent",), after=0, limit=9)[0].sent_at == 5.0
    assert next(again.walk("rejected")).reason == "it is"
    assert sorted(again.counts(), key=str) == [
        ("pending", None, 1),
        ("rejected", "bad", 1),
        ("sent", None, 1),
    ]
    again.close()


def test_a_row_that_is_done_drops_its_cells(tmp_path: Path) -> None:
    """Personal data stays no longer than it is needed."""
    store = filled(tmp_path / "j", rows=1)
    store.mark([Mark(1, "sent", sent_at=1.0)])
    assert next(store.walk("sent")).cells == ["s1", "x"]
    store.mark([Mark(1, "done")])
    assert next(store.walk("done")).cells == []
    store.close()


def test_the_later_of_two_marks_counts(tmp_path: Path) -> None:
    """A row that was given back and is sent again is sent."""
    store = filled(tmp_path / "j", rows=1)
    store.mark([Mark(1, "pending"), Mark(1, "sent", sent_at=1.0)])
    assert [r.row for r in store.walk("sent")] == [1]
    store.close()


def test_a_row_is_in_one_of_the_states(tmp_path: Path) -> None:
    """There are no other states than the five."""
    store = filled(tmp_path / "j", rows=1)
    with pytest.raises(JournalError, match="CHECK"):
        store.mark([Mark(1, "lost")])  # type: ignore[arg-type]
    store.close()


def test_a_claim_has_one_row(tmp_path: Path) -> None:
    """A second row of the same key is left out, and the first one is named."""
    store = filled(tmp_path / "j")
    with store.transaction():
        assert store.add([(row(4), 4, "s2"), (row(5), 5, "s5"), (row(6), 6, "s5")]) == 1
    assert store.claimed_by("s2") == 2
    assert store.between(2, 6) == {2, 3, 5}
    assert [r.row for r in store.walk("pending")] == [1, 2, 3, 5]
    store.close()


def test_a_row_comes_back_as_it_was(tmp_path: Path) -> None:
    """Each of its values stands in a column of its own, and nothing is made of None."""
    full = Row(4, 9, "rejected", "k", "key:c", "email:b", ["k", ""], code="bad")
    full = full._replace(reason="it is", field="amount", amount="1.5", units="EUR")
    bare = Row(5, 0, "pending", None, None, None, [])
    store = filled(tmp_path / "j")
    with store.transaction():
        store.add([(full, -4, None), (bare, 5, "s5")])
    assert store.fetch(("rejected", "pending"), after=3, limit=9) == [full, bare]
    assert [*store.digests()][3:] == [(4, -4), (5, 5)]
    assert store.claimed_by("s5") == 5
    store.close()


def test_no_table_is_made_for_a_row(tmp_path: Path) -> None:
    """The check of the state took SQLite as long as writing the row, with a list."""
    store = filled(tmp_path / "j")
    planned = store.select(f"EXPLAIN {ADD}", *[None] * 14).fetchall()
    operations = {operation for _, operation, *_ in planned}
    assert "Insert" in operations
    assert "OpenEphemeral" not in operations
    store.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """What fails in the middle leaves nothing behind."""
    store = filled(tmp_path / "j")

    def fails() -> None:
        with store.transaction():
            store.add([(row(4), 4, "s4")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert [r.row for r in store.walk("pending")] == [1, 2, 3]
    store.close()


def test_what_undid_itself_is_told_for_what_it_was(tmp_path: Path) -> None:
    """Where nothing is left to be rolled back, the first error is the one raised."""
    store = filled(tmp_path / "j")

    def fails() -> None:
        with store.transaction():
            store._sql.execute("ROLLBACK")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    store.close()


def test_two_cannot_have_it_open(tmp_path: Path) -> None:
    """One writer a journal."""
    store = filled(tmp_path / "j")
    with pytest.raises(JournalInUseError, match="another import"):
        Store(tmp_path / "j", make=True)
    store.close()
    Store(tmp_path / "j", make=True).close()


def test_removing_it_leaves_nothing(tmp_path: Path) -> None:
    """A journal under which nothing was sent can go."""
    filled(tmp_path / "j").remove()
    assert list(tmp_path.iterdir()) == []


def sqlite_file(path: Path, *statements: str) -> Path:
    """Make some SQLite file."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Neither a text nor a database of somebody else is touched."""
    text = tmp_path / "t.csv"
    text.write_text("key,amount\n" * 100)
    before = text.read_bytes()
    with pytest.raises(JournalError, match="is no journal of an import"):
        Store(text, make=True)
    assert text.read_bytes() == before
    other = sqlite_file(tmp_path / "o", "CREATE TABLE t (x)")
    with pytest.raises(JournalError, match="no journal of an import"):
        Store(other, make=True)


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    """What a newer version wrote is not guessed at."""
    filled(tmp_path / "j").close()
    sqlite_file(tmp_path / "j", "PRAGMA user_version = 99")
    with pytest.raises(JournalError, match="newer version"):
        Store(tmp_path / "j", make=True)


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        pytest.param("absent", False, "no such journal", id="absent"),
        pytest.param("nowhere/j", True, "No such file", id="no folder"),
        pytest.param("folder", True, "unable to open", id="a folder"),
    ],
)
def test_what_cannot_be_opened(
    tmp_path: Path, name: str, make: bool, reason: str
) -> None:
    """A path that leads nowhere is one line."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(JournalError, match=reason):
        Store(tmp_path / name, make=make)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """What does not fit is undone as a whole; with room again, it fits."""
    store = filled(tmp_path / "j")
    pages = store._pragma("page_count")
    store._pragma(f"max_page_count = {pages}")

    def fill() -> None:
        with store.transaction():
            store.add((row(n), n, f"s{n}") for n in range(4, 2000))

    with pytest.raises(JournalWriteError, match="disk is full"):
        fill()
    assert [r.row for r in store.walk("pending")] == [1, 2, 3]
    store._pragma("max_page_count = 1000000")
    fill()
    store.close()


def test_a_journal_of_an_older_version_is_refused(tmp_path: Path) -> None:
    """What an older version wrote has other columns."""
    filled(tmp_path / "j").close()
    sqlite_file(tmp_path / "j", "PRAGMA user_version = 1")
    with pytest.raises(JournalError, match="older version"):
        Store(tmp_path / "j", make=True)


def test_a_journal_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    """Wherever its end is: rows on half a page would be in no state at all."""
    filled(tmp_path / "whole", rows=400).close()
    whole, path = (tmp_path / "whole").read_bytes(), tmp_path / "j"
    for size in range(1, len(whole), 499):
        path.write_bytes(whole[:size])
        with pytest.raises(JournalError):
            Store(path, make=False).close()
