"""The client of `partnero_async`, for code without an event loop.

::

    from partnero_sync import Partnero

    with Partnero("your-api-key") as client:
        sale = client.transactions.create(
            key="order-1001", amount=49.90, customer={"key": "acct-7"}
        )

`Partnero` and `Pages` are this package's own; all other names are those of
`partnero_async`, the same objects. They load when they are first used.
"""

from typing import TYPE_CHECKING

from partnero_async import __version__
from partnero_async._lazy import lazily

if TYPE_CHECKING:
    from partnero_async import (
        AmbiguousWriteError,
        AppliedUnreadableError,
        Attempt,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConflictError,
        ConnectionFailedError,
        DeadlineExceededError,
        DeliveryTooLargeError,
        DriftError,
        DuplicateDetectedError,
        EventDataError,
        MalformedEventError,
        NoAnswerError,
        NotFoundError,
        PartneroError,
        PermissionDeniedError,
        Rate,
        RateLimitError,
        RefusedError,
        ServerError,
        SignatureError,
        StaleEventError,
        UnexpectedBodyError,
        UsageError,
        ValidationError,
        WebhookError,
        WrongProgramError,
    )

    from .client import Partnero
    from .pages import Pages

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
    "Pages",
    "Partnero",
    "PartneroError",
    "PermissionDeniedError",
    "Rate",
    "RateLimitError",
    "RefusedError",
    "ServerError",
    "SignatureError",
    "StaleEventError",
    "UnexpectedBodyError",
    "UsageError",
    "ValidationError",
    "WebhookError",
    "WrongProgramError",
    "__version__",
]

_OWN = {"Partnero": "partnero_sync.client", "Pages": "partnero_sync.pages"}

if not TYPE_CHECKING:  # a checker takes a misspelt name for one of these
    __getattr__ = lazily(__name__, __all__, _OWN, "partnero_async")


def __dir__() -> list[str]:
    return sorted(__all__)
