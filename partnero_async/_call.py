"""One call: its attempts and its waits, under one deadline.

What a failure means is decided in `retries`, how fast to send in `pacing`, how to send
in `_session`, and a write in doubt is looked up in `_doubt`; here it is carried out.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, TypeVar, cast

from . import _doubt
from ._convert import read
from ._json import decode
from ._line import Line, leaving
from ._lookup import Lookup
from ._session import Failure, Flight, Session
from ._settings import Settings
from ._timeline import Timeline, tell
from ._wire import Answer, Request, Verdict, explain, judge, request_id
from .drift import Finding
from .errors import (
    AmbiguousWriteError,
    AppliedUnreadableError,
    ClientClosedError,
    ConnectionFailedError,
    DeadlineExceededError,
    DriftError,
    PartneroError,
    RateLimitError,
    Sent,
    UnexpectedBodyError,
)
from .pacing import resets_in, retry_after
from .retries import (
    ATTEMPTS,
    LEAST_TIME,
    Action,
    Kind,
    Known,
    Outcome,
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

MAY_HAVE_APPLIED: Final = frozenset(
    {Outcome.LOST, Outcome.FAILED, Outcome.REDIRECTED, Outcome.BROKEN}
)


class Call:
    """One call, from its first request to its result.

    A look-up is a call of its own, on the *timeline* of the write that it is for.
    """

    __slots__ = (
        "_failures",
        "_flight",
        "_key",
        "_last",
        "_line",
        "_loop",
        "_request",
        "_returns_existing",
        "_throttled",
        "_wants_answer",
        "deadline",
        "in_doubt",
        "kind",
        "lookup",
        "settings",
        "timeline",
    )

    def __init__(
        self,
        line: Line,
        settings: Settings,
        request: Request,
        kind: Kind,
        *,
        deadline: float,
        key: str | None = None,
        lookup: Lookup | None = None,
        returns_existing: bool = False,
        timeline: Timeline | None = None,
    ) -> None:
        self._line = line
        self._request = request
        self._key = key
        self._returns_existing = returns_existing
        self._loop = asyncio.get_running_loop()
        self._failures = 0
        self.in_doubt = False
        self._flight: Flight | None = None
        self._last: Answer | Failure | None = None
        self._throttled = False
        self._wants_answer = True
        self.settings = settings
        self.kind = kind
        self.deadline = deadline
        self.lookup = lookup
        self.timeline: Timeline = timeline or Timeline(
            settings.on_attempt, self._loop.time
        )

    @property
    def operation(self) -> str:
        """Method and route template."""
        return self._request.operation

    # --- the way down and up -------------------------------------------------

    async def run(self, result: type[T]) -> T:
        """Go on until there is a result, or an error."""
        self._wants_answer = result is not NoneType
        while True:
            verdict = await self._attempt()
            match self._decided(verdict):
                case Action.RETURN:
                    return self._read(result, verdict)
                case Action.RETRY:
                    await self._pause(verdict)
                case Action.HOLD:
                    self._refuse_long_wait(verdict)
                case Action.RAISE:
                    raise self.error(verdict)
                case Action.DONE:
                    return cast("T", None)
                case action:
                    resolved = await _doubt.resolve(self, action, verdict)
                    if resolved is not _doubt.AGAIN:
                        return cast("T", resolved if self._wants_answer else None)
                    await self._pause(verdict)

    def child(self, request: Request) -> Call:
        """Return a read that is part of this call, with what is left of its time."""
        return Call(
            self._line,
            self.settings,
            request,
            Kind.READ,
            deadline=self.deadline,
            timeline=self.timeline,
        )

    def _decided(self, verdict: Verdict) -> Action:
        """Decide about an attempt, and keep what it has shown."""
        outcome, action = verdict.outcome, Action.RETURN
        if outcome is not Outcome.OK:
            action = decide(self.kind, outcome, self._known())
            self._note(outcome)
        last = self._last
        flight: Any = self._flight  # there was an attempt
        came = str(last.status) if isinstance(last, Answer) else verdict.why
        self.timeline.ended(self._request.operation, flight.began, came, action)
        flight.over = True
        return action

    def _note(self, outcome: Outcome) -> None:
        if outcome is Outcome.THROTTLED:
            self._throttled = True
            self._line.stats.throttled += 1
        elif outcome in MAY_HAVE_APPLIED and self.kind is not Kind.READ:
            self.in_doubt = True

    def _known(self) -> Known:
        status = self._last.status if isinstance(self._last, Answer) else None
        return Known(
            method=self._request.method,
            status=status,
            in_doubt=self.in_doubt,
            keyed=self.lookup is not None,
            returns_existing=self._returns_existing,
            wants_answer=self._wants_answer,
            by_api=self.heard_the_api,
        )

    @property
    def heard_the_api(self) -> bool:
        """Whether the last answer is the API's own word, and not that of a proxy."""
        return isinstance(self._last, Answer) and decode(self._last.body) is not None

    def _read(self, result: type[T], verdict: Verdict) -> T:
        self._line.budget.give_back(repeated=self._failures > 0)
        found: list[Finding] = []
        try:
            value = read(result, verdict.payload, self.operation, found)
            return value if not found else self._with_drift(value, found)
        except DriftError as error:
            self.in_doubt = self.kind is not Kind.READ
            raise self.complete(error) from None
        except UnexpectedBodyError as error:
            if self.kind is Kind.READ:
                raise self.complete(error) from None
            applied = AppliedUnreadableError(error.message)
        self.in_doubt = True
        raise self.complete(applied)

    def _with_drift(self, value: T, found: list[Finding]) -> T:
        self._line.drift.note(found)
        if self.settings.strict:
            raise DriftError("; ".join(map(str, dict.fromkeys(found))))
        return value

    # --- one attempt ---------------------------------------------------------

    async def _attempt(self) -> Verdict:
        self._flight = flight = Flight(self._loop.time())
        try:
            came = await self._send(flight)
        except TimeoutError:
            why = f"out of time while waiting for {flight.waits_for}"
            came = flight.lost(why, timed_out=True)
        self._last = came
        if isinstance(came, Answer):
            return judge(came)
        return Verdict(came.outcome, why=came.why)

    async def _send(self, flight: Flight) -> Answer | Failure:
        line = self._line
        self._refuse_closed()
        session = line.sessions.open_on(self._loop) or await line.sessions.here()
        # Most often nobody is in line.
        prompt = session.slots.take()
        if prompt and not line.gate.slip():
            session.slots.give()
            prompt = False
        if not prompt:
            await self._stand_in_line(session, flight)
        came: Answer | Failure | None = None
        try:
            if not prompt:
                self._refuse_late()
            self._refuse_closed()  # it may have been closed while this was in line
            with session.timeouts.until(self._until()):
                announce = None if self.kind is Kind.READ else leaving.get()
                if announce is not None:
                    await announce()
                    flight.began = self._loop.time()
                line.stats.requests += 1
                flight.waits_for = "an answer"
                came = await session.send(self._request, flight)
            return came
        finally:
            session.slots.give()
            if isinstance(came, Answer):
                took = self._loop.time() - flight.began
                line.gate.leave(came.status, came.headers, took)
            else:
                line.gate.leave(None, {})

    async def _stand_in_line(self, session: Session, flight: Flight) -> None:
        """Wait for a free connection and for the rate limit; take a turn of both."""
        # A timer of its own: of thousands in line each may have another deadline, and
        # `Timeouts` would look through all of them at the end of each.
        async with asyncio.timeout_at(self.deadline):
            if not session.slots.take():
                await session.slots.wait()
            try:
                self._waited(flight, "a free connection")
                flight.waits_for = "the rate limit"
                if await self._line.gate.enter():
                    self._waited(flight, "the rate limit")
            except BaseException:
                session.slots.give()
                raise

    def _refuse_late(self) -> None:
        """Send no write whose answer there is no time for: it would be in doubt."""
        left = self.deadline - self._loop.time()
        if left < LEAST_TIME and self.kind is not Kind.READ:
            raise TimeoutError

    def _refuse_closed(self) -> None:
        if self._line.closed:
            raise self.complete(ClientClosedError("the client was closed meanwhile"))

    def _until(self) -> float:
        """Return the end of an attempt that starts now."""
        longest = READ_TIME if self.kind is Kind.READ else WRITE_TIME
        return min(self.deadline, self._loop.time() + longest)

    def _waited(self, flight: Flight, why: str) -> None:
        """Note that what came before this moment was not the attempt, but a wait."""
        before, flight.began = flight.began, self._loop.time()
        if flight.began > before:
            self.waited(flight.began - before, why)

    def waited(self, seconds: float, why: str) -> None:
        """Note a wait before the next attempt."""
        self.timeline.waited(self.operation, seconds, why)

    # --- waiting -------------------------------------------------------------

    async def _pause(self, verdict: Verdict) -> None:
        """Wait before a repeat; raise where no repeat is left."""
        self._failures += 1
        asked = self._asked_to_wait()
        wait = backoff(self._failures, self._line.rng, asked)
        enough = self._loop.time() + wait + LEAST_TIME <= self.deadline
        if asked is not None and (asked > LONGEST_WAIT or not enough):
            raise self._later(verdict, asked)
        if self._failures >= ATTEMPTS or not enough or not self._line.budget.take():
            raise self.error(verdict, out_of_time=not enough)
        self.waited(wait, verdict.why)
        await asyncio.sleep(wait)

    def _asked_to_wait(self) -> float | None:
        last, now = self._last, time.time()
        if not isinstance(last, Answer):
            return None
        asked = retry_after(last.headers, now)
        if asked is None and last.status == 429:
            asked = resets_in(last.headers, now)
        return asked

    def _refuse_long_wait(self, verdict: Verdict) -> None:
        """Raise at once where a 429 asks for more time than this call has."""
        wait = self._asked_to_wait() or 0.0
        left = self.deadline - self._loop.time()
        if wait > LONGEST_WAIT or wait + LEAST_TIME > left:
            raise self._later(verdict, wait)

    def _later(self, verdict: Verdict, wait: float) -> PartneroError:
        error = self.error(verdict)
        error.retry_at = datetime.fromtimestamp(time.time() + wait, UTC)
        return error

    # --- errors --------------------------------------------------------------

    def ambiguous(self, verdict: Verdict, found: str = "") -> PartneroError:
        """Build the error for a write whose outcome could not be told."""
        why = "; ".join(filter(None, [verdict.why, found]))
        if verdict.outcome is Outcome.BROKEN:
            return self.complete(AppliedUnreadableError(f"accepted, but {why}"))
        if isinstance(self._last, Answer):
            why = ", ".join(filter(None, [str(self._last.status), why]))
        return self.complete(
            AmbiguousWriteError(f"it is not known whether this took effect: {why}")
        )

    def error(self, verdict: Verdict, *, out_of_time: bool = False) -> PartneroError:
        """Build the error for what the last attempt has shown."""
        last = self._last
        if self.in_doubt and self.kind is Kind.MONEY:
            # An earlier attempt may have been taken, whatever came of this one.
            return self.ambiguous(verdict)
        if isinstance(last, Answer):
            return self.complete(explain(last, verdict, self.operation))
        if self._throttled and verdict.outcome is Outcome.NOT_SENT:
            return self.complete(RateLimitError("no turn within this call's time"))
        timed_out = out_of_time or (last is not None and last.timed_out)
        kind = DeadlineExceededError if timed_out else ConnectionFailedError
        return self.complete(kind(verdict.why))

    def complete(self, error: PartneroError) -> PartneroError:
        """Fill in what is known of this call, and tell of a write in doubt."""
        error.operation = self.operation
        error.attempts = self.timeline.attempts
        error.elapsed = self.timeline.elapsed
        error.key = self._key
        error.maybe_applied = self.in_doubt or isinstance(error, AmbiguousWriteError)
        if isinstance(self._last, Answer):
            error.status = self._last.status
            error.request_id = request_id(self._last.headers)
        error.sent = self._repeat(error)
        error.mask(self.settings.api_key.mask)
        if self.settings.tells and isinstance(error, AmbiguousWriteError):
            tell(self.settings.tells, error)
        return error

    def _repeat(self, error: PartneroError) -> Sent:
        """Return what to send by hand: never again what may have been applied."""
        doubt = error.maybe_applied and self.lookup is not None
        again = self.lookup.request() if doubt and self.lookup else self._request
        url = self.settings.base_url + again.target
        return Sent(again.method, url, again.body)

    def cancelled(self) -> PartneroError | None:
        """Tell of a write that is in doubt now, since its caller cancelled it."""
        flight = self._flight
        if flight is None or self.kind is Kind.READ:
            return None
        if flight.left and not flight.over:
            self.timeline.ended(self.operation, flight.began, "cancelled", Action.RAISE)
        if not self.in_doubt and not flight.left:
            return None
        why = "cancelled before its outcome was known"
        return self.complete(AmbiguousWriteError(why))
