"""Webhooks: where the API reports what happens in a program."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final, Literal

from .._keys import made_up_key
from .._lookup import Lookup, holds
from ..models.pages import Page
from ..models.webhooks import Webhook, WebhookEventName
from ..pages import Bounds, Pages
from ..retries import Kind
from ._resource import Resource

BOUNDS: Final = Bounds(smallest=10, largest=100)
"""Those of the old documentation; no newer source names any."""


class WebhooksResource(Resource):
    """Webhooks: subscriptions to what happens in a program."""

    def list(self, *, limit: int = 100) -> Pages[Webhook]:
        """Walk all webhooks, with their signing secrets.

        *limit* is the size of a page, 10 to 100. Source: the old documentation.
        """
        return self._pages(Page[Webhook], "GET /webhooks", limit=limit, bounds=BOUNDS)

    async def get(self, key: str) -> Webhook:
        """Read one webhook.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        return await self._call(
            Webhook, Kind.READ, "GET /webhooks/{key}", parts={"key": key}
        )

    async def create(
        self,
        *,
        name: str,
        url: str,
        events: Sequence[WebhookEventName | str],
        key: str | None = None,
        is_active: bool | None = None,
        if_exists: Literal["raise", "return"] = "raise",
    ) -> Webhook:
        """Subscribe to *events*; the result has the ``signature``, the signing secret.

        *name* has up to 100 characters. Deliveries are posted to *url*. *events* that
        the program's type does not have are refused with a `ValidationError`. It is
        active unless *is_active* says otherwise.

        *key* is unique. One is made where none is given: without one a repeat would
        make a second webhook and double the deliveries. A *key* that is taken is
        refused with a `ValidationError`; ``if_exists="return"`` returns the webhook
        that is there if it has the same values, and raises `ConflictError` if it has
        others.
        """
        key = key or made_up_key()
        body = {
            "key": key,
            "name": name,
            "url": url,
            "events": events,
            "is_active": is_active,
        }
        return await self._call(
            Webhook,
            Kind.UNIQUE,
            "POST /webhooks",
            json=body,
            key=key,
            lookup=_webhook(
                key, name=name, url=url, is_active=is_active, events=events
            ),
            returns_existing=self._returns_existing(if_exists),
        )

    async def update(
        self,
        key: str,
        *,
        name: str | None = None,
        url: str | None = None,
        is_active: bool | None = None,
        events: Sequence[WebhookEventName | str] | None = None,
    ) -> Webhook:
        """Change a webhook: what is left out stays as it is, and the secret always.

        *events* replaces the whole list (inferred). Constraints are those of `create`.
        Raises `NotFoundError` when there is none.
        """
        return await self._call(
            Webhook,
            Kind.STATE,
            "PUT /webhooks/{key}",
            parts={"key": key},
            json={"name": name, "url": url, "is_active": is_active, "events": events},
            key=key,
            lookup=_webhook(
                key, name=name, url=url, is_active=is_active, events=events
            ),
        )

    async def delete(self, key: str) -> None:
        """Delete a webhook; its secret goes with it.

        Raises `NotFoundError` when there is none. Source: the vendor's PHP library.
        """
        await self._call(
            NoneType, Kind.STATE, "DELETE /webhooks/{key}", parts={"key": key}
        )


def _webhook(
    key: str,
    *,
    events: Sequence[str] | None,
    name: str | None,
    url: str | None,
    is_active: bool | None,
) -> Lookup:
    fits = holds(name=name, url=url, is_active=is_active)
    return Lookup(
        Webhook,
        "GET /webhooks/{key}",
        parts={"key": key},
        mine=holds(key=key),
        # That the order of events is kept is not documented.
        same=lambda hook: (
            fits(hook) and (events is None or set(events) == set(hook.events or ()))
        ),
    )
