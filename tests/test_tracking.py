from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partnero_async import tracking
from partnero_async.tracking import key_in_url, partner_key, referring_customer_key


@pytest.mark.parametrize(
    ("cookies", "key"),
    [
        pytest.param("partnero_partner=ada", "ada", id="alone"),
        pytest.param(b"a=b; partnero_partner=ada; c=d", "ada", id="among-others"),
        pytest.param('partnero_partner="ada-hl"', "ada-hl", id="quoted"),
        pytest.param("partnero_partner=ad%40a%20b", "ad@a b", id="percent-encoded"),
        pytest.param("partnero_partner=a=b", "a=b", id="equals-sign"),
        pytest.param("[]=x; \x00; partnero_partner=ada", "ada", id="behind-garbage"),
        pytest.param("partnero_partner=ada; partnero_partner=eve", "ada", id="twice"),
        pytest.param({"partnero_partner": "ada"}, "ada", id="mapping"),
        pytest.param({"partnero_partner": None}, None, id="mapping-without-a-text"),
        pytest.param({}, None, id="empty-mapping"),
        pytest.param(None, None, id="no-header"),
        pytest.param(["partnero_partner=ada"], None, id="not-a-header"),
        pytest.param("", None, id="empty-header"),
        pytest.param("partnero_partner", None, id="no-value"),
        pytest.param("partnero_partner=", None, id="empty-value"),
        pytest.param("partnero_partner=%20", None, id="blank"),
        pytest.param("xpartnero_partner=ada", None, id="longer-name"),
        pytest.param("partnero_partner=a%0d%0ab", None, id="line-break"),
        pytest.param("partnero_partner=%ff%fe", None, id="not-utf-8"),
        pytest.param("partnero_partner=" + "x" * 256, None, id="too-long"),
    ],
)
def test_partner_cookie(cookies: tracking.Cookies, key: str | None) -> None:
    """The key is read as the browser was given it, and nothing else is one."""
    assert partner_key(cookies) == key


def test_referral_cookie_is_another() -> None:
    """Refer-a-friend programs have a cookie of their own."""
    cookies = "partnero_referral=usr-1; partnero_partner=ada"
    assert referring_customer_key(cookies) == "usr-1"
    assert partner_key(cookies) == "ada"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        pytest.param("https://shop.example/?ref=ada", "ada", id="ref"),
        pytest.param("https://shop.example/p?x=1&aff=ada#top", "ada", id="aff"),
        pytest.param("/p?aff=eve&ref=ada", "ada", id="order-of-the-parameters"),
        pytest.param("?ref=ada&ref=eve", "ada", id="the-first-of-two"),
        pytest.param(b"?ref=a%2Bb", "a+b", id="bytes-percent-encoded"),
        pytest.param("https://shop.example/", None, id="none"),
        pytest.param("?ref=", None, id="empty"),
        pytest.param("https://[::1?ref=ada", None, id="unreadable"),
        pytest.param("?" + "a=1&" * 2000 + "ref=ada", None, id="absurd"),
        pytest.param(None, None, id="no-url"),
    ],
)
def test_key_in_a_landing_page(url: str | bytes | None, key: str | None) -> None:
    """The parameter that carries the key is a setting of the program."""
    assert key_in_url(url) == key


def test_parameter_of_the_program() -> None:
    """A program may use a name of its own."""
    assert key_in_url("?link=ada&ref=eve", parameters=["link"]) == "ada"


@given(
    st.one_of(st.none(), st.text(), st.binary(), st.dictionaries(st.text(), st.text()))
)
def test_any_cookie_is_survived(cookies: tracking.Cookies) -> None:
    """Whatever a browser sends is a key or None."""
    for key in (partner_key(cookies), referring_customer_key(cookies)):
        assert key is None or 0 < len(key) <= tracking.LONGEST


@given(st.one_of(st.text(), st.binary()))
def test_any_url_is_survived(url: str | bytes) -> None:
    """Whatever is asked for has a key or none."""
    key = key_in_url(url)
    assert key is None or 0 < len(key) <= tracking.LONGEST


@given(st.text('aZ0 %+=;,"\\ü€', min_size=1, max_size=20))
def test_key_comes_back_as_it_was_set(inside: str) -> None:
    """A key that a script has percent-encoded is read back."""
    key = f"k{inside}k"
    assert partner_key(f"partnero_partner={quote(key, safe='')}") == key
