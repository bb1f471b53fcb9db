"""Takes deliveries: verifies, reads, claims, calls your functions, says what to answer.

::

    receiver = Receiver(secret, claims=SQLiteClaims("webhooks.db"))

    @receiver.on("transaction.created")
    async def record(event: TransactionCreated) -> None:
        print(event.data.key, event.data.amount)

    reply = await receiver.receive(request.headers, await request.body())

The modules `starlette`, `django`, `flask` and `aiohttp` beside this one do the last
line for a web framework.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import warnings
from collections.abc import Awaitable, Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, cast

import attrs

from .._loops import running_loop
from .._settings import Masked
from .._threads import to_its_end
from ..errors import StaleEventError, UsageError, WebhookError, one_line
from ..models.webhooks import WebhookEventName
from .claims import Claims, MemoryClaims, Taken
from .events import EVENTS, Event, parse
from .signature import Headers, Secrets, keys_of, verify

__all__ = ["Receiver", "Reply"]

logger: Final = logging.getLogger("partnero.webhooks")

Function: TypeAlias = Callable[[Any], Any]
F = TypeVar("F", bound=Function)
Steps: TypeAlias = Generator[Awaitable[Any], None, "Reply"]

ANY: Final = "*"

MAX_AGE: Final = timedelta(hours=72)
SKEW: Final = timedelta(minutes=5)
LEASE: Final = timedelta(minutes=1)
PATIENCE: Final = 5.0
"""Seconds in which the sender wants its answer (facts.md, section 7)."""


@attrs.frozen
class Reply:
    """What to answer a delivery with."""

    status: int
    """200, or what makes the sender come again."""
    reason: str
    """A few words for the body of the answer; nothing of the delivery is in it."""
    event: Event | None = None
    """The event, where the delivery is one."""
    error: Exception | None = None
    """Why nothing was handled: a `WebhookError`, or what your function has raised."""


HANDLED: Final = Reply(200, "handled")
IGNORED: Final = Reply(200, "nothing to do")
FAILED: Final = Reply(500, "failed")
TAKEN: Final = {
    Taken.DONE: Reply(200, "handled before"),
    # Not 200: whoever has the claim may die, and the sender has to come again then.
    Taken.BUSY: Reply(503, "being handled"),
}


class Receiver:
    """Takes the deliveries of webhooks, and has each event handled exactly once.

    *secrets* is the `signature` of the webhook, or of several. *claims* is where it is
    recorded who handles what: without one, in the memory of this process. An event is
    taken until it is *max_age* old, and from up to *skew* in the future, as clocks
    differ. The functions of an event get *lease*, together, before another delivery may
    have it handled again: give more than they take at their slowest.

    Raises `UsageError` for an empty secret, and for a span that is not positive.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        claims: Claims | None = None,
        max_age: timedelta = MAX_AGE,
        skew: timedelta = SKEW,
        lease: timedelta = LEASE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if min(max_age, lease) <= timedelta() or skew < timedelta():
            raise UsageError("max_age and lease are spans of time above zero")
        self._secrets = tuple(Masked(key.decode()) for key in keys_of(secrets))
        self._claims = MemoryClaims(clock=clock) if claims is None else claims
        self._max_age = max_age
        self._skew = skew
        self._lease = lease
        self._clock = clock
        self._functions: list[tuple[Sequence[str], Function]] = []

    def on(self, *names: WebhookEventName | str) -> Callable[[F], F]:
        """Register a function for the events of these *names*; ``*`` is each of them.

        It is called with the event, and may be plain or ``async``. What it raises makes
        the sender come again. Several functions of an event are called in the order in
        which they were registered, until one raises: all are called again then.

        Warns of a name that is not published. Raises `UsageError` without a name.
        """
        if not names or not all(isinstance(cast("Any", name), str) for name in names):
            raise UsageError('name the events: @receiver.on("transaction.created")')
        for name in names:
            if name not in EVENTS and name != ANY:
                warnings.warn(f"no event {name!r} is published", stacklevel=2)

        def register(function: F) -> F:
            self._functions.append((names, function))
            return function

        return register

    async def receive(self, headers: Headers, body: bytes) -> Reply:
        """Take a delivery, and return what to answer it with.

        Plain functions, and the store of claims, are called in threads: the event is
        claimed once one of the loop's is free. Raises `UsageError` for a body that is
        not bytes, and nothing else.
        """
        event = self._admitted(headers, body)
        if isinstance(event, Reply):
            return event
        steps = self._handle(
            event,
            self._functions_for(event),
            began=self._clock(),
            task=asyncio.current_task(),
        )
        try:
            return await _in_threads(steps)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender is told
            return _failed(event, error)

    def receive_sync(self, headers: Headers, body: bytes) -> Reply:
        """Take a delivery, and return what to answer it with: for synchronous code.

        Functions are called in this thread, those that are ``async`` in an event loop
        of their own. Raises `UsageError` for a body that is not bytes, and where an
        event loop runs in this thread.
        """
        if running_loop():
            raise UsageError("an event loop runs here: use `await receiver.receive()`")
        event = self._admitted(headers, body)
        if isinstance(event, Reply):
            return event
        functions = [partial(_call, each) for each in self._functions_for(event)]
        steps = self._handle(event, functions, began=self._clock(), task=None)
        try:
            return cast("Reply", _result(partial(next, steps)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender is told
            return _failed(event, error)

    def _handle(
        self,
        event: Event,
        functions: Sequence[Function],
        *,
        began: float,
        task: asyncio.Task[Any] | None,
    ) -> Steps:
        """Claim the event, call its functions, and record that they have returned.

        It is one piece, so that the thread that claims goes on with what is plain: a
        claim runs out, and has no time to wait for another thread.
        """
        claim = self._claims.claim(event.id, lease=self._lease)
        if isinstance(claim, Taken):
            return attrs.evolve(TAKEN[claim], event=event)
        try:
            for function in functions:
                if task and task.cancelling():
                    yield asyncio.sleep(0)  # it raises there, and nothing more is begun
                result = function(event)
                if inspect.isawaitable(result):
                    yield result
        except BaseException:
            self._claims.release(claim)
            raise
        kept = self._claims.done(claim, keep=self._keep)
        return self._handled(event, began, kept=kept)

    @property
    def _keep(self) -> timedelta:
        """How long an event is remembered: until a repeat is too old to be taken."""
        return self._max_age + 2 * self._skew

    def _admitted(self, headers: Headers, body: bytes) -> Event | Reply:
        """Return the event of a delivery, or the answer where nothing is to be done."""
        try:
            verify(headers, body, self._secrets)
            event = parse(body)
            self._check_age(event)
        except WebhookError as error:
            logger.warning("a delivery was refused: %s", error)
            return Reply(error.answer, "refused", error=error)
        if not self._functions_for(event):
            return attrs.evolve(IGNORED, event=event)
        return event

    def _check_age(self, event: Event) -> None:
        age = datetime.fromtimestamp(self._clock(), UTC) - event.created_at
        if age > self._max_age:
            raise StaleEventError(f"the event is older than {self._max_age}.")
        if age < -self._skew:
            raise StaleEventError("the event is from the future.")

    def _functions_for(self, event: Event) -> list[Function]:
        return [
            function
            for names, function in self._functions
            if event.name in names or ANY in names
        ]

    def _handled(self, event: Event, began: float, *, kept: bool) -> Reply:
        took = self._clock() - began
        if not kept:
            logger.warning(
                "%s outlasted its lease, and may be handled twice", _label(event)
            )
        elif took > PATIENCE:
            logger.warning(
                "%s took %.1f s: the sender waits for %.0f s, and comes again",
                *(_label(event), took, PATIENCE),
            )
        return attrs.evolve(HANDLED, event=event)


def _failed(event: Event, error: Exception) -> Reply:
    logger.error("%s failed, and will come again", _label(event), exc_info=error)
    return attrs.evolve(FAILED, event=event, error=error)


def _label(event: Event) -> str:
    return f"the event {one_line(event.name)} {event.id[:12]}"


async def _in_threads(steps: Steps) -> Reply:
    """Take steps in threads, and await in between what they yield."""
    try:
        step = await to_its_end(partial(_result, partial(next, steps)))
        while not isinstance(step, Reply):
            try:
                await step
            except BaseException as error:  # noqa: BLE001 - it is raised in the steps
                following = partial(steps.throw, error)
            else:
                following = partial(next, steps)
            # By now the event is claimed, and the lease runs.
            step = await to_its_end(partial(_result, following), at_once=True)
        return step
    finally:
        await asyncio.sleep(0)  # where a cancellation that came meanwhile is raised


def _result(step: Callable[[], Awaitable[Any]]) -> Awaitable[Any] | Reply:
    """Take a step: return what it yields, or the reply after the last."""
    try:
        return step()
    except StopIteration as end:
        return cast("Reply", end.value)


def _call(function: Function, event: Event) -> None:
    """Call a function where no loop runs: what it returns is awaited in a new one."""
    result = function(event)
    if inspect.isawaitable(result):
        asyncio.run(_awaited(result))


async def _awaited(result: Awaitable[Any]) -> None:
    await result
