import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async.sandbox import Effect, Sandbox, read_ledger
from partnero_async.sandbox.state import State


async def test_everything_survives_a_restart(serve: Any, tmp_path: Path) -> None:
    """Objects, ledger, program and key are the same with the same file."""
    db = tmp_path / "sandbox.db"
    first, api = await serve(db=db)
    await api("POST", "/partners", {"email": "a@example.com", "id": "p"})
    await api(
        "POST",
        "/transactions",
        {"key": "t", "amount": "1.10", "customer": {"key": "c"}},
    )
    identity = (first.api_key, first.program_id, first.ledger)
    await first.close()
    second, api = await serve(db=db)
    assert (second.api_key, second.program_id, second.ledger) == identity
    assert (await api("GET", "/partners/p"))[0] == 200
    assert second.ledger == (
        Effect(1, "partners.create", "p", None),
        Effect(2, "transactions.create", "t", Decimal("1.1")),
    )
    assert read_ledger(db) == second.ledger


async def test_ledger_forgets_nothing(api: Any, sandbox: Any) -> None:
    """Deletions are added, nothing is taken away."""
    await api("DELETE", "/customers/c1")
    await api("DELETE", "/partners/pt1")
    assert [effect[:3] for effect in sandbox.ledger] == [
        (1, "partners.create", "pt1"),
        (2, "customers.create", "c1"),
        (3, "customers.delete", "c1"),
        (4, "partners.delete", "pt1"),
    ]


@pytest.mark.parametrize("key", ["chosen-by-me-123456", None])
async def test_no_key_is_stored(serve: Any, tmp_path: Path, key: str | None) -> None:
    """The file has a digest and the first characters only."""
    db = tmp_path / "sandbox.db"
    sandbox, _ = await serve(db=db, api_key=key)
    used = sandbox.api_key
    await sandbox.close()
    assert used.encode() not in db.read_bytes()
    with sqlite3.connect(db) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM settings")}
    connection.close()
    assert names == {
        "program_id",
        "program_type",
        "created_at",
        "api_key_sha256",
        "api_key_prefix",
    }


async def test_own_key_has_to_be_given_again(serve: Any, tmp_path: Path) -> None:
    """It cannot be derived; a restart says so, and takes a new one."""
    db = tmp_path / "sandbox.db"
    sandbox, _ = await serve(db=db, api_key="mine")
    await sandbox.close()
    with pytest.raises(ValueError, match="PARTNERO_SANDBOX_KEY"):
        await serve(db=db)
    sandbox, api = await serve(db=db, api_key="other")
    assert (await api("GET", "/test"))[0] == 200


def test_failed_write_leaves_nothing() -> None:
    """Whatever ends a transaction, all of it is undone."""
    state = State(None)

    def interrupted() -> None:
        with state.write():
            state.note("partners.create", "p")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with state.write():
        state.note("partners.create", "q")
    assert [effect.key for effect in state.ledger()] == ["q"]
    state.close()


async def test_two_sandboxes_are_strangers(serve: Any) -> None:
    """Each has its own program, key and objects."""
    one, api = await serve()
    two, _ = await serve()
    assert (one.url, one.api_key, one.program_id) != (
        two.url,
        two.api_key,
        two.program_id,
    )
    await api("POST", "/partners", {"email": "a@example.com"})
    assert two.ledger == ()


def test_nothing_before_start() -> None:
    """What exists only while it runs says so otherwise."""
    with pytest.raises(RuntimeError, match="not running"):
        _ = Sandbox().url
