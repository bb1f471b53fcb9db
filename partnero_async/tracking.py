"""Who referred a visitor: read from cookies and landing-page URLs.

Partnero's script keeps the key of the partner (affiliate programs) or of the referring
customer (refer-a-friend programs) in a first-party cookie, for 30 days by default
(facts.md, "attribution on the server side"). Pass what is found here on when a customer
signs up, as ``partner={"key": ...}`` or ``referring_customer={"key": ...}``::

    key = tracking.partner_key(request.headers.get("cookie"))
    if key:
        await client.customers.create(account.id, partner={"key": key})

Whatever a browser sends, these functions return a key or None, and never raise: what is
in a request is the visitor's to choose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["PARAMETERS", "key_in_url", "partner_key", "referring_customer_key"]

PARTNER_COOKIE: Final = "partnero_partner"
REFERRAL_COOKIE: Final = "partnero_referral"

PARAMETERS: Final = ("ref", "aff")
"""URL parameters that carry a key; which one is a setting of the program."""

LONGEST: Final = 255
"""Characters of a key; a longer value is none."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

Cookies = str | bytes | Mapping[str, str] | None
"""A ``Cookie`` header, or what a web framework has made of it."""


def partner_key(cookies: Cookies) -> str | None:
    """Return the key of the partner who brought a visitor; None where nobody did."""
    return _key(_cookie(cookies, PARTNER_COOKIE))


def referring_customer_key(cookies: Cookies) -> str | None:
    """Return the key of the customer who referred a visitor; None where nobody did."""
    return _key(_cookie(cookies, REFERRAL_COOKIE))


def key_in_url(
    url: str | bytes | None, *, parameters: Sequence[str] = PARAMETERS
) -> str | None:
    """Return the key in the URL of a landing page; None where it has none.

    *parameters* are the names to look for, the first that is there wins.
    """
    try:
        query = urlsplit(_text(url)).query
        found = dict(reversed(parse_qsl(query, max_num_fields=1000)))
    except ValueError:
        return None
    return next((_key(found[name]) for name in parameters if name in found), None)


def _cookie(cookies: Cookies, name: str) -> str | None:
    if isinstance(cookies, Mapping):
        return cookies.get(name)
    if not isinstance(cast("Any", cookies), str | bytes):
        return None
    # The standard library's parser drops all cookies behind one that it cannot read.
    for pair in _text(cookies).split(";"):
        found, _, value = pair.partition("=")
        if found.strip() == name:
            return value.strip()
    return None


def _key(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    key = unquote(value.strip().strip('"'), errors="surrogateescape").strip()
    return None if not key or len(key) > LONGEST or CONTROL.search(key) else key


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""
