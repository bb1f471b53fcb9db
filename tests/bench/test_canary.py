"""The key shows nowhere, and proof that it would be seen."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from partnero_async import Partnero, ValidationError
from partnero_async._settings import ApiKey, Masked
from tests.bench import canary
from tests.bench.canary import Texts, forms, gathered, key_of
from tests.bench.figures import assert_met
from tests.faulty import answer, faulty


@pytest.mark.timeout(240)
def test_the_key_shows_nowhere(seed: int) -> None:
    """In no object, error, log, traceback, pickle or file."""
    assert_met(canary.run(full=False, seed=seed))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{key}", id="whole"),
        pytest.param("...{piece}...", id="a-piece"),
        pytest.param("{backward}", id="backwards"),
    ],
)
def test_each_form_is_seen(text: str, seed: int) -> None:
    """However it is written."""
    key, texts = key_of(seed), Texts()
    shown = text.format(key=key, piece=key[5:17], backward=key[::-1])
    texts.add("here", f"before {shown} after")
    assert len(texts.leaks(key)) == 1
    assert forms(key).isdisjoint(forms(key_of(seed + 1)))


@pytest.mark.timeout(240)
def test_key_that_shows_in_a_repr_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int, tmp_path: Path
) -> None:
    """A key that says what it is, and one that the locals of a frame say."""
    monkeypatch.setattr(Masked, "__repr__", str.__repr__)
    monkeypatch.setattr(ApiKey, "mask", lambda _, text: text)
    key = key_of(seed)
    leaks = asyncio.run(gathered(key, str(tmp_path))).leaks(key)
    assert any("traceback" in text for text in leaks)
    assert any("echoes" in text for text in leaks)


async def test_logs_have_no_personal_data(
    partnero: type[Partnero], caplog: pytest.LogCaptureFixture
) -> None:
    """Not an id, an address or a value: neither what was sent nor what came back."""
    caplog.set_level(logging.DEBUG, "partnero")
    hidden = ("ada-7", "grace@example.com", "Hopper", "lovelace", "inv-9")
    body = b'{"message": "no lovelace", "errors": {"email": ["grace@example.com"]}}'
    async with (
        faulty([answer(body, status="422 No")]) as server,
        partnero("key-of-a-test", base_url=server.url) as client,
    ):
        client._transport.program.know(None)
        for call in (
            client.partners.update("ada-7", name="Hopper"),
            client.partners.search(email="grace@example.com").first(),
            client.transactions.create(
                key="inv-9", amount=1, customer={"email": "grace@example.com"}
            ),
        ):
            with pytest.raises(ValidationError):
                await call
    assert len(caplog.records) == 3
    assert [text for text in hidden if text in caplog.text] == []
    shown = " ".join(str(vars(record)) for record in caplog.records)
    assert [text for text in hidden if text in shown] == []
