"""What it takes to make models of bytes: T8 and T9 in time, T10 in memory.

::

    python -m benchmarks.decoding [--quick] [--seed N]
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict

from partnero_async._convert import read
from partnero_async._wire import Answer, judge
from partnero_async.models import Partner
from partnero_async.models.pages import Page

from ._figures import Figure, Result
from ._harness import Setting, costs_table, main, ratios, rounds
from ._server import PAGE, page

JSON = {"Content-Type": "application/json"}


# --- the same models, as pydantic has them -------------------------------------------


class Open(BaseModel):
    """A model that keeps what it does not know, as ours do."""

    model_config = ConfigDict(extra="allow")


class CurrencyAmount(Open):
    """An amount of money."""

    currency: str | None = None
    amount: Decimal | None = None


class PartnerReferrals(Open):
    """What a partner brought so far."""

    clicks: int | None = None
    signups: int | None = None
    revenue: list[CurrencyAmount] | None = None
    sales_count: int | None = None
    paid_accounts: int | None = None


class PartnerCommissions(Open):
    """What a partner earned so far."""

    paid: Decimal | None = None
    pending: list[CurrencyAmount] | None = None
    not_paid: list[CurrencyAmount] | None = None


class PydanticPartner(Open):
    """A partner, with the fields of ours."""

    id: str | None = None
    key: str | None = None
    email: str | None = None
    name: str | None = None
    surname: str | None = None
    status: str | None = None
    approved: bool | None = None
    tos: bool | None = None
    tags: list[str] | None = None
    referral_link: str | None = None
    referral_links: list[str] | None = None
    referrals_count: int | None = None
    referrals: PartnerReferrals | None = None
    commissions: PartnerCommissions | None = None
    custom_fields: dict[str, Any] | list[Any] | None = None
    custom_field_values: dict[str, Any] | list[Any] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class PydanticPage(Open):
    """A page of partners."""

    data: list[PydanticPartner]
    links: dict[str, str | None]


# --- from bytes ----------------------------------------------------------------------


def models(body: bytes) -> list[Partner]:
    """Read a page as the client does."""
    verdict = judge(Answer(200, JSON, body))
    return read(Page[Partner], verdict.payload, "GET /partners", []).items


def untyped(body: bytes) -> Any:
    """Read a page into plain objects, as fast as it can be."""
    return msgspec.json.decode(body)


def validated(body: bytes) -> list[PydanticPartner]:
    """Read a page with pydantic."""
    return PydanticPage.model_validate_json(body).data


def plain(body: bytes) -> Any:
    """Read a page with the standard library."""
    return json.loads(body)


def size(decode: Callable[[bytes], list[object]], bodies: list[bytes]) -> float:
    """Return how many bytes an item takes, the objects it holds included."""
    decode(bodies[0])  # what is made once is no item's
    tracemalloc.start()
    kept = [decode(body) for body in bodies]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / sum(map(len, kept))


def measure(setting: Setting) -> Result:
    """Read a page in each way."""
    body = page(1, 2, "http://127.0.0.1:1")
    grown = body.replace(b'"approved"', b'"tier": "gold", "approved"')
    times = setting.pick(40, 200)

    def reading(
        decode: Callable[[bytes], object], body: bytes = body
    ) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times):
                decode(body)

        return run

    found = rounds(
        {
            "msgspec, untyped": reading(untyped),
            "json, untyped": reading(plain),
            "ours, models": reading(models),
            "pydantic, models": reading(validated),
            "ours, a member that is not known": reading(models, grown),
            "pydantic, the same": reading(validated, grown),
        },
        setting,
        count=setting.pick(7, 21),
    )
    bare, _, ours, other, *_ = found.values()
    bodies = [page(number, 41, "http://127.0.0.1:1") for number in range(1, 41)]
    dicts = size(lambda body: untyped(body)["data"], bodies)
    mine = size(lambda body: [*models(body)], bodies)
    return Result(
        [
            Figure.of(
                "T8",
                "bytes to models, a page of 250 / untyped fast JSON",
                ratios(ours, bare, "cpu"),
                target=4.2,
                stretch=3.0,
            ),
            Figure.of(
                "T9",
                "the same / pydantic v2",
                ratios(ours, other, "cpu"),
                target=1.05,
                stretch=0.75,
            ),
            Figure.of(
                "T10",
                f"memory of a decoded item / its dict ({mine:.0f} / {dicts:.0f} bytes)",
                [mine / dicts],
                target=0.65,
                stretch=0.60,
            ),
        ],
        [
            costs_table(
                "From bytes to items, an item",
                found,
                calls=times * PAGE,
                beside="msgspec, untyped",
            )
        ],
    )


if __name__ == "__main__":
    main(measure)
