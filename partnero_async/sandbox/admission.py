"""Who may call, and how often: before anything of a request is looked at."""

from collections.abc import Callable
from copy import copy
from typing import cast

from aiohttp import web

from .exchange import PREFIX, Turned, is_loopback
from .limits import RateLimit
from .programs import Access

#: Where the sandbox describes itself, beside the API and without a key.
DESCRIPTION = "/openapi.json"


class Limits:
    """A rule that counts the requests of each key for itself."""

    def __init__(self, rule: RateLimit | None) -> None:
        self.rule = rule
        # The first key that comes counts with the rule itself, as it was given, the
        # others with copies that were not used yet.
        self._given = rule
        self._unused = copy(rule)

    def count(self, access: Access, *, now: Callable[[], float]) -> dict[str, str]:
        """Count a request; return the headers for its answer, or turn it away."""
        if self.rule is None:
            return {}
        if access.rule is not self.rule:
            access.rule = self.rule
            access.limit, self._given = self._given or copy(self._unused), None
        verdict = cast("RateLimit", access.limit).check(now())
        if not verdict.allowed:
            raise Turned(429, "Slow down.", headers=verdict.headers)
        return verdict.headers


def admit_origin(request: web.BaseRequest) -> None:
    """Turn away foreign hosts and origins: the sandbox is for this machine alone."""
    host = request.headers.get("Host", "")
    if not is_loopback(host):
        raise Turned(403, "The sandbox answers to its own address only.")
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        raise Turned(403, "The sandbox does not answer to web pages.")


def admit(path: str, access: Access | None) -> Access:
    """Turn away wrong paths and wrong keys."""
    if not path.startswith(f"{PREFIX}/"):
        raise Turned(404, "There is nothing here: the API is under /v1.")
    if access is None:
        raise Turned(401, "API key not recognised.")
    return access
