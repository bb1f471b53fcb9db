"""One call: its attempts, its waits, and its write in doubt, under one deadline.

What a failure means is decided in `retries`, how fast to send in `pacing`, how to send
in `_session`; here it is carried out.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, TypeVar, cast

import attrs

from ._convert import read
from ._lookup import Lookup
from ._session import Failure, Flight, Sessions
from ._settings import Settings
from ._wire import Answer, Request, Verdict, explain, judge, request, request_id
from .drift import Drift, Finding
from .errors import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    Attempt,
    ClientClosedError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    DriftError,
    DuplicateDetectedError,
    NotFoundError,
    PartneroError,
    RateLimitError,
    UnexpectedBodyError,
)
from .pacing import Gate, retry_after, shared_gate
from .retries import (
    ATTEMPTS,
    LEAST_TIME,
    Action,
    Kind,
    Known,
    Outcome,
    RetryBudget,
    backoff,
    decide,
)

T = TypeVar("T")

READ_TIME: Final = 15.0
"""Seconds that one attempt of a read may take."""
WRITE_TIME: Final = 30.0
"""Seconds that one attempt of a write may take: to give up early puts it in doubt."""
LONGEST_WAIT: Final = 120.0
"""Seconds of ``Retry-After`` that are waited for; a longer wait is for the caller."""
WORTH_A_LOG: Final = 2.0
"""Seconds: a longer wait is logged."""

MAY_HAVE_APPLIED: Final = frozenset(
    {Outcome.LOST, Outcome.FAILED, Outcome.REDIRECTED, Outcome.BROKEN}
)

AGAIN: Final = object()
"""The write is proven absent, and may be sent again."""

logger = logging.getLogger("partnero")


@attrs.define
class Stats:
    """What a client has sent so far."""

    requests: int = 0
    """Requests that were started, repeats and look-ups included."""
    throttled: int = 0
    """Answers of 429 among them."""


class Line:
    """What all calls of a client share."""

    def __init__(
        self, settings: Settings, *, gate: Gate | None, rng: random.Random | None
    ) -> None:
        self.settings = settings
        self.stats: Stats = Stats()
        self.sessions: Sessions = Sessions(settings)
        self.gate: Gate = gate or shared_gate(
            settings.api_key.digest, settings.origin, settings.rate
        )
        self.budget: RetryBudget = RetryBudget()
        self.drift: Drift = Drift()
        # Jitter, not a secret.
        self.rng: random.Random = rng or random.Random()  # noqa: S311
        self.closed = False


class Call:
    """One call, from its first request to its result."""

    __slots__ = (
        "_attempts",
        "_deadline",
        "_failures",
        "_in_doubt",
        "_key",
        "_kind",
        "_last",
        "_line",
        "_lookup",
        "_loop",
        "_request",
        "_returns_existing",
        "_started",
        "_throttled",
        "_wants_answer",
    )

    def __init__(
        self,
        line: Line,
        request: Request,
        kind: Kind,
        *,
        deadline: float,
        key: str | None = None,
        lookup: Lookup | None = None,
        returns_existing: bool = False,
    ) -> None:
        self._line = line
        self._request = request
        self._kind = kind
        self._deadline = deadline
        self._key = key
        self._lookup = lookup
        self._returns_existing = returns_existing
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._attempts: list[Attempt] = []
        self._failures = 0
        self._in_doubt = False
        self._last: Answer | Failure | None = None
        self._throttled: Answer | None = None
        self._wants_answer = True

    # --- the way down and up -------------------------------------------------

    async def run(self, result: type[T]) -> T:
        """Go on until there is a result, or an error."""
        self._wants_answer = result is not NoneType
        while True:
            verdict = await self._attempt()
            if verdict.outcome is Outcome.OK:
                return self._read(result, verdict)
            action = decide(self._kind, verdict.outcome, self._known())
            self._note(verdict, action)
            match action:
                case Action.RETRY:
                    await self._pause(verdict)
                case Action.HOLD:
                    self._refuse_long_wait(verdict)
                case Action.RAISE:
                    raise self._error(verdict)
                case Action.DONE:
                    return cast("T", None)
                case _:
                    resolved = await self._resolve(action, verdict)
                    if resolved is not AGAIN:
                        return cast("T", resolved if self._wants_answer else None)
                    await self._pause(verdict)

    def _read(self, result: type[T], verdict: Verdict) -> T:
        self._line.budget.give_back(repeated=self._failures > 0)
        found: list[Finding] = []
        try:
            value = read(result, verdict.payload, self._request.operation, found)
            return value if not found else self._with_drift(value, found)
        except DriftError as error:
            self._in_doubt = self._kind is not Kind.READ
            raise self._complete(error) from None
        except UnexpectedBodyError as error:
            if self._kind is Kind.READ:
                raise self._complete(error) from None
            applied = AppliedUnreadableError(error.message)
        self._in_doubt = True
        raise self._complete(applied)

    def _with_drift(self, value: T, found: list[Finding]) -> T:
        for finding in found:
            self._line.drift.note(finding)
        if self._line.settings.strict:
            raise DriftError("; ".join(map(str, found)))
        return value

    def _known(self) -> Known:
        status = self._last.status if isinstance(self._last, Answer) else None
        return Known(
            method=self._request.method,
            status=status,
            in_doubt=self._in_doubt,
            keyed=self._lookup is not None,
            returns_existing=self._returns_existing,
            wants_answer=self._wants_answer,
        )

    # --- one attempt ---------------------------------------------------------

    async def _attempt(self) -> Verdict:
        flight = Flight()
        began = self._loop.time()
        try:
            came = await self._send(flight)
        except TimeoutError:
            why = f"out of time while waiting for {flight.waits_for}"
            came = flight.lost(why, timed_out=True)
        self._last = came
        self._record(began, came)
        if isinstance(came, Answer):
            return judge(came)
        return Verdict(came.outcome, why=came.why)

    async def _send(self, flight: Flight) -> Answer | Failure:
        line = self._line
        if line.closed:
            raise self._complete(ClientClosedError("the client was closed meanwhile"))
        session = await line.sessions.here()
        # Most often nobody is in line, and one timer does: two cost 5 us more.
        prompt = line.gate.is_open and not session.slots.locked()
        until = self._until() if prompt else self._deadline
        async with asyncio.timeout_at(until) as limit, session.slots:
            flight.waits_for = "the rate limit"
            waited = await line.gate.enter()
            flight.waits_for = "an answer"
            if waited > WORTH_A_LOG:
                self._log_wait(waited, "the rate limit")
            came: Answer | Failure | None = None
            try:
                if not prompt:
                    limit.reschedule(self._until())
                line.stats.requests += 1
                came = await session.send(self._request, flight)
                return came
            finally:
                if isinstance(came, Answer):
                    line.gate.leave(came.status, came.headers)
                else:
                    line.gate.leave(None, {})

    def _until(self) -> float:
        """Return the end of an attempt that starts now."""
        longest = READ_TIME if self._kind is Kind.READ else WRITE_TIME
        return min(self._deadline, self._loop.time() + longest)

    def _record(self, began: float, came: Answer | Failure) -> None:
        text = str(came.status) if isinstance(came, Answer) else came.why
        took = self._loop.time() - began
        attempt = Attempt(began - self._started, took, text, "")
        self._attempts.append(attempt)
        logger.debug(
            "%s attempt %d: %s in %.3f s",
            self._request.operation,
            len(self._attempts),
            text,
            took,
        )

    def _note(self, verdict: Verdict, action: Action) -> None:
        """Keep what an attempt has shown, and what was decided about it."""
        self._attempts[-1] = attrs.evolve(self._attempts[-1], then=action.value)
        if verdict.outcome is Outcome.THROTTLED:
            self._throttled = cast("Answer", self._last)
            self._line.stats.throttled += 1
        elif verdict.outcome in MAY_HAVE_APPLIED and self._kind is not Kind.READ:
            self._in_doubt = True

    # --- waiting -------------------------------------------------------------

    async def _pause(self, verdict: Verdict) -> None:
        """Wait before a repeat; raise where no repeat is left."""
        self._failures += 1
        wait = backoff(self._failures, self._line.rng, self._asked_to_wait())
        enough = self._loop.time() + wait + LEAST_TIME <= self._deadline
        if self._failures >= ATTEMPTS or not enough or not self._line.budget.take():
            raise self._error(verdict, out_of_time=not enough)
        if wait > WORTH_A_LOG:
            self._log_wait(wait, verdict.why)
        await asyncio.sleep(wait)

    def _asked_to_wait(self) -> float | None:
        if not isinstance(self._last, Answer):
            return None
        wait = retry_after(self._last.headers, time.time())
        return None if wait is None else min(wait, LONGEST_WAIT)

    def _refuse_long_wait(self, verdict: Verdict) -> None:
        """Raise at once where a 429 asks for more time than this call has."""
        last = cast("Answer", self._last)
        now = time.time()
        wait = retry_after(last.headers, now) or 0.0
        left = self._deadline - self._loop.time()
        if wait > LONGEST_WAIT or wait + LEAST_TIME > left:
            error = self._error(verdict)
            error.retry_at = datetime.fromtimestamp(now + wait, UTC)
            raise error

    def _log_wait(self, seconds: float, why: str) -> None:
        logger.info("%s waits %.1f s: %s", self._request.operation, seconds, why)

    # --- writes in doubt -----------------------------------------------------

    async def _resolve(self, action: Action, verdict: Verdict) -> Any:
        """Look for what a write has left behind; AGAIN where it may be sent again."""
        lookup = self._lookup
        if lookup is None:
            raise self._ambiguous(verdict)
        if action is Action.SETTLE:
            return await self._settle(lookup, verdict)
        found = await self._find(lookup)
        # What was accepted is what is there now, whatever of it can be compared.
        accepted = action is Action.READ_BACK and self._kind is Kind.STATE
        same = [record for record in found if accepted or lookup.same(record)]
        if same:
            return same[0]
        if action is Action.READ_BACK:
            raise self._ambiguous(verdict)
        if found and self._kind is Kind.UNIQUE:
            raise self._complete(ConflictError("the key is taken by other values"))
        if action is Action.RECONCILE:
            return AGAIN
        raise self._error(verdict)

    async def _settle(self, lookup: Lookup, verdict: Verdict) -> Any:
        """Look twice for a money write, since it may still be under way."""
        settings = self._line.settings
        there = False
        for pause in (settings.settle, settings.settle * 2):
            if self._loop.time() + pause + LEAST_TIME > self._deadline:
                raise self._ambiguous(verdict)
            await asyncio.sleep(pause)
            found = await self._find(lookup)
            if lookup.gone and not found:
                return None
            if not lookup.gone and self._shows(found, lookup):
                return found[0]
            there = there or bool(found)
        if there and not lookup.gone:
            raise self._ambiguous(verdict, "its key is there with other values")
        resend = settings.on_ambiguous == "resend_after_settle"
        if resend and self._kind is Kind.MONEY:
            return AGAIN
        raise self._ambiguous(verdict)

    def _shows(self, found: list[Any], lookup: Lookup) -> bool:
        if len(found) > 1:
            raise self._complete(DuplicateDetectedError(f"recorded {len(found)} times"))
        return bool(found) and lookup.same(found[0])

    async def _find(self, lookup: Lookup) -> list[Any]:
        sent = request(lookup.operation, parts=lookup.parts, query=lookup.query)
        call = Call(self._line, sent, Kind.READ, deadline=self._deadline)
        try:
            found = await call.run(lookup.result)
        except NotFoundError:
            return []
        except PartneroError as error:
            failed = self._complete(
                AmbiguousWriteError(f"no answer, and its look-up failed: {error}")
            )
        else:
            records = found.items if lookup.paged else [found]
            return [record for record in records if lookup.mine(record)]
        raise failed

    # --- errors --------------------------------------------------------------

    def _ambiguous(self, verdict: Verdict, found: str = "") -> PartneroError:
        if verdict.outcome is Outcome.BROKEN:
            return self._complete(
                AppliedUnreadableError(f"accepted, but {verdict.why}")
            )
        return self._complete(
            AmbiguousWriteError(
                "it is not known whether this took effect:"
                f" {found or self._why(verdict)}"
            )
        )

    def _why(self, verdict: Verdict) -> str:
        if isinstance(self._last, Answer):
            return f"{self._last.status}, {verdict.why}"
        return verdict.why

    def _error(self, verdict: Verdict, *, out_of_time: bool = False) -> PartneroError:
        last = self._last
        if isinstance(last, Answer):
            return self._complete(explain(last, verdict, self._request.operation))
        if self._throttled and verdict.outcome is Outcome.NOT_SENT:
            return self._complete(RateLimitError("no turn within this call's time"))
        timed_out = out_of_time or (last is not None and last.timed_out)
        kind = DeadlineExceededError if timed_out else ConnectionFailedError
        return self._complete(kind(verdict.why))

    def _complete(self, error: PartneroError) -> PartneroError:
        """Fill in what is known of this call."""
        error.operation = self._request.operation
        error.attempts = tuple(self._attempts)
        error.elapsed = self._loop.time() - self._started
        error.key = self._key
        error.maybe_applied = self._in_doubt or isinstance(error, AmbiguousWriteError)
        if isinstance(self._last, Answer):
            error.status = self._last.status
            error.request_id = request_id(self._last.headers)
        return error
