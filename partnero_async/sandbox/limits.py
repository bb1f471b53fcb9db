"""Rate limits, the way Laravel applications and token buckets refuse."""

import math
import re
from email.utils import formatdate
from typing import Literal, NamedTuple, Protocol

_RULE = re.compile(
    r"(?P<bucket>bucket:)?(?P<first>\d+(\.\d+)?)/(?P<second>\d+(\.\d+)?)"
)


class Verdict(NamedTuple):
    """Whether a request may pass, and the headers that say so."""

    allowed: bool
    headers: dict[str, str]


class RateLimit(Protocol):
    """A rule: called once a request with the time in Unix seconds."""

    def check(self, now: float) -> Verdict:
        """Count a request at *now* and say whether it passes."""
        ...


#: The form of Retry-After in a 429: whole seconds, an HTTP date, or not there.
RetryAfter = Literal["seconds", "date", "none"]


class _Told(NamedTuple):
    """What answers tell about the limit."""

    headers: bool
    retry_after: RetryAfter


class _FixedWindow:
    def __init__(self, limit: int, seconds: float, told: _Told) -> None:
        self._limit = limit
        self._seconds = seconds
        self._told = told
        self._used = 0
        self._end = -math.inf

    def check(self, now: float) -> Verdict:
        if now >= self._end:
            self._used, self._end = 0, now + self._seconds
        allowed = self._used < self._limit
        self._used += allowed
        return _verdict(
            allowed,
            limit=self._limit,
            remaining=self._limit - self._used,
            wait=self._end - now,
            now=now,
            told=self._told,
        )


class _TokenBucket:
    def __init__(self, rate: float, burst: int, told: _Told) -> None:
        self._rate = rate
        self._burst = burst
        self._told = told
        self._tokens = float(burst)
        self._seen = -math.inf

    def check(self, now: float) -> Verdict:
        gained = max(0.0, now - self._seen) * self._rate
        self._tokens = min(self._burst, self._tokens + gained)
        self._seen = now
        allowed = self._tokens >= 1
        self._tokens -= allowed
        return _verdict(
            allowed,
            limit=self._burst,
            remaining=int(self._tokens),
            wait=(1 - self._tokens) / self._rate,
            now=now,
            told=self._told,
        )


def fixed_window(
    limit: int,
    seconds: float,
    *,
    headers: bool = True,
    retry_after: RetryAfter = "seconds",
) -> RateLimit:
    """Allow *limit* requests per window of *seconds*, as Laravel's throttle does.

    The window begins with its first request. A refused request counts for nothing.
    Without *headers* nothing is told; *retry_after* is the form of that one header.
    """
    if limit < 1 or seconds <= 0:
        raise ValueError("a window needs a limit of 1 or more and a positive length")
    return _FixedWindow(limit, seconds, _Told(headers, retry_after))


def token_bucket(
    rate: float,
    burst: int,
    *,
    headers: bool = True,
    retry_after: RetryAfter = "seconds",
) -> RateLimit:
    """Allow *burst* requests at once and *rate* more a second.

    The headers are those of `fixed_window`, with the burst as the limit.
    """
    if rate <= 0 or burst < 1:
        raise ValueError("a bucket needs a positive rate and a burst of 1 or more")
    return _TokenBucket(rate, burst, _Told(headers, retry_after))


def parse_rate_limit(text: str, *, headers: bool = True) -> RateLimit:
    """Read a rule as the command line spells it.

    `120/60` is a fixed window of 120 requests per 60 seconds; `bucket:10/20` is a
    token bucket of 10 a second with a burst of 20.
    """
    rule = _RULE.fullmatch(text)
    if rule is None:
        raise ValueError(f"not a rate limit: {text!r} (write 120/60, or bucket:10/20)")
    first, second = float(rule["first"]), float(rule["second"])
    requests = second if rule["bucket"] else first
    if requests != int(requests):
        raise ValueError(f"{text!r} has a part of a request")
    if rule["bucket"]:
        return token_bucket(first, int(second), headers=headers)
    return fixed_window(int(first), second, headers=headers)


def _verdict(
    allowed: bool,  # noqa: FBT001 - the one thing the call is about
    *,
    limit: int,
    remaining: int,
    wait: float,
    now: float,
    told: _Told,
) -> Verdict:
    if not told.headers:
        return Verdict(allowed, {})
    fields = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}
    if not allowed:
        fields["X-RateLimit-Reset"] = str(math.ceil(now + wait))
    if not allowed and told.retry_after == "seconds":
        fields["Retry-After"] = str(math.ceil(wait))
    elif not allowed and told.retry_after == "date":
        fields["Retry-After"] = formatdate(math.ceil(now + wait), usegmt=True)
    return Verdict(allowed, fields)
