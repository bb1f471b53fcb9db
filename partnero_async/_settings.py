"""What a client was told, checked before anything is sent."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import re
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, cast
from urllib.parse import urlsplit

import attrs

from ._limits import Rate
from .errors import AmbiguousWriteError, Attempt, UsageError

if TYPE_CHECKING:
    from .telemetry import Telemetry

BASE_URL: Final = "https://api.partnero.com/v1"
"""Where the API is (facts.md, "ground rules")."""

OnAmbiguous = (
    Literal["raise", "resend_after_settle"] | Callable[[AmbiguousWriteError], None]
)
OnAttempt = Callable[[Attempt], None]


class Masked(str):
    """A text that does not show in a repr, a log or a traceback's locals."""

    __slots__ = ()

    @classmethod
    def maybe(cls, text: str | None) -> Self | None:
        """Mask a parameter: it is a local of the frames that a traceback shows."""
        if text is not None and not isinstance(cast("Any", text), str):
            raise UsageError(f"a secret is a {type(text).__name__}: give a str")
        return None if text is None else cls(text)

    def __repr__(self) -> str:
        """Hide it."""
        return "'***'"


SHORTEST_MASKED: Final = 8
"""Characters: a shorter key is none of the vendor's, and part of other words."""


class ApiKey:
    """An API key: attached to requests to its own origin, and shown nowhere."""

    __slots__ = ("_header", "_key", "_written", "digest")

    def __init__(self, key: Masked) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise UsageError(
                "the API key is empty or has characters that no key has"
                " (a line break from a file, perhaps)"
            )
        self._key = key
        self._header = Masked(f"Bearer {key}")
        long = len(key) >= SHORTEST_MASKED
        ways = {key, key.replace("/", "\\/")} if long else set[str]()
        self._written = tuple(way.encode() for way in ways)
        self.digest: str = hashlib.sha256(key.encode()).hexdigest()[:16]
        """Tells keys apart without being one."""

    def __repr__(self) -> str:
        """Hide it."""
        return "ApiKey(***)"

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle or a copy of it could be written anywhere."""
        raise TypeError("an API key cannot be pickled or copied")

    def mask(self, text: str) -> str:
        """Hide the key in a text that a server has sent: some echo what they get."""
        return text.replace(self._key, "***") if self._written else text

    def blot(self, body: bytes) -> bytes:
        """Hide the key in the body of an answer, in each way that JSON may write it."""
        for written in self._written:
            body = body.replace(written, b"***")
        return body

    def header(self, url: str, base_url: str) -> Masked:
        """Return the value of the Authorization header for a request to *url*.

        Raises `UsageError` when *url* is not below *base_url*: the key goes nowhere
        else.
        """
        if not url.startswith(base_url + "/"):
            raise UsageError("the API key is for another address than this request's")
        return self._header


def _seconds(_: object, field: attrs.Attribute[float], value: float) -> None:
    number = isinstance(cast("Any", value), int | float)
    if not (number and value > 0 and math.isfinite(value)):
        raise UsageError(f"{field.name}={value!r}: give a number of seconds above 0")


def _known(_: object, __: attrs.Attribute[OnAmbiguous], value: OnAmbiguous) -> None:
    if not callable(value) and value not in ("raise", "resend_after_settle"):
        raise UsageError(f"on_ambiguous={value!r} is not known")


def _count(_: object, field: attrs.Attribute[int], value: int) -> None:
    if not isinstance(cast("Any", value), int) or value < 1:
        raise UsageError(f"{field.name}={value!r}: give 1 or more")


def _one_of(kind: type[object], how: str) -> Callable[..., None]:
    """Accept None and a value of a *kind*; say *how* to give one."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if value is not None and not isinstance(value, kind):
            raise UsageError(f"{field.name} is a {type(value).__name__}: give {how}")

    return check


def _callable(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise UsageError(f"{field.name}={value!r}: give a function")


@attrs.frozen(kw_only=True)
class Settings:
    """What a client was told."""

    api_key: ApiKey
    base_url: str
    """Without a slash at the end."""
    timeout: float = attrs.field(validator=_seconds)
    """Seconds that a call may take, everything included."""
    max_connections: int = attrs.field(validator=_count)
    rate: Rate | None
    on_ambiguous: OnAmbiguous = attrs.field(validator=_known, repr=False)
    on_attempt: OnAttempt | None = attrs.field(validator=_callable, repr=False)
    settle: float = attrs.field(validator=_seconds)
    """Seconds before the first look-up of a money write in doubt; twice that before
    the second."""
    strict: bool
    """Whether an answer that is not as it was published is an error."""
    tls: ssl.SSLContext | None = attrs.field(
        validator=_one_of(ssl.SSLContext, "an ssl.SSLContext"), repr=False
    )
    telemetry: Telemetry | None = attrs.field(repr=False)

    def changed(self, **some: Any) -> Settings:
        """Return these settings with *some* changed; those of None are as they were.

        Raises `UsageError` for what cannot work.
        """
        given = {name: value for name, value in some.items() if value is not None}
        return attrs.evolve(self, **given)

    @property
    def tells(self) -> Callable[[AmbiguousWriteError], None] | None:
        """Who wants to hear of writes in doubt."""
        return self.on_ambiguous if callable(self.on_ambiguous) else None

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
    on_attempt: OnAttempt | None,
    settle: float,
    strict: bool,
    tls: ssl.SSLContext | None,
    telemetry: Telemetry | None,
) -> Settings:
    """Check what a client is told, and fill in what the environment says.

    Raises `UsageError`, never with the key in it.
    """
    # One that is given is meant, even where it is empty: the key of the environment may
    # be that of another program.
    if api_key is None:
        api_key = os.environ.get("PARTNERO_API_KEY")
    key = Masked.maybe(api_key)
    if not key:
        raise UsageError("no API key: pass one, or set PARTNERO_API_KEY")
    if base_url is None:
        base_url = os.environ.get("PARTNERO_BASE_URL") or BASE_URL
    return Settings(
        api_key=ApiKey(key),
        base_url=_base_url(base_url),
        timeout=timeout,
        max_connections=max_connections,
        rate=_rate(rate_limit),
        on_ambiguous=on_ambiguous,
        on_attempt=on_attempt,
        settle=settle,
        strict=strict,
        tls=tls,
        telemetry=telemetry,
    )


def _rate(limit: str | Rate | None) -> Rate | None:
    try:
        rate = Rate.parse(limit) if isinstance(limit, str) else limit
    except ValueError as error:
        raise UsageError(f"rate_limit: {error}") from None
    if rate is not None and not isinstance(cast("Any", rate), Rate):
        raise UsageError(f"rate_limit={rate!r}: give it with a time, such as 120/min")
    return rate


def _base_url(text: str) -> str:
    if not isinstance(cast("Any", text), str):
        raise UsageError(f"the base URL is a {type(text).__name__}: give a str")
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
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(host)):
        raise UsageError("the base URL must be https:// (http:// on this machine only)")
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or address alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
