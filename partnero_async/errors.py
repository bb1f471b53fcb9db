"""Every exception that this package raises on purpose.

::

    PartneroError
    ├── UsageError                    the call itself is wrong; nothing was sent
    │   └── ClientClosedError         the client was closed before
    ├── NoAnswerError                 nothing usable came back
    │   ├── ConnectionFailedError     no connection, or it broke
    │   ├── DeadlineExceededError     out of time (also a TimeoutError)
    │   ├── UnexpectedBodyError       an answer that is not what the API sends
    │   │   └── DriftError            it has what was not published (strict=True)
    │   └── AmbiguousWriteError       a write may or may not have been applied
    │       ├── AppliedUnreadableError    it was applied; its answer is lost
    │       └── DuplicateDetectedError    it stands there more than once
    ├── RefusedError                  the API answered, and refused
    │   ├── BadRequestError           400
    │   ├── AuthenticationError       401
    │   ├── PermissionDeniedError     403
    │   ├── NotFoundError             404
    │   │   └── WrongProgramError         the key's program has no such resource
    │   ├── ConflictError             409, or the key is taken by other values
    │   ├── ValidationError           422, with the reasons by field
    │   ├── RateLimitError            429, with the time to wait
    │   └── ServerError               500 and above
    └── WebhookError                  a delivery that is not taken
        ├── DeliveryTooLargeError     it is larger than a delivery may be
        ├── SignatureError            it is not signed with the webhook's secret
        ├── MalformedEventError       it is no event
        │   └── EventDataError            its data is not what such an event carries
        └── StaleEventError           it is too old, or from the future

Catch `NoAnswerError` to try again later, `RefusedError` to change the call, and
`AmbiguousWriteError` before both wherever money is written: it must never be
answered by sending the same write again without looking first. `WebhookError` is about
what comes to you: answer the delivery with its `answer`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import attrs

__all__ = [
    "AmbiguousWriteError",
    "AppliedUnreadableError",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConflictError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "DeliveryTooLargeError",
    "DriftError",
    "DuplicateDetectedError",
    "EventDataError",
    "MalformedEventError",
    "NoAnswerError",
    "NotFoundError",
    "PartneroError",
    "PermissionDeniedError",
    "RateLimitError",
    "RefusedError",
    "Sent",
    "ServerError",
    "SignatureError",
    "StaleEventError",
    "UnexpectedBodyError",
    "UsageError",
    "ValidationError",
    "WebhookError",
    "WrongProgramError",
    "refusal",
]

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@attrs.frozen
class Attempt:
    """One request on the wire, as the timeline of a call shows it."""

    operation: str
    """Method and route template, such as ``GET /partners/{id}``."""
    at: float
    """Seconds from the start of the call to the start of this attempt."""
    took: float
    """Seconds that the attempt itself took."""
    came_back: str
    """What came of it: a status, or what broke."""
    then: str
    """What was decided about it."""
    waited: float = 0.0
    """Seconds that were waited before it, since the attempt before."""
    waited_for: str = ""
    """What was waited for: the rate limit, a free connection, a repeat's turn."""


@attrs.frozen
class Sent:
    """A request, as it can be made by hand."""

    method: str
    url: str = attrs.field(repr=False)
    body: bytes | None = attrs.field(repr=False)

    def curl(self) -> str:
        """Return a command that makes it, with the key left to the environment."""
        parts = ["curl", "-X", self.method, shlex.quote(self.url)]
        parts += ["-H", '"Authorization: Bearer $PARTNERO_API_KEY"']
        parts += ["-H", "'Accept: application/json'"]
        if self.body is not None:
            parts += ["-H", "'Content-Type: application/json'"]
            parts += ["--data-raw", shlex.quote(self.body.decode())]
        return " ".join(parts)


