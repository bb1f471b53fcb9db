"""Who handles an event: it is claimed before, and done after, once in all processes.

A claim is a lease. Whoever has it and dies leaves it to run out, and the event is
handled when the sender comes again; whoever comes too late to finish a claim that
another has meanwhile changes nothing, since each claim has a token of its own.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Final, Protocol

import attrs

__all__ = ["Claim", "Claims", "MemoryClaims", "Taken"]

SWEEP: Final = 60.0
"""Seconds between two clean-ups."""


@attrs.frozen
class Claim:
    """The right to handle one event, for a while."""

    event_id: str
    token: str = attrs.field(factory=lambda: secrets.token_hex(16))
    """Tells it from any other claim to the same event, before or after."""


class Taken(Enum):
    """Why an event cannot be claimed."""

    BUSY = "busy"
    """Another claim to it has not run out."""
    DONE = "done"
    """It was handled."""


class Claims(Protocol):
    """A store of claims. Its methods may block, and are called in any thread."""

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim an event for as long as *lease*, or say why it cannot be.

        Of all that claim it at once, in any process, one gets it.
        """
        ...

    def done(self, claim: Claim, *, keep: timedelta) -> bool:
        """Record that the event was handled, and remember it for as long as *keep*.

        Return False, and change nothing, where another has or had a claim since.
        """
        ...

    def release(self, claim: Claim) -> bool:
        """Give a claim back, so that the event can be claimed at once.

        Return False, and change nothing, where it is no longer there.
        """
        ...


@attrs.define
class _Held:
    token: str | None
    """None once it is done."""
    until: float
    """Unix seconds; then it is as if it was never there."""


class MemoryClaims:
    """Claims of one process; a restart forgets them. For tests, and a single worker."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._swept = clock()

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim an event for as long as *lease*, or say why it cannot be."""
        now = self._clock()
        with self._lock:
            self._sweep(now)
            held = self._held.get(event_id)
            if held and held.until > now:
                return Taken.BUSY if held.token else Taken.DONE
            claim = Claim(event_id)
            self._held[event_id] = _Held(claim.token, now + lease.total_seconds())
            return claim

    def done(self, claim: Claim, *, keep: timedelta) -> bool:
        """Record that the event was handled, and remember it for as long as *keep*."""
        with self._lock:
            held = self._held.get(claim.event_id)
            if held and held.token != claim.token:
                return False
            until = self._clock() + keep.total_seconds()
            self._held[claim.event_id] = _Held(None, until)
            return True

    def release(self, claim: Claim) -> bool:
        """Give a claim back, so that the event can be claimed at once."""
        with self._lock:
            held = self._held.get(claim.event_id)
            if not held or held.token != claim.token:
                return False
            del self._held[claim.event_id]
            return True

    def _sweep(self, now: float) -> None:
        """Forget what has run out."""
        if now - self._swept < SWEEP:
            return
        self._swept = now
        gone = [name for name, held in self._held.items() if held.until <= now]
        for name in gone:
            del self._held[name]
