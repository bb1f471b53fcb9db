"""What a client is told: bad settings are refused before anything is sent."""

from __future__ import annotations

import copy
import pickle
import ssl
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from partnero_async import Partnero, Rate, UsageError
from partnero_async._settings import BASE_URL, ApiKey, Masked, Settings, settings

CANARY = "canary-8f2c1d0a"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARTNERO_API_KEY", raising=False)
    monkeypatch.delenv("PARTNERO_BASE_URL", raising=False)


def told(api_key: str | None = CANARY, **changed: Any) -> Settings:
    """Check settings that are fine but for what is *changed*."""
    fine: dict[str, Any] = {
        "base_url": None,
        "timeout": 60.0,
        "max_connections": 100,
        "rate_limit": None,
        "on_ambiguous": "raise",
        "on_attempt": None,
        "settle": 1.0,
        "strict": False,
        "tls": None,
        "telemetry": None,
    }
    return settings(api_key, **{**fine, **changed})


# --- refused -----------------------------------------------------------------------

BAD: list[Any] = [
    pytest.param({"api_key": f"{CANARY}\n"}, "API key", id="key-with-line-break"),
    pytest.param({"api_key": f" {CANARY}"}, "API key", id="key-with-blank"),
    pytest.param({"api_key": f"{CANARY}\u00e9"}, "API key", id="key-non-ascii"),
    pytest.param({"api_key": f"{CANARY}\x00"}, "API key", id="key-with-nul"),
    pytest.param({"api_key": ""}, "no API key", id="key-empty"),
    pytest.param({"api_key": None}, "no API key", id="key-missing"),
    pytest.param({"timeout": 0}, "timeout=0", id="timeout-zero"),
    pytest.param({"timeout": None}, "timeout=None", id="timeout-none"),
    pytest.param({"api_key": CANARY.encode()}, "is a bytes", id="key-bytes"),
    pytest.param({"base_url": ""}, "not a plain address", id="url-empty"),
    pytest.param({"base_url": b"https://a"}, "is a bytes", id="url-bytes"),
    pytest.param({"settle": "5"}, "settle='5'", id="settle-text"),
    pytest.param({"max_connections": "5"}, "max_connections='5'", id="count-text"),
    pytest.param({"max_connections": None}, "max_connections=None", id="count-none"),
    pytest.param({"rate_limit": 120}, "rate_limit=120: give", id="rate-number"),
    pytest.param({"tls": "/ca.pem"}, "tls is a str: give an ssl", id="tls-text"),
    pytest.param({"timeout": -1.0}, "timeout=-1.0", id="timeout-negative"),
    pytest.param({"timeout": float("nan")}, "timeout=nan", id="timeout-nan"),
    pytest.param({"timeout": float("inf")}, "timeout=inf", id="timeout-infinite"),
    pytest.param({"settle": 0.0}, "settle=0.0", id="settle-zero"),
    pytest.param({"settle": float("nan")}, "settle=nan", id="settle-nan"),
    pytest.param({"max_connections": 0}, "max_connections=0", id="no-connections"),
    pytest.param({"on_ambiguous": "resend"}, "on_ambiguous='resend'", id="ambiguous"),
    pytest.param({"rate_limit": "fast"}, "rate_limit", id="rate-word"),
    pytest.param({"rate_limit": "0/min"}, "rate_limit", id="rate-zero"),
    pytest.param({"rate_limit": ""}, "rate_limit", id="rate-empty"),
]

BAD_URLS = {
    "http": "http://api.partnero.com/v1",
    "http-local-network": "http://10.0.0.1/v1",
    "http-looks-local": "http://localhost.evil.example/v1",
    "http-dotless": "http://127.0.0.1.evil.example/v1",
    "ftp": "ftp://api.partnero.com/v1",
    "no-scheme": "api.partnero.com/v1",
    "no-host": "https:///v1",
    "user": "https://ada@api.partnero.com/v1",
    "password": "https://ada:secret@api.partnero.com/v1",
    "empty-user": "https://@api.partnero.com/v1",
    "backslash": "https://api.partnero.com\\@evil.example/v1",
    "query": "https://api.partnero.com/v1?x=1",
    "fragment": "https://api.partnero.com/v1#x",
    "blank": "https://api.partnero.com/v 1",
    "line-break": "https://api.partnero.com/v1\nHost: evil",
    "tab": "https://api.part\tnero.com/v1",
    "port-word": "https://api.partnero.com:abc/v1",
    "port-large": "https://api.partnero.com:99999/v1",
    "brackets": "https://[::1/v1",
    "look-alike": "https://ada:secret@ex\u2100ample.com/v1",
}


@pytest.mark.parametrize(("changed", "message"), BAD)
def test_a_bad_setting_is_refused(changed: dict[str, Any], message: str) -> None:
    """The error names the setting, before any connection, and never shows the key."""
    with pytest.raises(UsageError, match=message) as caught:
        told(**changed)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("changed", [bad.values[0] for bad in BAD])
def test_a_client_refuses_it_at_once(
    partnero: type[Partnero], changed: dict[str, Any]
) -> None:
    """Not at the first call, where nobody looks for it."""
    with pytest.raises(UsageError):
        partnero(**{"api_key": CANARY, **changed})


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS.keys())
def test_a_bad_base_url_is_refused(url: str) -> None:
    """Nothing but https, or http on this machine; and no password is repeated."""
    with pytest.raises(UsageError, match="base URL") as caught:
        told(base_url=url)
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown
    assert "secret" not in str(caught.value)


