"""What is known of a rate limit: told by the user, by headers, or found by trying.

Pure bookkeeping on times that are passed in: the gate in `pacing` asks it how long to
wait, and tells it what came back.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from attrs import frozen

LONGEST_HOLD: Final = 120.0
"""Seconds that a gate waits at most before it asks again, whatever a header says."""

REMAINING: Final = "X-RateLimit-Remaining"

_LONGEST_WAIT = 366 * 86400.0
_LONGEST_TEXT = 40
_UNIX_TIME_FROM = 1e8  # a smaller X-RateLimit-Reset is a number of seconds

_PATIENCE = 1.0
_TRUST, _DOUBT = 0.9, 30
_CUT, _DEEPEST_CUT = 0.95, 0.7
_SEARCH, _CREEP = 0.001, 0.0003
_NEAR = 0.85
_SLOWEST = 0.02
_GUESS, _GUESS_GROWTH = 8.0, 0.01  # as many a second as an opening has in flight
_MARK_SECONDS = 10.0
# Windows of a minute are usual: with less, the pace would rise within each.
_CALM, _CALM_GROWTH = 120.0, 0.01

_SECONDS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60}
_LONG = {"h": 3600, "hour": 3600, "d": 86400, "day": 86400}
_UNITS = {**_SECONDS, **_LONG}
_RATE = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{0,6}(?:\.[0-9]{1,6})?)\s*([a-z]{1,7})")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


@frozen
class Rate:
    """Say how many requests are allowed in how many seconds."""

    limit: int
    per: float

    def __attrs_post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.per < math.inf:
            raise ValueError(f"a rate is at least one request in some time, not {self}")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``1000/min``, ``50/s``, ``120/60s`` or ``10000/hour``.

        Raise ValueError for anything else.
        """
        found = _RATE.fullmatch(text.strip().lower())
        unit = found and (
            _UNITS.get(found[3]) or _UNITS.get(found[3].removesuffix("s"))
        )
        if not found or not unit or not int(found[1]) or not float(found[2] or 1):
            raise ValueError(
                f"{text[:_LONGEST_TEXT]!r} is not a rate:"
                " write requests/time, for example 1000/min, 50/s or 120/60s"
            )
        return cls(limit=int(found[1]), per=float(found[2] or 1) * unit)

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.limit / self.per


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read Retry-After as seconds from *now* (Unix time); None when absent or unusable.

    A date counts from the answer's own Date where there is one, since clocks differ.
    The value is at least 0 and, against hostile dates, at most 366 days.
    """
    text = headers.get("Retry-After")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is None:
        until = _date(text)
        seconds = None if until is None else until - _server_time(headers, now)
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    if len(text) > _LONGEST_TEXT or not _NUMBER.fullmatch(text):
        return None
    return float(text)


def _date(text: str) -> float | None:
    if len(text) > _LONGEST_TEXT:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - rare, and slow to import

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _server_time(headers: Mapping[str, str], now: float) -> float:
    date = _date(headers.get("Date", ""))
    return now if date is None else date


@frozen
class Reading:
    """What the X-RateLimit headers of one answer say."""

    remaining: int
    limit: int | None
    resets_in: float | None


def reading_of(headers: Mapping[str, str], now: float) -> Reading | None:
    """Read the X-RateLimit headers; None where they are not there, or make no sense."""
    remaining = _number(headers.get(REMAINING))
    limit = _number(headers.get("X-RateLimit-Limit"))
    if remaining is None or (limit is not None and remaining > limit):
        return None
    whole = None if limit is None else int(limit)
    return Reading(int(remaining), whole, resets_in(headers, now))


def resets_in(headers: Mapping[str, str], now: float) -> float | None:
    """Read X-RateLimit-Reset as seconds from *now*; it may be those, or a Unix time."""
    reset = _number(headers.get("X-RateLimit-Reset"))
    if reset is not None and reset >= _UNIX_TIME_FROM:
        reset -= _server_time(headers, now)
    return reset if reset is not None and 0 < reset <= _LONGEST_WAIT else None


class Quota:
    """Keep a told rate, however long requests take to reach the server.

    A permit comes back *per* seconds after its answer. An answer is later than the
    request's arrival and a request earlier, so no *per* seconds at the server hold more
    than *limit* arrivals. The quickest round trip seen is certainly spent under way,
    and is not waited for a second time.
    """

    def __init__(self, rate: Rate, sent: Iterable[float] = ()) -> None:
        self.rate = rate
        self._sent = deque(sent)
        self._answered: deque[float] = deque()
        self._quickest, self._seen = 1e9, 0
        self._first_answer = math.inf

    def wait(self, now: float) -> float:
        rest = self.rate.per - min(self._under_way(), self.rate.per / 2)
        while self._answered and self._answered[0] + rest <= now:
            self._answered.popleft()
        if len(self._sent) + len(self._answered) < self.rate.limit:
            return 0.0
        return self._answered[0] + rest - now if self._answered else math.inf

    def _under_way(self) -> float:
        # The minimum of a few is not yet the minimum: trust grows with their number.
        return _TRUST * self._quickest * self._seen / (self._seen + _DOUBT)

    def take(self, now: float) -> None:
        self._sent.append(now)

    def undo(self) -> None:
        self._sent.pop()

    def leave(self, now: float, took: float | None) -> None:
        self._sent.popleft()
        # Those that opened together waited for connections, and for each other: how
        # quick one alone is shows in what is sent after an answer has come.
        if took is not None and now - took >= self._first_answer:
            self._quickest = min(self._quickest, took)
            self._seen += 1
        self._first_answer = min(self._first_answer, now)
        self._answered.append(now)


class Budget:
    """Spend what the server says remains, and learn how long its window is.

    Answers overtake each other, so a higher reading is a new window only once all
    requests older than the lowest reading have had time to be answered.
    """

    def __init__(self, started: float) -> None:
        self.limit: int | None = None
        self.window: float | None = None
        self._left: int | None = None
        self._older = 0
        self._read_at = started
        # A window begins between the sending and the answer of the request that opens
        # it: its length is learnt from the first, its end awaited from the second.
        self._sent = self._seen = started

    @property
    def rate(self) -> float | None:
        """Requests a second; None while the window's length is unknown."""
        return self.limit / self.window if self.limit and self.window else None

    def wait(self, now: float, in_flight: int) -> float | None:
        """Return the seconds to wait; None when it takes a probe to know more."""
        if self._left is None or in_flight < self._left:
            return 0.0
        rest = self._over(in_flight) - now
        return rest if rest > 0 else None

    def _over(self, in_flight: int) -> float:
        if self.window is not None:
            return min(self._seen + self.window, self._read_at + LONGEST_HOLD)
        return self._read_at + (_PATIENCE if in_flight else 0.0)

    def leave(
        self, reading: Reading | None, now: float, in_flight: int, opened: float | None
    ) -> None:
        """Take an answer in; *opened* is when it was sent if it opened a window."""
        fresh = not self._older
        self._older = max(self._older - 1, 0)
        if reading is None:
            return
        if opened is not None or (fresh and reading.remaining > (self._left or 0)):
            self._begin(now if opened is None else opened, now)
        if self._left is None or reading.remaining <= self._left:
            self._left, self._older, self._read_at = reading.remaining, in_flight, now
        self.limit = reading.limit or self.limit
        self.learn(reading.resets_in, now)

    def _begin(self, sent: float, now: float) -> None:
        if self.window is not None and self._left == 0:
            self.window = min(self.window, sent - self._sent)  # it was over sooner
        self._left, self._sent, self._seen = None, sent, now

    def refuse(self, after: float | None, now: float, *, probing: bool) -> None:
        if probing:
            self.window = None  # it was taken for shorter than it is
        self._left, self._read_at = 0, now
        self.learn(after, now)

    def learn(self, after: float | None, now: float) -> None:
        """Narrow the window's length; servers round the time that is left up."""
        if after is None:
            return
        length = now + after - self._sent
        length = math.floor(length) or length
        self.window = length if self.window is None else min(self.window, length)


