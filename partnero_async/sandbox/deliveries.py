"""Deliveries: sent in order, repeated with growing waits, logged, and disturbed."""

import asyncio
import logging
import random
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import aiohttp

from . import outbox
from .calls import Program
from .checks import timestamp_of
from .destinations import Reach, Resolver, problem
from .outbox import Delivery, DeliveryState
from .state import State, generated_key

logger: logging.Logger = logging.getLogger(__name__)

#: What can go wrong with a delivery on request.
Disturbance = Literal["duplicate", "late", "out of order", "wrong signature", "lost"]

# Only what is documented: aiohttp would add three of its own.
_UNSENT = ("User-Agent", "Accept", "Accept-Encoding")
_RANDOM = random.SystemRandom()


class _Asked(NamedTuple):
    how: Disturbance
    event: str | None
    seconds: float


class Deliveries:
    """Send what is in the outbox of a program, and tell what came of it.

    A webhook gets one delivery after another, different webhooks at the same time. A
    delivery that fails is repeated after the waits that the assumptions name, while
    those behind it go on. A status from 200 to 299 is a success.
    """

    def __init__(
        self, state: State, program: Callable[[], Program], *, reach: Reach
    ) -> None:
        self._state = state
        self._program = program
        self._reach: Reach = reach
        self._asked: deque[_Asked] = deque()
        self._busy: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._settled = asyncio.Event()
        self._seen = -1

    # --- for users ---

    @property
    def log(self) -> tuple[Delivery, ...]:
        """Every delivery so far, oldest first, with all attempts."""
        with self._state.lock:
            return outbox.log(self._state)

    async def settled(self) -> None:
        """Wait until nothing is left to send now.

        What waits for a later attempt is not waited for: it goes when its time has
        come, by the clock of the sandbox.
        """
        self._settled.clear()
        self._woken.set()
        settled = asyncio.ensure_future(self._settled.wait())
        sender = self._sender
        await asyncio.wait({settled, sender}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        if sender.done():
            raise RuntimeError("the sandbox was closed")

    def wait_until_settled(self, timeout: float) -> None:
        """Do what `settled` does, from another thread; TimeoutError in the end."""
        asyncio.run_coroutine_threadsafe(self.settled(), self._loop).result(timeout)

    def redeliver(self, delivery: int) -> None:
        """Send the delivery of this id again, with the same body, whatever came of it.

        Raises ValueError if there is none, or if its webhook is deleted.
        """
        with self._state.write():
            row = self._state.one(
                "SELECT d.seq FROM deliveries d JOIN webhooks w ON w.seq = d.webhook"
                " WHERE d.seq = ?",
                (delivery,),
            )
            if row is None:
                raise ValueError(f"there is no delivery {delivery}, or its webhook")
            self._state.run(
                "UPDATE deliveries SET state = 'waiting', due = ?, tries = 0,"
                " disturbance = 'by hand' WHERE seq = ?",
                (self._now, delivery),
            )
        self._wake()

    def announce(self, event: str, data: Mapping[str, Any]) -> None:
        """Deliver an event that nothing in the sandbox starts, to all active webhooks.

        Partners are approved and rejected in the dashboard only, and new versions of
        the API have events that nobody knows yet.
        """
        with self._state.write():
            hooks = outbox.active(self._state)
            outbox.put(self._state, self._program(), hooks, event, data)
        self._wake()

    def disturb(
        self,
        how: Disturbance,
        *,
        event: str | None = None,
        times: int = 1,
        seconds: float = 60.0,
    ) -> None:
        """Let something go wrong with the next deliveries, of *event* or of any.

        A *duplicate* is sent again after it has succeeded. What is *late* is sent after
        that many *seconds*; what is *out of order* too, or as soon as a later one to
        the same webhook was sent. With a *wrong signature* only the first attempt is
        sent. What is *lost* is never sent, as if the API had forgotten it.
        """
        if how not in get_args(Disturbance):
            raise ValueError(f"nothing that can go wrong is called {how!r}")
        self._asked.extend([_Asked(how, event, seconds)] * times)

    # --- for the server ---

    def notice(self) -> None:
        """See whether a call has put something into the outbox."""
        if self._seen != self._state.outbox_version:
            self._seen = self._state.outbox_version
            self._woken.set()

    def start(self) -> None:
        """Send from now on."""
        self._sender = asyncio.create_task(self._run(), name="partnero-deliveries")

    async def close(self) -> None:
        """Send no more; what is under way is sent again after the next start."""
        self._sender.cancel()
        await asyncio.wait({self._sender})

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(
            resolver=Resolver(self._reach), use_dns_cache=False, force_close=True
        )
        seconds = self._program().assumptions.delivery_timeout
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=seconds),
                skip_auto_headers=_UNSENT,
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                self._woken.clear()
                wait = self._send_what_is_due(session, group)
                try:
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
                except TimeoutError:
                    continue

    # --- sending ---

    @property
    def _now(self) -> float:
        return self._program().clock()

    def _wake(self) -> None:
        """Look into the outbox again; from any thread."""
        self._loop.call_soon_threadsafe(self._woken.set)

    def _send_what_is_due(
        self, session: aiohttp.ClientSession, group: asyncio.TaskGroup
    ) -> float | None:
        """Start what is due; return the seconds until something else is."""
        waits: list[float] = []
        for row in self._next_of_each():
            if row["webhook"] in self._busy:
                continue
            if row["due"] > self._now:
                waits.append(row["due"] - self._now)
            elif self._goes_now(row):
                self._busy.add(row["webhook"])
                group.create_task(self._send(session, row["seq"]))
            else:
                self._woken.set()
        if not self._busy and not self._woken.is_set():
            self._settled.set()
        return min(waits, default=None)

    def _next_of_each(self) -> list[sqlite3.Row]:
        """Return what each active webhook gets next, due or not."""
        rows = self._state.rows(
            "SELECT d.* FROM webhooks w JOIN deliveries d ON d.seq = ("
            " SELECT x.seq FROM deliveries x WHERE x.webhook = w.seq"
            " AND x.state = 'waiting' ORDER BY x.due, x.seq LIMIT 1) WHERE w.active"
        )
        if self._program().assumptions.delivery_order == "in order":
            return rows
        return [self._drawn(row) for row in rows]

    def _drawn(self, first: sqlite3.Row) -> sqlite3.Row:
        due = self._state.rows(
            "SELECT * FROM deliveries WHERE webhook = ? AND state = 'waiting'"
            " AND due <= ?",
            (first["webhook"], self._now),
        )
        return _RANDOM.choice(due or [first])

    def _goes_now(self, row: sqlite3.Row) -> bool:
        """Decide what goes wrong with a delivery that was not looked at before."""
        if row["disturbance"] is not None:
            return True
        refused = problem(row["url"], self._reach)
        asked = None if refused else self._take(row["event"])
        how = asked.how if asked else ""
        state, due = "waiting", row["due"]
        if refused:
            state = "refused"
        elif how == "lost":
            state = "lost"
        elif asked and how in {"late", "out of order"}:
            due = self._now + asked.seconds
        with self._state.write():
            self._state.run(
                "UPDATE deliveries SET disturbance = ?, state = ?, due = ?"
                " WHERE seq = ?",
                (how, state, due, row["seq"]),
            )
            if refused:
                self._note(row, None, refused)
        return state == "waiting" and due == row["due"]

    def _take(self, event: str) -> _Asked | None:
        for asked in self._asked:
            if asked.event in {None, event}:
                self._asked.remove(asked)
                return asked
        return None

    async def _send(self, session: aiohttp.ClientSession, delivery: int) -> None:
        """Make one attempt, and write down what came of it."""
        (row,) = self._state.rows(
            "SELECT d.*, w.secret FROM deliveries d JOIN webhooks w"
            " ON w.seq = d.webhook WHERE d.seq = ?",
            (delivery,),
        )
        try:
            status, reason = await self._attempt(session, row)
            with self._state.write():
                self._note(row, status, reason)
                self._settle(row, succeeded=reason is None)
        finally:
            self._busy.discard(row["webhook"])
            self._woken.set()

    async def _attempt(
        self, session: aiohttp.ClientSession, row: sqlite3.Row
    ) -> tuple[int | None, str | None]:
        """Post the body; return the status, and why it is no success."""
        wrong = row["disturbance"] == "wrong signature" and not row["tries"]
        secret = generated_key(len(row["secret"])) if wrong else row["secret"]
        headers = {
            "Content-Type": "application/json",
            "Signature": outbox.signed(row["body"], secret),
        }
        try:
            async with session.post(
                row["url"], data=row["body"], headers=headers, allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    return answer.status, None
                return answer.status, f"answered with {answer.status}"
        except TimeoutError:
            return None, "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _note(self, row: sqlite3.Row, status: int | None, reason: str | None) -> None:
        logger.info("%s to %s: %s", row["event"], row["webhook_key"], reason or status)
        self._state.run(
            "INSERT INTO attempts (delivery, at, status, reason) VALUES (?, ?, ?, ?)",
            (row["seq"], timestamp_of(self._now), status, reason),
        )

    def _settle(self, row: sqlite3.Row, *, succeeded: bool) -> None:
        """Say what comes next; what was dropped or asked for meanwhile stays so."""
        waits = self._program().assumptions.delivery_waits
        state: DeliveryState = "waiting"
        due: float = self._now
        disturbance: str = row["disturbance"]
        if succeeded and disturbance == "duplicate":
            disturbance = ""
        elif succeeded:
            state = "delivered"
        elif row["tries"] < len(waits):
            due += waits[int(row["tries"])]
        else:
            state = "failed"
        self._state.run(
            "UPDATE deliveries SET state = ?, due = ?, tries = tries + 1,"
            " disturbance = ? WHERE seq = ? AND state = 'waiting' AND disturbance = ?",
            (state, due, disturbance, row["seq"], row["disturbance"]),
        )
        self._state.run(
            "UPDATE deliveries SET due = ? WHERE webhook = ? AND seq < ?"
            " AND state = 'waiting' AND disturbance = 'out of order' AND tries = 0",
            (self._now, row["webhook"], row["seq"]),
        )
