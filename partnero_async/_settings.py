"""What a client was told, checked before anything is sent."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import re
import ssl
from typing import Any, Final, Literal, NoReturn, cast
from urllib.parse import urlsplit

import attrs

from .errors import UsageError
from .pacing import Rate

BASE_URL: Final = "https://api.partnero.com/v1"
"""Where the API is (facts.md, "ground rules")."""

OnAmbiguous = Literal["raise", "resend_after_settle"]


class Masked(str):
    """A text that does not show in a repr, a log or a traceback's locals."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Hide it."""
        return "'***'"


class ApiKey:
    """An API key: attached to requests to its own origin, and shown nowhere."""

    __slots__ = ("_header", "digest")

    def __init__(self, key: str) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise UsageError(
                "the API key is empty or has characters that no key has"
                " (a line break from a file, perhaps)"
            )
        self._header = Masked(f"Bearer {key}")
        self.digest: str = hashlib.sha256(key.encode()).hexdigest()[:16]
        """Tells keys apart without being one."""

    def __repr__(self) -> str:
        """Hide it."""
        return "ApiKey(***)"

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle or a copy of it could be written anywhere."""
        raise TypeError("an API key cannot be pickled or copied")

    def header(self, url: str, base_url: str) -> Masked:
        """Return the value of the Authorization header for a request to *url*.

        Raises `UsageError` when *url* is not below *base_url*: the key goes nowhere
        else.
        """
        if not url.startswith(base_url + "/"):
            raise UsageError("the API key is for another address than this request's")
        return self._header


@attrs.frozen(kw_only=True)
class Settings:
    """What a client was told."""

    api_key: ApiKey
    base_url: str
    """Without a slash at the end."""
    timeout: float
    """Seconds that a call may take, everything included."""
    max_connections: int
    rate: Rate | None
    on_ambiguous: OnAmbiguous
    settle: float
    """Seconds before the first look-up of a money write in doubt; twice that before
    the second."""
    strict: bool
    """Whether an answer that is not as it was published is an error."""
    tls: ssl.SSLContext | None = attrs.field(repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL."""
        url = urlsplit(self.base_url)
        return f"{url.scheme}://{url.netloc}"


def settings(
    api_key: str | None,
    *,
    base_url: str | None,
    timeout: float,
    max_connections: int,
    rate_limit: str | Rate | None,
    on_ambiguous: OnAmbiguous,
    settle: float,
    strict: bool,
    tls: ssl.SSLContext | None,
) -> Settings:
    """Check what a client is told, and fill in what the environment says.

    Raises `UsageError`, never with the key in it.
    """
    key = api_key or os.environ.get("PARTNERO_API_KEY")
    if not key:
        raise UsageError("no API key: pass one, or set PARTNERO_API_KEY")
    if max_connections < 1:
        raise UsageError(f"max_connections={max_connections}: give 1 or more")
    if on_ambiguous not in ("raise", "resend_after_settle"):
        raise UsageError(f"on_ambiguous={on_ambiguous!r} is not known")
    return Settings(
        api_key=ApiKey(key),
        base_url=_base_url(base_url or os.environ.get("PARTNERO_BASE_URL") or BASE_URL),
        timeout=_seconds("timeout", timeout),
        max_connections=max_connections,
        rate=_rate(rate_limit),
        on_ambiguous=on_ambiguous,
        settle=_seconds("settle", settle),
        strict=strict,
        tls=tls,
    )


def _seconds(name: str, value: float) -> float:
    number = isinstance(cast("Any", value), int | float)
    if not (number and value > 0 and math.isfinite(value)):
        raise UsageError(f"{name}={value}: give a number of seconds above 0")
    return value


def _rate(limit: str | Rate | None) -> Rate | None:
    try:
        return Rate.parse(limit) if isinstance(limit, str) else limit
    except ValueError as error:
        raise UsageError(f"rate_limit: {error}") from None


def _base_url(text: str) -> str:
    try:
        url = urlsplit(text)
        host = url.hostname
        url.port  # noqa: B018 - raises where it is no number
    except ValueError:  # its text may quote the address, a password included
        raise UsageError("the base URL has a host or port that cannot be") from None
    if url.username is not None or url.password is not None:
        raise UsageError("the base URL has a user or password in it: leave it out")
    if not host or url.query or url.fragment or re.search(r"[\s\x00-\x1f]", text):
        raise UsageError("the base URL is not a plain address, like " + BASE_URL)
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
        raise UsageError("the base URL must be https:// (http:// on this machine only)")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
