"""Pace the requests of one key to one origin: learn the limit, hold everyone on a 429.

The vendor publishes no limit, so a gate begins open and learns from the answers:

====================  =========================================================
what is known         who may pass
====================  =========================================================
nothing               everyone, after an opening of at most a second
a rate told           *limit* requests in any *per* seconds, as the server sees them
``X-RateLimit-...``   as many as remain, less those in flight; then a lone probe
429 without headers   evenly spaced; slowly faster, at once slower
====================  =========================================================

After every 429 all wait, then one request goes first and shows whether the rest may.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import threading
import time
from collections import deque
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LONGEST_HOLD: Final = 120.0
"""Seconds that a gate waits at most before it asks again, whatever a header says."""

_LONGEST_WAIT = 366 * 86400.0
_LONGEST_TEXT = 40
_UNIX_TIME_FROM = 1e8  # a smaller X-RateLimit-Reset is a number of seconds
_TOO_MANY = 429
_REMAINING = "X-RateLimit-Remaining"

# An unknown limit is met by as many requests as are in flight when the first 429 comes
# back. Growing into full concurrency keeps that number small and costs a second, once.
_OPENING_FLIGHT = 8.0
_OPENING_GROWTH = 0.04
_OPENING_END = 64.0
_OPENING_SECONDS = 1.0

_PATIENCE = 1.0
_TICK = 1e-4  # no timer is shorter: a clock too coarse to see it pass would spin
_TRUST, _DOUBT = 0.9, 30
_FIRST_HOLD = 0.16
_CUT, _DEEPEST_CUT = 0.95, 0.7
_SEARCH, _CREEP = 0.001, 0.0003
_NEAR = 0.85
_SLOWEST = 0.02
_MARK_SECONDS = 10.0

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


@frozen
class GateState:
    """Show a gate at one moment, for progress displays."""

    rate: float | None
    """Requests allowed a second as far as known."""
    in_flight: int
    waiting: int
    held_for: float
    """Seconds until anyone may pass again; 0 when the gate is not held."""


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
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _server_time(headers: Mapping[str, str], now: float) -> float:
    date = _date(headers.get("Date", ""))
    return now if date is None else date


@frozen
class _Reading:
    """What the X-RateLimit headers of one answer say."""

    remaining: int
    limit: int | None
    resets_in: float | None


def _read(headers: Mapping[str, str], now: float) -> _Reading | None:
    remaining = _number(headers.get(_REMAINING))
    limit = _number(headers.get("X-RateLimit-Limit"))
    if remaining is None or (limit is not None and remaining > limit):
        return None
    resets_in = _resets_in(headers, now)
    return _Reading(int(remaining), None if limit is None else int(limit), resets_in)


def _resets_in(headers: Mapping[str, str], now: float) -> float | None:
    reset = _number(headers.get("X-RateLimit-Reset"))
    if reset is not None and reset >= _UNIX_TIME_FROM:
        reset -= _server_time(headers, now)
    return reset if reset is not None and 0 < reset <= _LONGEST_WAIT else None


class _Quota:
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

    def leave(self, now: float) -> None:
        # Matching answers to requests in order never shows less than the true minimum.
        self._quickest = min(self._quickest, now - self._sent.popleft())
        self._seen += 1
        self._answered.append(now)


class _Budget:
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
        self, reading: _Reading | None, now: float, in_flight: int, opened: float | None
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


class _Pace:
    """Find an unknown rate by spacing requests.

    Between two refusals the server let through just what it allows: that is measured,
    and the spacing set a little wider.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._next = -math.inf
        self._ceiling = math.inf  # the rate last refused
        self._refused_at = 0.0
        self._since: tuple[float, int] | None = None  # time and passes
        self._marks: list[tuple[float, int]] = []
        self._passed = 0

    def wait(self, now: float) -> float:
        return self._next - now

    def take(self, now: float) -> None:
        if self.rate is not None:
            self._next = max(self._next, now - 1 / self.rate) + 1 / self.rate

    def undo(self) -> None:
        if self.rate is not None:
            self._next -= 1 / self.rate

    def count(self, now: float) -> None:
        self._passed += 1
        if not self._marks or now - self._marks[-1][0] > _MARK_SECONDS:
            self._marks = [*self._marks[-1:], (now, self._passed - 1)]

    def refuse(self, now: float, *, probing: bool) -> None:
        self._refused_at = now
        if probing:
            return
        if self.rate is not None and self._since is not None:
            self._ceiling = self.rate
            seen = _CUT * self._speed(self._since, now)
            most, least = _CUT * self.rate, _DEEPEST_CUT * self.rate
            self.rate = max(min(seen, most), least, _SLOWEST)
        self._since = (now, self._passed)
        self._marks = self._marks or [self._since]

    def resume(self, now: float) -> None:
        """Go on after a refusal; after the first one, at the speed seen so far."""
        if self.rate is None:
            # The server began to let requests pass somewhere since it last refused.
            since = self._refused_at + 0.4 * (now - self._refused_at)
            self.rate = max(self._speed(self._marks[0], since), _SLOWEST)
        self._since = (now, self._passed)
        self._next = now + 1 / self.rate if self.rate else now

    def grow(self, highest: float) -> None:
        if self.rate is not None:
            near = self.rate > _NEAR * self._ceiling
            self.rate *= 1 + (_CREEP if near else _SEARCH)
            self.rate = min(self.rate, highest)

    def _speed(self, since: tuple[float, int], now: float) -> float:
        return (self._passed - since[1]) / max(now - since[0], 1e-3)