# --- accepted ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param(BASE_URL, "https://api.partnero.com", id="default"),
        pytest.param("https://x.example:8443/v1/", "https://x.example:8443", id="port"),
        pytest.param("http://127.0.0.1:8089/v1", "http://127.0.0.1:8089", id="ipv4"),
        pytest.param("http://127.9.9.9/v1", "http://127.9.9.9", id="all-of-127"),
        pytest.param("http://[::1]:8089/v1", "http://[::1]:8089", id="ipv6"),
        pytest.param("http://localhost/v1", "http://localhost", id="localhost"),
    ],
)
def test_a_good_base_url(url: str, origin: str) -> None:
    """It is kept without a slash at its end; http is for loopback."""
    found = told(base_url=url)
    assert found.base_url == url.rstrip("/")
    assert found.origin == origin


def test_the_defaults() -> None:
    """What is not told is the API's own address, and nothing is paced."""
    found = told()
    assert (found.base_url, found.rate, found.tls) == (BASE_URL, None, None)


@pytest.mark.parametrize(
    "rate",
    [pytest.param("120/min", id="text"), pytest.param(Rate(120, 60.0), id="rate")],
)
def test_a_rate(rate: str | Rate) -> None:
    """A text or the value itself."""
    assert told(rate_limit=rate).rate == Rate(120, 60.0)


def test_the_environment_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and address may come from there; what is passed comes first."""
    monkeypatch.setenv("PARTNERO_API_KEY", "from-there")
    monkeypatch.setenv("PARTNERO_BASE_URL", "https://there.example/v1")
    found = told(None)
    assert found.api_key.digest == ApiKey(Masked("from-there")).digest
    assert found.base_url == "https://there.example/v1"
    passed = told(base_url="https://here.example/v1")
    assert passed.api_key.digest == ApiKey(Masked(CANARY)).digest
    assert passed.base_url == "https://here.example/v1"


def test_what_is_passed_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's key may be that of another program than the empty one."""
    monkeypatch.setenv("PARTNERO_API_KEY", "from-there")
    monkeypatch.setenv("PARTNERO_BASE_URL", "https://there.example/v1")
    with pytest.raises(UsageError, match="no API key"):
        told("")
    with pytest.raises(UsageError, match="not a plain address"):
        told(base_url="")


def test_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key with a line break is one out of a file, wherever it stands."""
    monkeypatch.setenv("PARTNERO_API_KEY", f"{CANARY}\r\n")
    with pytest.raises(UsageError, match="API key") as caught:
        told(None)
    assert CANARY not in str(caught.value)


# --- the key -----------------------------------------------------------------------


def test_the_key_is_shown_nowhere(partnero: type[Partnero]) -> None:
    """Not in a repr, a text, or a format, of anything that holds it."""
    found = told(tls=ssl.create_default_context())
    key = found.api_key
    header = key.header(f"{BASE_URL}/test", BASE_URL)
    shown = [repr(found), str(found), repr(key), str(key), f"{key!r}", repr(header)]
    shown += [repr({"Authorization": header}), repr(partnero(CANARY)), key.digest]
    assert [text for text in shown if CANARY in text] == []


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [pytest.param(ApiKey, id="key"), pytest.param(Partnero, id="client")],
)
def test_the_key_does_not_travel(
    make: Callable[[str], Any], way: Callable[[Any], Any]
) -> None:
    """A pickle could be written anywhere."""
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        way(make(CANARY))


def test_settings_cannot_be_pickled() -> None:
    """They hold the key."""
    with pytest.raises(TypeError, match="API key"):
        pickle.dumps(told())


def test_the_key_goes_to_its_own_address() -> None:
    """The header is what the API wants."""
    header = ApiKey(Masked(CANARY)).header(f"{BASE_URL}/partners", BASE_URL)
    assert str(header) == f"Bearer {CANARY}"
    assert isinstance(header, Masked)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://evil.example/v1/partners", id="host"),
        pytest.param("http://api.partnero.com/v1/partners", id="scheme"),
        pytest.param("https://api.partnero.com:8443/v1/partners", id="port"),
        pytest.param("https://api.partnero.com.evil.example/v1/", id="suffix"),
        pytest.param("https://api.partnero.com/v10/partners", id="other-path"),
        pytest.param("https://api.partnero.com/v1", id="base-itself"),
    ],
)
def test_the_key_goes_nowhere_else(url: str) -> None:
    """Scheme, host, port and path have to be those of the base URL."""
    with pytest.raises(UsageError, match="another address") as caught:
        ApiKey(Masked(CANARY)).header(url, BASE_URL)
    assert CANARY not in str(caught.value)


def test_digests_tell_keys_apart() -> None:
    """The same key has the same one, and it is not the key."""
    assert (
        ApiKey(Masked("a")).digest
        == ApiKey(Masked("a")).digest
        != ApiKey(Masked("b")).digest
    )


@hypothesis_settings(max_examples=200, deadline=None)
@given(text=st.text())
def test_any_base_url_is_accepted_or_a_usage_error(text: str) -> None:
    """Whatever is given: a clean address below which the key may go, or one error."""
    try:
        found = told(base_url=text or "-")
    except UsageError as error:
        assert "base URL" in error.message  # noqa: PT017 - either outcome is right
    else:
        assert found.base_url.startswith(("https://", "http://"))
