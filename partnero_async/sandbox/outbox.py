"""The outbox: what is to be delivered, written by the transaction that has the effect.

So a sandbox that is killed forgets no event: what was not delivered yet is delivered
after a restart with the same file.
"""

import hashlib
import hmac
import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import attrs
import msgspec

from .assumptions import DeliveryBody
from .calls import Call, Program
from .checks import timestamp
from .state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,
    webhook_key TEXT NOT NULL,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    created_at TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    disturbance TEXT
);
CREATE INDEX IF NOT EXISTS delivery_waiting ON deliveries (webhook, due, seq)
    WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery INTEGER NOT NULL,
    at TEXT NOT NULL,
    status INTEGER,
    reason TEXT
);
"""

DeliveryState = Literal["waiting", "delivered", "failed", "refused", "lost", "dropped"]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_MICROSECOND = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class DeliveryAttempt:
    """One request to a receiver: when, and its status or why there is none."""

    at: str
    status: int | None
    reason: str | None


@attrs.frozen(kw_only=True)
class Delivery:
    """An event on its way to one webhook, as the log of deliveries shows it.

    *state* is waiting, delivered, failed (no attempt is left), refused (deliveries do
    not go to this address), lost (on request), or dropped (its webhook was deleted).
    *next_at* are the Unix seconds of the next attempt while it waits.
    """

    id: int
    event: str
    webhook_key: str
    url: str
    created_at: str
    body: bytes = attrs.field(repr=False)
    state: DeliveryState
    next_at: float | None
    attempts: tuple[DeliveryAttempt, ...]

    @property
    def data(self) -> dict[str, Any]:
        """What the event is about, read out of the body, numbers as `Decimal`."""
        members: dict[str, Any] = json.loads(self.body, parse_float=Decimal)["data"]
        return members


def start(call: Call, event: str, shape: Callable[[], Mapping[str, Any]]) -> None:
    """Write a delivery of *event* for every active webhook that asked for it.

    *shape* makes its data; it is called only if there is such a webhook.
    """
    hooks = [hook for hook in active(call.state) if event in json.loads(hook["events"])]
    if hooks:
        put(call.state, call.program, hooks, event, shape())


def active(state: State) -> list[sqlite3.Row]:
    """Return the webhooks that are switched on."""
    return state.rows("SELECT seq, key, url, events FROM webhooks WHERE active")


def put(
    state: State,
    program: Program,
    hooks: Sequence[sqlite3.Row],
    event: str,
    data: Mapping[str, Any],
) -> None:
    """Write a delivery of *event* for each of *hooks*."""
    moment = _moment(state, program)
    for hook in hooks:
        envelope = {
            "event": event,
            "url": hook["url"],
            "webhook_key": hook["key"],
            "created_at": moment,
            "data": data,
        }
        state.run(
            "INSERT INTO deliveries (webhook, webhook_key, event, url, created_at,"
            " body, due) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                hook["seq"],
                hook["key"],
                event,
                hook["url"],
                moment,
                encoded(envelope, program.assumptions.delivery_body),
                program.clock(),
            ),
        )
    state.outbox_version += 1


def _moment(state: State, program: Program) -> str:
    """Return the time, a microsecond after the last event if no time has passed.

    There is no id of a delivery: receivers take bodies that are the same for one.
    """
    now = datetime.fromtimestamp(program.clock(), UTC)
    last = state.one("SELECT created_at FROM deliveries ORDER BY seq DESC")
    if last is not None:
        now = max(now, datetime.fromisoformat(last["created_at"]) + _MICROSECOND)
    return timestamp(now)


def drop(state: State, webhook: int) -> None:
    """Give up what waits for a webhook that is deleted."""
    state.run(
        "UPDATE deliveries SET state = 'dropped'"
        " WHERE webhook = ? AND state = 'waiting'",
        (webhook,),
    )


def encoded(envelope: Mapping[str, Any], form: DeliveryBody) -> bytes:
    """Write the body: plain, or the way PHP does where nothing else is asked of it."""
    raw = _ENCODER.encode(envelope)
    if form == "plain":
        return raw
    # Neither a slash nor a letter that is not ASCII stands outside of JSON's texts.
    text = raw.decode().replace("/", "\\/")
    if form == "php":
        text = _NOT_ASCII.sub(lambda sign: json.dumps(sign[0])[1:-1], text)
    return text.encode()


def signed(body: bytes, secret: str) -> str:
    """Sign the way the vendor does: HMAC-SHA256 of the raw body, lower-case hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def log(state: State) -> tuple[Delivery, ...]:
    """Return every delivery, oldest first, with its attempts."""
    attempts: dict[int, list[DeliveryAttempt]] = {}
    for row in state.rows("SELECT * FROM attempts ORDER BY seq"):
        attempt = DeliveryAttempt(
            at=row["at"], status=row["status"], reason=row["reason"]
        )
        attempts.setdefault(row["delivery"], []).append(attempt)
    return tuple(
        Delivery(
            id=row["seq"],
            event=row["event"],
            webhook_key=row["webhook_key"],
            url=row["url"],
            created_at=row["created_at"],
            body=row["body"],
            state=row["state"],
            next_at=row["due"] if row["state"] == "waiting" else None,
            attempts=tuple(attempts.get(row["seq"], ())),
        )
        for row in state.rows("SELECT * FROM deliveries ORDER BY seq")
    )