class _Mark(NamedTuple):
    """How many had passed at a time, and for how long nobody had asked until then."""

    at: float
    idle: float
    passed: int


class Pace:
    """Find an unknown rate by spacing requests.

    Between two refusals the server let through just what it allows: that is measured,
    and the spacing set a little wider. What passed while mostly nobody asked shows the
    demand, and not the limit: then a pace begins with a guess, and soon goes faster.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._next = -math.inf
        self._held_at = -math.inf  # when it last made somebody wait
        self._ceiling = math.inf  # the rate last refused
        self._guessed = False
        self._refused_at = 0.0
        self._resumed = _Mark(0.0, 0.0, 0)
        self._marks: list[_Mark] = []
        self._passed = 0
        self._idle = 0.0
        self._idle_since: float | None = None

    def rest(self, now: float) -> None:
        """Take note that nobody is under way or in line."""
        if self._idle_since is None:
            self._idle_since = now

    def begin(self, now: float) -> None:
        """Take note that somebody asks for a turn."""
        if self._idle_since is not None:
            self._idle += now - self._idle_since
            self._idle_since = None

    def wait(self, now: float) -> float:
        if self._next > now:
            self._held_at = now
        return self._next - now

    def take(self, now: float) -> None:
        if self.rate is not None:
            self._next = max(self._next, now - 1 / self.rate) + 1 / self.rate

    def undo(self) -> None:
        if self.rate is not None:
            self._next -= 1 / self.rate

    def count(self, now: float) -> None:
        self._passed += 1
        if not self._marks or now - self._marks[-1].at > _MARK_SECONDS:
            mark = _Mark(now, self._idle, self._passed - 1)
            self._marks = [*self._marks[-1:], mark]

    def refuse(self, now: float, *, probing: bool) -> None:
        self._refused_at = now
        if probing:
            return
        self._marks = self._marks or [_Mark(now, self._idle, self._passed)]
        since = self._marks[0]
        few = self._passed - since.passed < _GUESS
        idle = self._idle - since.idle > (now - since.at) / 2
        self._guessed = self.rate is None and (few or idle)

    def resume(self, now: float, told: float | None) -> None:
        """Go on after a refusal, not much faster than the server let requests pass."""
        # It began to let them pass somewhere since it last refused.
        until = self._refused_at + 0.4 * (now - self._refused_at)
        if self.rate is None:
            self.rate = self._first(until, told)
        else:
            self.rate = self._lower(self.rate, until)
        self._resumed = _Mark(now, self._idle, self._passed)
        self._held_at, self._next = now, now + 1 / self.rate

    def _first(self, until: float, told: float | None) -> float:
        seen = max(self._speed(self._marks[0], until), _SLOWEST)
        if told is not None:
            # It is nearer to the truth than what one refusal makes of it.
            self._guessed = False
            return max(min(seen, _CUT * told), _DEEPEST_CUT * told)
        return max(seen, _GUESS) if self._guessed else seen

    def _lower(self, rate: float, until: float) -> float:
        self._ceiling = rate
        seen = _CUT * self._speed(self._resumed, until)
        return max(min(seen, _CUT * rate), _DEEPEST_CUT * rate, _SLOWEST)

    def grow(self, now: float) -> None:
        if self.rate is not None:
            self.rate *= 1 + self._growth(self.rate, now)

    def _growth(self, rate: float, now: float) -> float:
        if self._guessed:
            return _GUESS_GROWTH
        growth = _CREEP if rate > _NEAR * self._ceiling else _SEARCH
        if now - self._resumed.at > _CALM:
            # By the clock: at a slow pace answers are too few to go by.
            growth += _CALM_GROWTH / rate
        return growth

    def is_moot(self, now: float, told: float) -> bool:
        """Whether it holds nobody, or nobody whom a *told* rate would not hold."""
        if self.rate is None:
            return False
        return self.rate >= told or now - self._held_at > _CALM

    def _speed(self, since: _Mark, until: float) -> float:
        return (self._passed - since.passed) / max(until - since.at, 1e-3)
