"""Bad, repeated and cut-off deliveries, and proof that a mistake would be seen."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from partnero_async import SignatureError
from partnero_async.webhooks import Event
from tests.bench import webhooks
from tests.bench.figures import assert_met
from tests.bench.webhooks import judged, refused, twice
from tests.webhooks.deliveries import PERSON, Delivery, good


def test_bad_deliveries(seed: int) -> None:
    """They do nothing, and are told so, in each framework."""
    assert_met([webhooks.bad_ones("small", seed)])


@pytest.mark.timeout(240)
def test_repeats_and_kills(seed: int) -> None:
    """Two processes handle each event once, although they are killed."""
    assert_met([webhooks.repeated_ones("small", seed)])


@pytest.mark.timeout(240)
def test_crashes_at_each_point() -> None:
    """What was not done comes again, and what was done does not."""
    assert_met([webhooks.cut_off_ones("small")])


@pytest.mark.parametrize(
    ("answer", "handles", "told"),
    [
        pytest.param((401, "refused"), False, [], id="right"),
        pytest.param((200, "handled"), False, ["200, not 401"], id="status"),
        pytest.param((401, ""), True, ["handled"], id="handled"),
        pytest.param((401, PERSON), False, [f"{PERSON} shows in {PERSON}"], id="leak"),
    ],
)
def test_what_is_wrong_is_told(
    answer: tuple[int, str], told: Sequence[str], *, handles: bool
) -> None:
    """Of each answer to a bad delivery."""
    seen: list[Event] = []

    def send(_: Delivery) -> tuple[int, str]:
        seen.extend([None] * handles)  # type: ignore[list-item]
        return answer

    delivery = Delivery("x", good().body, [], 401, SignatureError)
    found = judged("way", send, delivery, io.StringIO(), seen)
    assert found == [f"way, x: {why}" for why in told]


@pytest.mark.parametrize(
    ("calls", "again", "wrong"),
    [
        pytest.param({"a": ["1"]}, 0, 0, id="once"),
        pytest.param({"a": ["dead", "1"]}, 1, 0, id="cut-off"),
        pytest.param({"a": ["1", "1"]}, 1, 1, id="twice"),
        pytest.param({"a": ["1", "dead"]}, 1, 1, id="again-after-it-was-done"),
        pytest.param({}, 0, 1, id="never"),
        pytest.param({"a": ["1"], "b": ["1"]}, 0, 1, id="from-nowhere"),
    ],
)
def test_what_was_handled_twice_is_told(
    calls: dict[str, list[str]], again: int, wrong: int
) -> None:
    """Unless a kill came between."""
    found = twice(calls, {"a"}, {"dead"})
    assert (found[0], len(found[1])) == (again, wrong)


def test_a_receiver_that_checks_nothing_is_caught(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In each of the ways in which it is used."""
    monkeypatch.setattr("partnero_async.webhooks.receiver.verify", lambda *_: None)
    _, wrong = refused(1, seed)
    for way, _ in webhooks.ways():
        assert any(text.startswith(f"{way}, another secret") for text in wrong)
