"""Run the command, and kill it at a point of its n-th sale.

``python fail_point.py POINT N import transactions ...``
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from typing import Any

from partnero_async._session import Flight, Session
from partnero_async._wire import Request
from partnero_async.bulk.journal import Journal
from partnero_async.cli import main

POINT, LAST = sys.argv[1], int(sys.argv[2])

sales = count(1)
outcomes = count(1)
send, sent, settled = Session.send, Journal.sent, Journal.settled


def die() -> None:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def sent_or_die(self: Journal, *rows: int, **more: Any) -> Any:
    """Die before the intent of a row is written down."""
    if POINT == "before intent" and next(sales) == LAST:
        die()
    return sent(self, *rows, **more)


async def send_or_die(self: Session, request: Request, flight: Flight) -> Any:
    """Die right before a row is sent, or right after it took effect."""
    mine = request.method == "POST" and next(sales) == LAST
    if POINT == "before effect" and mine:
        die()
    came = await send(self, request, flight)
    if POINT == "after effect" and mine:
        die()
    return came


def settled_and_die(self: Journal, *arguments: Any, **rest: Any) -> None:
    """Die right after an outcome was handed to the journal."""
    settled(self, *arguments, **rest)
    if POINT == "after outcome" and next(outcomes) == LAST:
        die()


if POINT == "before intent":
    Journal.sent = sent_or_die  # type: ignore[method-assign]
elif POINT == "after outcome":
    Journal.settled = settled_and_die  # type: ignore[method-assign]
else:
    Session.send = send_or_die  # type: ignore[method-assign]
main(sys.argv[3:])