class _Waiter:
    __slots__ = ("future", "granted", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.granted = False

    def grant(self) -> None:
        if self.loop is _running_loop():
            _wake(self.future)
        else:
            self.loop.call_soon_threadsafe(_wake, self.future)
        self.granted = True


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Gate:
    """Let requests pass in the order they came, as fast as the server allows.

    *rate* is kept without probing. *clock* gives seconds on any scale, *wall* Unix
    time. Tasks of several event loops and threads may share one gate.
    """

    def __init__(
        self,
        rate: Rate | None = None,
        *,
        clock: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock or time.monotonic
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        # Reentrant: a collected task withdraws, wherever the collector happens to run.
        self._lock = threading.RLock()
        self._waiters: deque[_Waiter] = deque()
        self._due: dict[asyncio.AbstractEventLoop, float] = {}
        self._in_flight = 0
        self._free = False
        self._quota = None if rate is None else _Quota(rate)
        self._budget: _Budget | None = None
        self._pace = _Pace()
        self._flight = math.inf if rate else _OPENING_FLIGHT
        self._opened = math.nan
        self._held_until = -math.inf
        self._strikes = 0
        self._probing = False
        self._probe_sent: float | None = None

    # --- the door ---

    async def enter(self) -> float:
        """Wait for a turn and take it; return the seconds waited.

        Cancelling gives the turn to the next in line.
        """
        with self._lock:
            if self._free:
                self._in_flight += 1
                return 0.0
            came = self._clock()
            if not self._waiters and self._wait(came) <= 0:
                self._take(came)
                return 0.0
            waiter = _Waiter()
            self._waiters.append(waiter)
            self._due.setdefault(waiter.loop, math.inf)
            self._serve()
        try:
            await waiter.future
        except BaseException:
            self._withdraw(waiter)
            raise
        return self._clock() - came

    def leave(self, status: int | None, headers: Mapping[str, str]) -> None:
        """Take in the answer to a request that had entered; exactly once for each.

        *status* is None when no answer came.
        """
        with self._lock:
            now = self._clock()
            self._in_flight -= 1
            if self._free and status != _TOO_MANY and _REMAINING not in headers:
                self._pace.count(now)
                return
            wall = self._wall()
            reading = _read(headers, wall)
            # Whoever is answered first after the probe has left stands for it: waiting
            # for the probe itself could mean waiting for the slowest before it.
            probe, self._probe_sent = self._probe_sent, None
            old = self._probing and probe is None
            if self._quota:
                self._quota.leave(now)
            if status == _TOO_MANY:
                after = retry_after(headers, wall) or _resets_in(headers, wall)
                self._refused(reading, after, now, old=old)
            elif status is not None:
                self._answered(reading, now, probe)
            self._serve()

    def _wait(self, now: float) -> float:
        """Return the seconds until one more may pass; inf: not before an answer."""
        if now < self._held_until:
            return self._held_until - now
        if self._quota and (rest := self._quota.wait(now)):
            return rest
        if self._probing:
            return 0.0 if self._probe_sent is None else math.inf
        if self._in_flight >= self._flight:
            return self._open(now)
        if self._budget:
            known = self._budget.wait(now, self._in_flight)
            return self._probe() if known is None else known
        return self._pace.wait(now)

    def _open(self, now: float) -> float:
        rest = self._opened + _OPENING_SECONDS - now
        if rest <= 0:
            self._flight = math.inf
        return rest

    def _probe(self) -> float:
        self._probing = True
        return 0.0

    def _take(self, now: float) -> None:
        self._in_flight += 1
        if self._quota:
            self._quota.take(now)
        if self._probing:
            self._probe_sent = now
        if math.isnan(self._opened):
            self._opened = now
        self._pace.take(now)

    def tell(self, rate: Rate) -> None:
        """Keep *rate* from now on, unless another has been told before."""
        with self._lock:
            if self._quota is None:
                self._quota = _Quota(rate, [self._clock()] * self._in_flight)
                self._flight, self._free = math.inf, False

    # --- what answers teach ---

    def _answered(
        self, reading: _Reading | None, now: float, probe: float | None
    ) -> None:
        self._pace.count(now)
        if probe is not None:
            self._strikes, self._probing = 0, False
        if reading and self._budget is None:
            self._begin_budget(now)
        if self._budget:
            self._budget.leave(reading, now, self._in_flight, probe)
        elif probe is not None:
            self._pace.resume(now)
        elif self._waiters:
            self._pace.grow(self._quota.rate.per_second if self._quota else math.inf)
        self._widen()

    def _begin_budget(self, now: float) -> None:
        opening = self._flight < math.inf
        self._budget = _Budget(self._opened if opening else now)
        self._pace, self._flight = _Pace(), math.inf

    def _widen(self) -> None:
        if self._flight < math.inf:
            wider = self._flight + _OPENING_GROWTH
            self._flight = wider if wider < _OPENING_END else math.inf

    def _refused(
        self, reading: _Reading | None, after: float | None, now: float, *, old: bool
    ) -> None:
        if reading and self._budget is None:
            self._begin_budget(now)
        self._flight = math.inf
        if self._budget:
            self._budget.leave(reading, now, self._in_flight, None)
        if old:
            self._hold(after or 0.0, now)
            return
        probing, self._probing = self._probing, True
        self._strikes += 1
        if self._budget:
            self._budget.refuse(after, now, probing=probing)
        else:
            self._pace.refuse(now, probing=probing)
        self._hold(after or self._backoff(), now)

    def _hold(self, seconds: float, now: float) -> None:
        self._held_until = max(self._held_until, now + min(seconds, LONGEST_HOLD))

    def _backoff(self) -> float:
        doubled = _FIRST_HOLD * 2.0 ** min(self._strikes - 1, 16)
        return min(doubled, LONGEST_HOLD) * self._rng.uniform(0.75, 1.25)

    # --- the line ---

    def _serve(self) -> None:
        """Let pass whoever may, and set timers for the next."""
        now = self._clock()
        rest = math.inf
        while self._waiters and (rest := self._wait(now)) <= 0:
            self._grant(self._waiters.popleft(), now)
        if self._waiters and rest < math.inf:
            self._set_timers(now, rest)
        self._free = not self._waiters and self._is_open(now)

    def _is_open(self, now: float) -> bool:
        limited = self._quota or self._budget or self._pace.rate or self._probing
        return not limited and self._flight == math.inf and now >= self._held_until

    def _grant(self, waiter: _Waiter, now: float) -> None:
        try:
            waiter.grant()
        except RuntimeError:  # its loop is closed: the turn goes to the next in line
            return
        self._take(now)

    def _withdraw(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.granted:
                self._give_back()
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            else:  # passed over, since its loop was closed
                return
            self._serve()

    def _give_back(self) -> None:
        self._in_flight -= 1
        self._probe_sent = None
        self._pace.undo()
        if self._quota:
            self._quota.undo()

    def _set_timers(self, now: float, rest: float) -> None:
        # Every loop with someone in line has a timer: any of them may close unasked.
        due = now + rest
        for loop, before in list(self._due.items()):
            if loop.is_closed():
                del self._due[loop]
            elif before > due + _TICK:
                self._due[loop] = due
                self._set_timer(loop, rest, due)

    def _set_timer(
        self, loop: asyncio.AbstractEventLoop, rest: float, due: float
    ) -> None:
        if loop is _running_loop():
            loop.call_later(max(rest, _TICK), self._tick, loop, due)
        else:
            with suppress(RuntimeError):  # closed just now
                loop.call_soon_threadsafe(self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        with self._lock:
            if self._due.get(loop) != due:
                return  # an earlier timer has taken its place
            if any(waiter.loop is loop for waiter in self._waiters):
                self._due[loop] = math.inf
            else:
                self._due.pop(loop, None)
            self._serve()

    # --- what it looks like from outside ---

    @property
    def held_until(self) -> float | None:
        """The clock's time until which everyone is held; None when nobody is."""
        held = self._held_until
        return held if held > self._clock() else None

    @property
    def in_flight(self) -> int:
        """Requests that have entered and not left."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return len(self._waiters)

    def snapshot(self) -> GateState:
        """Show the gate at this moment."""
        with self._lock:
            held_for = max(self._held_until - self._clock(), 0.0)
            return GateState(self._rate(), self._in_flight, self.waiting, held_for)

    def _rate(self) -> float | None:
        told = self._quota and self._quota.rate.per_second
        rates = (told, self._budget and self._budget.rate, self._pace.rate)
        return min((rate for rate in rates if rate), default=None)


_gates: WeakValueDictionary[tuple[str, str], Gate] = WeakValueDictionary()
_gates_lock = threading.Lock()


def shared_gate(key_digest: str, origin: str, rate: Rate | None = None) -> Gate:
    """Return the one gate of this process for a key and an origin.

    A *rate* counts for all who share the gate; of several, the first told is kept.
    """
    with _gates_lock:
        gate = _gates.get((key_digest, origin))
        if gate is None:
            gate = _gates[key_digest, origin] = Gate(rate)
    if rate is not None:
        gate.tell(rate)
    return gate
