"""Claims in Redis or Valkey: for the processes of many machines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Protocol

from .claims import Claim, Taken

__all__ = ["RedisClaims"]

PREFIX: Final = "partnero:webhook:"

# A key holds the token of a claim, or this once the event was handled. Each step is one
# script: the server runs it whole, and nobody comes between a look and what follows.
# A client that loses the answer sends a script again: its own claim is not another's.
HANDLED: Final = "done"
CLAIM: Final = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return nil
"""
DONE: Final = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'done', 'PX', ARGV[2])
return 1
"""
RELEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class Server(Protocol):
    """What is used of a client: that of redis-py and of valkey-py has it."""

    def eval(self, script: str, numkeys: int, /, *keys_and_args: str) -> Any:
        """Run a script on the server."""
        ...


class RedisClaims:
    """Claims that all who reach a server share.

    *server* is a synchronous client: ``redis.Redis(...)`` (the extra
    ``partnero-async[redis]`` installs it) or ``valkey.Valkey(...)``. What has run out
    the server forgets by itself. *prefix* starts the name of each key.

    As safe as the server: one that evicts keys, or fails over to a replica that lags
    behind, forgets claims. Raises what the client raises.
    """

    def __init__(self, server: Server, *, prefix: str = PREFIX) -> None:
        self._server = server
        self._prefix = prefix

    def claim(self, event_id: str, *, lease: timedelta) -> Claim | Taken:
        """Claim an event for as long as *lease*, or say why it cannot be."""
        claim = Claim(event_id)
        held = self._run(CLAIM, claim, _milliseconds(lease))
        if held is None:
            return claim
        return Taken.DONE if held in (HANDLED, HANDLED.encode()) else Taken.BUSY

    def done(self, claim: Claim, *, keep: timedelta) -> bool:
        """Record that the event was handled, and remember it for as long as *keep*."""
        return bool(self._run(DONE, claim, _milliseconds(keep)))

    def release(self, claim: Claim) -> bool:
        """Give a claim back, so that the event can be claimed at once."""
        return bool(self._run(RELEASE, claim))

    def _run(self, script: str, claim: Claim, *more: str) -> Any:
        name = f"{self._prefix}{claim.event_id}"
        return self._server.eval(script, 1, name, claim.token, *more)


def _milliseconds(span: timedelta) -> str:
    return str(max(span // timedelta(milliseconds=1), 1))
