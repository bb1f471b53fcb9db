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

After every 429 all wait, then one request goes first and shows whether the rest may;
one that is not answered is followed by another.
A spacing that has held nobody for a while is forgotten.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from weakref import WeakValueDictionary

from attrs import frozen

from ._limits import (
    LONGEST_HOLD,
    REMAINING,
    Budget,
    Pace,
    Quota,
    Rate,
    Reading,
    reading_of,
    resets_in,
    retry_after,
)
from ._loops import running_loop

__all__ = [
    "LONGEST_HOLD",
    "Gate",
    "GateState",
    "Rate",
    "resets_in",
    "retry_after",
    "shared_gate",
]

_TOO_MANY: Final = 429

# An unknown limit is met by as many requests as are in flight when the first 429 comes
# back. Growing into full concurrency keeps that number small and costs a second, once.
_OPENING_FLIGHT = 8.0
_OPENING_GROWTH = 0.04
_OPENING_END = 64.0
_OPENING_SECONDS = 1.0

_FIRST_HOLD = 0.16
_LONGER = 1.6  # doubled, a third hold now and then costs most of a window of a second
_PROBE_PATIENCE = 4.0  # longer than a slow answer takes, much less than a deadline
_TICK = 1e-4  # no timer is shorter: a clock too coarse to see it pass would spin


@frozen
class GateState:
    """Show a gate at one moment, for progress displays."""

    rate: float | None
    """Requests allowed a second as far as known."""
    in_flight: int
    waiting: int
    held_for: float
    """Seconds until anyone may pass again; 0 when the gate is not held."""


class _Waiter:
    __slots__ = ("future", "granted", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.granted = False

    def grant(self) -> None:
        if self.loop is running_loop():
            _wake(self.future)
        else:
            self.loop.call_soon_threadsafe(_wake, self.future)
        self.granted = True


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


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
        self._quota = None if rate is None else Quota(rate)
        self._budget: Budget | None = None
        self._pace = Pace()
        self._flight = math.inf if rate else _OPENING_FLIGHT
        self._opened = math.nan
        self._held_until = -math.inf
        self._strikes = 0
        self._probing = False
        self._probe_sent: float | None = None

    # --- the door ---

    def slip(self) -> bool:
        """Take a turn where the gate is open; False where `enter` has to be awaited."""
        with self._lock:
            if self._free:
                if not self._in_flight:
                    self._pace.begin(self._clock())
                self._in_flight += 1
            return self._free

    async def enter(self) -> float:
        """Wait for a turn and take it; return the seconds waited.

        Cancelling gives the turn to the next in line.
        """
        if self.slip():
            return 0.0
        with self._lock:
            came = self._clock()
            self._pace.begin(came)
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

    def leave(
        self, status: int | None, headers: Mapping[str, str], took: float | None = None
    ) -> None:
        """Take in the answer to a request that had entered; exactly once for each.

        *status* is None when no answer came. *took* is how many seconds it was under
        way, where that is known: by it a told rate allows for the time to the server.
        """
        with self._lock:
            now = self._clock()
            self._in_flight -= 1
            if self._free and status != _TOO_MANY and REMAINING not in headers:
                self._pace.count(now)
                if not self._in_flight:
                    self._pace.rest(now)
                return
            wall = self._wall()
            reading = reading_of(headers, wall)
            # Whoever is answered first after the probe has left stands for it: waiting
            # for the probe itself could mean waiting for the slowest before it.
            probe, self._probe_sent = self._probe_sent, None
            old = self._probing and probe is None
            if self._quota:
                self._quota.leave(now, took)
            if status == _TOO_MANY:
                after = retry_after(headers, wall) or resets_in(headers, wall)
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
            sent = self._probe_sent
            return 0.0 if sent is None else sent + _PROBE_PATIENCE - now
        if self._pace.is_moot(now, self._told or math.inf):
            self._forget_pace(now)
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

    def _forget_pace(self, now: float) -> None:
        self._pace = Pace()
        if self._quota is None:
            self._flight, self._opened = _OPENING_FLIGHT, now

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
                self._quota = Quota(rate, [self._clock()] * self._in_flight)
                self._flight, self._free = math.inf, False

    # --- what answers teach ---

    def _answered(
        self, reading: Reading | None, now: float, probe: float | None
    ) -> None:
        self._pace.count(now)
        if probe is not None:
            self._strikes, self._probing = 0, False
        if reading and self._budget is None:
            self._begin_budget(now)
        if self._budget:
            self._budget.leave(reading, now, self._in_flight, probe)
        elif probe is not None:
            self._pace.resume(now, self._told)
        elif self._waiters:
            self._pace.grow(now)
        self._widen()

    def _begin_budget(self, now: float) -> None:
        opening = self._flight < math.inf
        self._budget = Budget(self._opened if opening else now)
        self._pace, self._flight = Pace(), math.inf

    def _widen(self) -> None:
        if self._flight < math.inf:
            wider = self._flight + _OPENING_GROWTH
            self._flight = wider if wider < _OPENING_END else math.inf

    def _refused(
        self, reading: Reading | None, after: float | None, now: float, *, old: bool
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
        longer = _FIRST_HOLD * _LONGER ** min(self._strikes - 1, 32)
        return min(longer, LONGEST_HOLD) * self._rng.uniform(0.75, 1.25)

    # --- the line ---

    def _serve(self) -> None:
        """Let pass whoever may, and set timers for the next."""
        now = self._clock()
        rest = math.inf
        while self._waiters and (rest := self._wait(now)) <= 0:
            self._grant(self._waiters.popleft(), now)
        if self._waiters and rest < math.inf:
            self._set_timers(now, rest)
        self._free = not self._waiters and self._is_unlimited(now)
        if not self._waiters and not self._in_flight:
            self._pace.rest(now)

    def _is_unlimited(self, now: float) -> bool:
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
        if loop is running_loop():
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
        with self._lock:  # not while another thread grants a turn: it is in no count
            return self._in_flight

    @property
    def waiting(self) -> int:
        """Requests in line."""
        with self._lock:
            return len(self._waiters)

    def snapshot(self) -> GateState:
        """Show the gate at this moment."""
        with self._lock:
            held_for = max(self._held_until - self._clock(), 0.0)
            return GateState(self._rate(), self._in_flight, self.waiting, held_for)

    @property
    def _told(self) -> float | None:
        return self._quota.rate.per_second if self._quota else None

    def _rate(self) -> float | None:
        rates = (self._told, self._budget and self._budget.rate, self._pace.rate)
        return min((rate for rate in rates if rate), default=None)


class _Gates:
    """The gates of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: WeakValueDictionary[tuple[str, str], Gate] = WeakValueDictionary()

    def forget(self) -> None:
        """Begin anew in a forked child: what is in flight in the parent never lands."""
        # The lock too: a thread that is not in the child may have held it.
        self.lock, self.known = threading.Lock(), WeakValueDictionary()


_gates = _Gates()
with suppress(AttributeError):  # Windows does not fork
    os.register_at_fork(after_in_child=_gates.forget)


def shared_gate(key_digest: str, origin: str, rate: Rate | None = None) -> Gate:
    """Return the one gate of this process for a key and an origin.

    A *rate* counts for all who share the gate; of several, the first told is kept.
    """
    with _gates.lock:
        gate = _gates.known.get((key_digest, origin))
        if gate is None:
            gate = _gates.known[key_digest, origin] = Gate(rate)
    if rate is not None:
        gate.tell(rate)
    return gate
