"""Deliveries at a terminal: read from files, posted, and told in a line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import aiohttp
import attrs
from cyclopts import Parameter

from .._json import decode, is_object
from ..errors import UsageError, one_line
from ..models import Customer, Partner, Referral, Subscriber, Transaction
from ..webhooks.events import Event

__all__ = ["Posted", "Secret", "Stored", "about", "post", "session", "stored"]

VARIABLE: Final = "PARTNERO_WEBHOOK_SECRET"
UNSENT: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Secret:
    """The secret of a webhook.

    Parameters
    ----------
    secret
        The `signature` of the webhook. Others on this machine can see it in the list of
        processes: better set PARTNERO_WEBHOOK_SECRET, or give a file.
    secret_file
        A file that has nothing but the secret in it.
    """

    secret: Annotated[str | None, Parameter(show_default=False)] = attrs.field(
        default=None, repr=False
    )
    secret_file: Path | None = None

    def text(self) -> str:
        """Return the secret; raise `UsageError` where there is none, or two."""
        if self.secret and self.secret_file:
            raise UsageError("give --secret or --secret-file, not both")
        if self.secret_file:
            found = self.secret_file.read_text("utf-8").strip()
        else:
            found = self.secret or os.environ.get(VARIABLE) or ""
        if not found:
            raise UsageError(f"no secret: set {VARIABLE}, or give --secret-file")
        return found


class Stored(NamedTuple):
    """A delivery out of a file; *signature* where the file has it."""

    body: bytes
    signature: str | None


def stored(path: Path) -> Stored:
    """Read a delivery: the raw body, or an object with `raw_body` and `headers`."""
    raw = path.read_bytes()
    members = decode(raw) or {}
    body, headers = members.get("raw_body"), members.get("headers")
    if not isinstance(body, str):
        return Stored(raw, None)
    found = headers.get("Signature") if is_object(headers) else None
    return Stored(body.encode(), found if isinstance(found, str) else None)


class Posted(NamedTuple):
    """What came of a request: a status, or the *problem* why there is none."""

    status: int | None
    problem: str = ""


def session(seconds: float) -> aiohttp.ClientSession:
    """Open a session for deliveries; a receiver has *seconds* to answer."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=UNSENT,
    )


async def post(
    http: aiohttp.ClientSession,
    url: str,
    body: bytes,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
) -> Posted:
    """Post a body as it is; redirects are not followed."""
    try:
        async with http.post(
            url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            return Posted(answer.status)
    except TimeoutError:
        return Posted(None, "no answer in time")
    except aiohttp.ClientConnectorError as error:
        why = error.os_error.strerror or "refused"
        return Posted(None, one_line(f"no connection: {why}"))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Posted(None, one_line(f"no answer: {error}"))


def about(event: Event) -> str:
    """Say what an event is about: keys and amounts, and nothing personal."""
    return one_line(" ".join(_facts(event.data)))


def _facts(data: Any) -> Iterable[str]:
    match data:
        case Transaction():
            yield from _given(data.key, data.amount, data.amount_units)
            if data.partner:
                yield f"of partner {data.partner}"
        case Customer():
            yield from _given(data.key, data.status)
        case Partner() | Referral() | Subscriber():
            yield from _given(data.id, data.status)
        case {"key": str(key)}:
            yield key
        case {"id": str() | int() as known}:
            yield str(known)
        case _:
            yield from _given(getattr(data, "id", None), getattr(data, "status", None))


def _given(*values: Any) -> Iterable[str]:
    return (str(value) for value in values if value is not None)
