from typing import Any

import pytest

from partnero_async.sandbox import (
    RateLimit,
    fixed_window,
    parse_rate_limit,
    token_bucket,
)


def passed(limit: RateLimit, *moments: float) -> list[bool]:
    """Send a request at each of *moments*; say which passed."""
    return [limit.check(moment).allowed for moment in moments]


def test_fixed_window_starts_again() -> None:
    """The window begins with its first request and ends after its seconds."""
    moments = [0.5, 1.0, 10.4, 10.5, 10.6, 10.7]
    assert passed(fixed_window(2, 10), *moments) == [True, True, False] * 2


def test_fixed_window_tells_what_is_left() -> None:
    """Every answer has Laravel's headers; a 429 says when to come back as well."""
    limit = fixed_window(1, 9.5)
    assert limit.check(100.0).headers == {
        "X-RateLimit-Limit": "1",
        "X-RateLimit-Remaining": "0",
    }
    assert limit.check(100.0).headers == {
        "X-RateLimit-Limit": "1",
        "X-RateLimit-Remaining": "0",
        "Retry-After": "10",
        "X-RateLimit-Reset": "110",
    }


def test_token_bucket_refills() -> None:
    """A burst passes at once, then as many a second as the rate says."""
    moments = [0, 0, 0, 0.49, 0.5, 0.5, 100, 100, 100]
    expected = [True, True, False, False, True, False, True, True, False]
    assert passed(token_bucket(2, 2), *moments) == expected


def test_token_bucket_tells_the_wait() -> None:
    """The wait is the time until one token is there, in whole seconds."""
    limit = token_bucket(0.25, 1)
    limit.check(0)
    assert limit.check(0).headers["Retry-After"] == "4"


@pytest.mark.parametrize(
    ("form", "header"),
    [
        pytest.param("date", "Wed, 04 Mar 2026 09:31:05 GMT", id="date"),
        pytest.param("none", None, id="none"),
        pytest.param("seconds", "40", id="seconds"),
    ],
)
def test_forms_of_retry_after(form: Any, header: str | None) -> None:
    """No form is documented: whole seconds, an HTTP date, or only X-RateLimit-*."""
    limit = token_bucket(0.025, 1, retry_after=form)
    limit.check(1772616625)
    headers = limit.check(1772616625).headers
    assert headers.get("Retry-After") == header
    assert headers["X-RateLimit-Reset"] == "1772616665"


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(fixed_window(1, 60, headers=False), id="window"),
        pytest.param(token_bucket(1, 1, headers=False), id="bucket"),
        pytest.param(parse_rate_limit("1/60", headers=False), id="text"),
    ],
)
def test_headers_can_be_left_out(limit: RateLimit) -> None:
    """A server may refuse without a word about its limit."""
    assert [limit.check(0), limit.check(0)] == [(True, {}), (False, {})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2/60", [True, True, False, False], id="window"),
        pytest.param("bucket:1/2", [True, True, False, True], id="bucket"),
    ],
)
def test_command_line_spelling(text: str, expected: list[bool]) -> None:
    """`120/60` is a window, `bucket:10/20` a bucket with a burst."""
    assert passed(parse_rate_limit(text), 0, 0, 0.5, 1.5) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("120", id="no slash"),
        pytest.param("0/60", id="nothing allowed"),
        pytest.param("1/0", id="no time"),
        pytest.param("bucket:0/1", id="no rate"),
        pytest.param("bucket:1/0", id="no burst"),
        pytest.param("inf/60", id="not a number"),
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    """A rule that lets nothing pass, or is none, is an error that shows it."""
    with pytest.raises(ValueError, match=r"120/60|1 or more|positive"):
        parse_rate_limit(text)


async def test_refused_request_has_no_effect(serve: Any, clock: Any) -> None:
    """A 429 comes before any effect, and passing time lifts it."""
    sandbox, api = await serve(rate_limit=fixed_window(1, 60))
    partner = {"email": "a@example.org"}
    assert (await api("POST", "/partners", {"email": "b@example.org"}))[0] == 201
    assert await api("POST", "/partners", partner) == (429, {"message": "Slow down."})
    assert len(sandbox.ledger) == 1
    clock.now += 60
    assert (await api("POST", "/partners", partner))[0] == 201
