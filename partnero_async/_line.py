"""What all calls of a client share: connections, pacing, and what is counted."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final

import attrs

from ._session import Sessions
from ._settings import Settings
from .drift import Drift
from .errors import ClientClosedError, UsageError
from .pacing import Gate, shared_gate
from .retries import RetryBudget

Leaving = Callable[[], Awaitable[None]]

leaving: Final[ContextVar[Leaving | None]] = ContextVar("leaving", default=None)
"""What the writes of a context await once it is their turn, right before they leave.

It may raise: then nothing is sent.
"""


@attrs.define
class Stats:
    """What a client has sent so far."""

    requests: int = 0
    """Requests that were started, repeats and look-ups included."""
    throttled: int = 0
    """Answers of 429 among them."""


class Line:
    """What all calls of a client share, and the views of it that `with_options` makes.

    *gate* and *rng* stand in for the shared gate and the jitter.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        gate: Gate | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._stand_ins = gate, rng
        self._made_in = os.getpid()
        self._pid: int | None = None  # the process that has used it
        self.stats: Stats = Stats()
        self.sessions: Sessions = Sessions(settings)
        self.gate: Gate = gate or shared_gate(
            settings.api_key.digest, settings.origin, settings.rate
        )
        self.budget: RetryBudget = RetryBudget()
        self.drift: Drift = Drift()
        # Jitter, not a secret.
        self.rng: random.Random = rng or random.Random()  # noqa: S311
        self.closed: bool = False

    def check(self, operation: str) -> None:
        """Raise where no call can be made: after `close`, and in a forked child."""
        if self.closed:
            raise ClientClosedError("this client is closed", operation=operation)
        pid = os.getpid()
        if self._pid != pid:
            self._enter_process(pid, operation)

    def _enter_process(self, pid: int, operation: str) -> None:
        if self._pid is not None:
            raise UsageError(
                "this client was used before the process forked, and its connections"
                " are the parent's: make a new client after the fork",
                operation=operation,
            )
        if pid != self._made_in:
            self.renew()
        self._pid = pid

    async def close(self) -> None:
        """Close the connections; calls after this are refused."""
        self.closed = True
        if self._pid in (None, os.getpid()):
            await self.sessions.close()

    def renew(self) -> object:
        """Forget what is the parent's in a forked child; return it, to be kept.

        What is in flight there never lands here, its connections are not ours to close,
        and children that all draw the same delays would all come back at once.
        """
        before = dict(vars(self))
        gate, rng = self._stand_ins
        vars(self).update(vars(Line(self._settings, gate=gate, rng=rng)))
        return before
