"""Webhooks: where the API reports what happens in a program."""

from typing import Any, Literal, TypeAlias

import attrs

from ._model import Model, no_extra

WebhookEventName: TypeAlias = Literal[
    "partner.created",
    "partner.updated",
    "partner.deleted",
    "partner.approved",
    "partner.rejected",
    "partner.archived",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.credited",
    "customer.rewarded",
    "transaction.created",
    "transaction.deleted",
    "lead.submitted",
    "lead.converted",
    "lead.rejected",
    "subscriber.created",
    "subscriber.updated",
    "subscriber.deleted",
    "subscriber.rewarded",
]
"""Events that can be subscribed to; the program's type decides which of them.

Affiliate programs have those of partners and leads; ``customer.credited`` and
``customer.rewarded`` are of refer-a-friend programs (inferred), those of subscribers of
newsletter programs.
"""


@attrs.define(kw_only=True)
class Webhook(Model):
    """A subscription to events."""

    key: str | None = None
    """12 letters and digits, or the caller's own."""
    name: str | None = None
    url: str | None = None
    """Where deliveries go."""
    is_active: bool | None = None
    signature: str | None = attrs.field(
        default=None, repr=lambda value: "'***'" if value else repr(value)
    )
    """The signing secret of its deliveries, 16 letters and digits: masked in the repr.

    It cannot be chosen, and does not change."""
    events: list[str] | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
