"""The Partnero API, emulated on this machine: `partnero_async.sandbox`, without await.

::

    from partnero_sync.sandbox import Sandbox

    with Sandbox() as sandbox:
        print(sandbox.url, sandbox.api_key)

`Sandbox` is this package's own; all other names are the same objects.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from partnero_async import sandbox as _sandbox
from partnero_async.sandbox import (
    Assumptions,
    Deliveries,
    Delivery,
    DeliveryAttempt,
    DeliveryBody,
    Disturbance,
    Effect,
    ProgramSpec,
    RateLimit,
    Reach,
    ReferralReward,
    ServedProgram,
    fixed_window,
    parse_rate_limit,
    read_ledger,
    token_bucket,
)

__all__ = [
    "Assumptions",
    "Deliveries",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryBody",
    "Disturbance",
    "Effect",
    "ProgramSpec",
    "RateLimit",
    "Reach",
    "ReferralReward",
    "Sandbox",
    "ServedProgram",
    "fixed_window",
    "parse_rate_limit",
    "read_ledger",
    "token_bucket",
]


class Sandbox(_sandbox.Sandbox):
    """The sandbox of `partnero_async`, for ``with``: it runs in a thread of its own.

    All settings are the same. It serves from the first line of the block to the last,
    and can be used again after that. What is to be awaited of it has a method that
    waits: `wait_until_delivered` for `delivered`.
    """

    _thread: AbstractContextManager[Self]

    def __enter__(self) -> Self:
        """Listen on 127.0.0.1, in a thread."""
        thread = self.in_thread()
        thread.__enter__()
        self._thread = thread
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let calls end, stop listening, and end the thread."""
        self._thread.__exit__(None, None, None)