class PartneroError(Exception):
    """The base of all errors of this package.

    Its text is one line that says what happened and what to do. The attributes
    are there on every error; one that does not apply is None or empty.
    """

    hint: ClassVar[str] = ""
    """What to do about it, as the text of the error ends."""

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        status: int | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        attempts: Sequence[Attempt] = (),
        elapsed: float | None = None,
        key: str | None = None,
        request_id: str | None = None,
        maybe_applied: bool = False,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.message: str = one_line(message)
        """What happened, on one line."""
        self.operation = operation
        """Method and route template, such as ``POST /transactions``."""
        self.status = status
        """The HTTP status of the last answer."""
        self.fields: dict[str, list[str]] = {
            k: list(v) for k, v in (fields or {}).items()
        }
        """Reasons by field, such as ``{"email": ["This e-mail is in use."]}``."""
        self.attempts: tuple[Attempt, ...] = tuple(attempts)
        """What was sent when, and what came back."""
        self.elapsed = elapsed
        """Seconds from the start of the call to this error."""
        self.key = key
        """The key of the record that was written, to look it up by."""
        self.request_id = request_id
        """The API's own id of the last answer, for its support."""
        self.maybe_applied = maybe_applied
        """Whether the write may have taken effect. False only when that is proven."""
        self.retry_at = retry_at
        """When the API asks to be called again."""
        self.sent: Sent | None = None
        """The request itself, for `curl`."""

    def curl(self) -> str | None:
        """Return a command that repeats the request; None where there was none.

        The key is left out: the command takes it from ``PARTNERO_API_KEY``. Values that
        were sent are in it, personal ones too. Where the write may have been applied
        and can be looked up, the command looks it up, and does not send it again.
        """
        return self.sent.curl() if self.sent else None

    def mask(self, masked: Callable[[str], str]) -> None:
        """Apply *masked* to all texts that came from a server."""
        Exception.__init__(self, *map(masked, self.args))
        self.message = masked(self.message)
        self.fields = {
            masked(k): [masked(v) for v in reasons]
            for k, reasons in self.fields.items()
        }
        self.request_id = self.request_id and masked(self.request_id)

    def __str__(self) -> str:
        """Say on one line what happened, and what to do."""
        head = f"{self.operation}: " if self.operation else ""
        status = f"{self.status} " if self.status else ""
        return f"{head}{status}{self.message}{self._details()}{self._advice()}"

    def _details(self) -> str:
        reasons = "; ".join(f"{k}: {' '.join(v)}" for k, v in self.fields.items())
        known = {
            "key": self.key,
            "attempts": len(self.attempts) if len(self.attempts) > 1 else None,
            "request id": self.request_id,
        }
        facts = [f"{name} {value}" for name, value in known.items() if value]
        return "".join(
            f" ({one_line(text)})" for text in (reasons, ", ".join(facts)) if text
        )

    def _advice(self) -> str:
        if not self.hint:
            return ""
        # What a server says is often a sentence with a full stop of its own.
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{stop} {self.hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as what it is: task queues pass errors between processes."""
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _rebuild(
    kind: type[PartneroError], args: tuple[Any, ...], state: dict[str, Any]
) -> PartneroError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


LONGEST: Final = 500
"""Characters of a text that an error shows; `fields` has the reasons whole."""


def one_line(text: str) -> str:
    """Strip what could move a terminal's cursor, reorder text or forge a log line.

    A text that is too long for a line is cut.
    """
    line = CONTROL.sub(" ", text[: 2 * LONGEST]).strip()
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


# --- nothing was sent --------------------------------------------------------


class UsageError(PartneroError, ValueError):
    """The call itself is wrong: nothing was sent."""


class ClientClosedError(UsageError):
    """The client was closed before this call."""

    hint = "Make a new client, or call inside its `with` block."


# --- nothing usable came back ------------------------------------------------


class NoAnswerError(PartneroError):
    """Nothing usable came back from the API."""


class ConnectionFailedError(NoAnswerError):
    """No connection could be made, or it broke before an answer."""

    hint = "Check the network and the base URL, then try again."


class DeadlineExceededError(NoAnswerError, TimeoutError):
    """The call's time ran out; waiting, retries and look-ups are all part of it."""

    hint = "Try again later, or give the call more time with `timeout=`."


class UnexpectedBodyError(NoAnswerError):
    """The answer is not what this API sends: HTML, broken JSON, a wrong type."""

    hint = (
        "Check that the base URL leads to the API and not to a proxy or a login page."
    )


class DriftError(UnexpectedBodyError):
    """An answer has what this version does not know; raised with ``strict=True``."""

    hint = "Report it, and leave `strict` out to go on."


class AmbiguousWriteError(NoAnswerError):
    """A write was sent, and whether it was applied is not known.

    It was looked up where that is possible, and not found. It may still appear.
    """

    hint = (
        "Do not send it again blindly: look it up first,"
        " and send it again only when it is not there."
    )


class AppliedUnreadableError(AmbiguousWriteError):
    """The write was accepted, and its answer could not be read."""

    hint = "It was applied: do not send it again; read it back instead."


class DuplicateDetectedError(AmbiguousWriteError):
    """The write stands there more than once."""

    hint = "Delete the surplus records: each of them pays a commission."


# --- the API refused ---------------------------------------------------------


class RefusedError(PartneroError):
    """The API answered, and refused."""


class BadRequestError(RefusedError):
    """400: the request names something that does not exist, or a wrong state."""


class AuthenticationError(RefusedError):
    """401: the API key is missing or not valid."""

    hint = "Check the API key (PARTNERO_API_KEY): each program has its own."


class PermissionDeniedError(RefusedError):
    """403: this API key may not do that."""

    hint = "Give the key this permission in Partnero, or use another key."


class NotFoundError(RefusedError):
    """404: there is no such record."""


class WrongProgramError(NotFoundError):
    """The key's program is of a type that does not have this resource.

    Its message says which type it is and what to use instead. Where the API has refused
    the call, its own refusal is the cause of this error; a write that it would take for
    another resource at the same URL was not sent.
    """


class ConflictError(RefusedError):
    """The key is taken by a record with other values (409, or found by looking)."""

    hint = "Read the record that is there, then update it or choose another key."


class ValidationError(RefusedError):
    """422: some values were not accepted; `fields` says which and why."""


class RateLimitError(RefusedError):
    """429: too many requests, and the wait asked for is longer than this call may."""

    hint = "Call again later (`retry_at`, where it is set), or lower the rate."


class ServerError(RefusedError):
    """500 and above: the API failed."""

    hint = "Try again later."


BY_STATUS: dict[int, type[RefusedError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: ValidationError,
    429: RateLimitError,
}


def refusal(status: int) -> type[RefusedError]:
    """Return the class of error for an HTTP *status* that is not a success."""
    if status >= 500:
        return ServerError
    return BY_STATUS.get(status, RefusedError)


# --- a delivery is not taken ---------------------------------------------------


class WebhookError(PartneroError):
    """A delivery to a webhook is not taken.

    Neither the secret nor the signature nor anything of the body is in it.
    """

    answer: ClassVar[int] = 400
    """The HTTP status to answer the delivery with; the sender tries again later."""


class DeliveryTooLargeError(WebhookError):
    """The body is larger than 1 MiB; it was not looked at."""

    answer = 413


class SignatureError(WebhookError):
    """The delivery does not have exactly one signature, made with the webhook's secret.

    It came from somebody else, was changed on its way, or the secret is another one.
    """

    answer = 401
    hint = (
        "Check that the secret is the `signature` of this webhook,"
        " and that the body is the raw one, not parsed and written again."
    )


class MalformedEventError(WebhookError):
    """The body is not an event: no JSON, or without what every event has."""


class EventDataError(MalformedEventError):
    """The data is not what an event of this name carries; the message says where."""

    answer = 422
    hint = "Report it: a newer version of this package may know it."


class StaleEventError(WebhookError):
    """The event is older than the receiver takes, or from the future."""

    hint = "Check this machine's clock, or give the receiver another `max_age`."
