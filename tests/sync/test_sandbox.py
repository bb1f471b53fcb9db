from __future__ import annotations

import threading

import pytest

import partnero_async.sandbox
from partnero_sync import Partnero
from partnero_sync.sandbox import Sandbox


def servers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "partnero-sandbox"]


def test_sandbox_serves_for_the_length_of_a_block() -> None:
    """It needs no loop, ends its thread, and can be used again."""
    sandbox = Sandbox(currency="EUR")
    for _ in range(2):
        with (
            sandbox as served,
            Partnero(served.api_key, base_url=served.url) as client,
        ):
            assert served is sandbox
            client.partners.create(email="ada@example.com", id="p1")
            assert [effect.operation for effect in served.ledger] == ["partners.create"]
            assert len(servers()) == 1
        assert servers() == []


def test_sandbox_passes_on_what_the_block_raises() -> None:
    """An error of a test is that test's error, and the server is gone."""
    with pytest.raises(KeyError), Sandbox():
        raise KeyError
    assert servers() == []


def test_sandbox_that_cannot_start_says_why() -> None:
    """Such as with a port that is taken."""
    with Sandbox() as first:
        port = int(first.url.rsplit(":", 1)[1].split("/")[0])
        second = Sandbox(port=port)
        with pytest.raises(OSError, match="address already in use"):
            second.__enter__()
    with second:
        assert second.url == f"http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize("sandbox", [Sandbox(), partnero_async.sandbox.Sandbox()])
def test_sandbox_that_does_not_run_says_where_it_does(
    sandbox: partnero_async.sandbox.Sandbox,
) -> None:
    """In words that are true of either one."""
    with pytest.raises(RuntimeError, match="inside its `with` or `async with` block"):
        _ = sandbox.url
