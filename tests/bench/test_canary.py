"""The key shows nowhere, and proof that it would be seen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from partnero_async._settings import ApiKey, Masked
from tests.bench import canary
from tests.bench.canary import Texts, forms, gathered, key_of
from tests.bench.figures import assert_met


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
