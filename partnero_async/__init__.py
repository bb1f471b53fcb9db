"""An asyncio-first client for the Partnero REST API.

::

    from partnero_async import Partnero

    async with Partnero("your-api-key") as client:
        sale = await client.transactions.create(
            key="order-1001", amount=49.90, customer={"key": "acct-7"}
        )

The names of this page load when they are first used, so that importing the package
costs next to nothing.
"""

from typing import TYPE_CHECKING

from ._lazy import lazily
from ._version import __version__

if TYPE_CHECKING:
    from .client import Partnero
    from .errors import (
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
    from .pacing import Rate
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

_HOMES = {"Partnero": ".client", "Pages": ".pages", "Rate": ".pacing"}

if not TYPE_CHECKING:  # a checker takes a misspelt name for one of these
    __getattr__ = lazily(__name__, __all__, _HOMES, ".errors")


def __dir__() -> list[str]:
    return sorted(__all__)
