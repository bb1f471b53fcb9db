"""`partnero export`: lists out, to a file or to standard output."""

from __future__ import annotations

import asyncio
import inspect
import json as codec
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

from cyclopts import App, Parameter, validators

from ..bulk import Exported, ExportFormat, export
from ..bulk.forms import format_of
from ..client import Partnero
from ..models import NewsletterReward
from ..models.pages import Page
from ..pages import Pages
from ..resources.coupons import CouponsResource
from ..resources.customer_links import CustomerLinksResource
from ..resources.customers import CustomersResource
from ..resources.leads import LeadsResource
from ..resources.partner_links import PartnerLinksResource
from ..resources.partners import PartnersResource
from ..resources.payouts import PayoutsResource
from ..resources.promotion_codes import PromotionCodesResource
from ..resources.referrals import ReferralsResource
from ..resources.rewards import RewardsResource
from ..resources.subscribers import SubscribersResource
from ..resources.transactions import TransactionsResource
from . import INTERRUPTED
from ._options import Limit, Switch
from ._runs import CALL_SECONDS

__all__ = ["app"]

EVERY: Final = 5.0
"""Seconds between two lines that say how far it is."""

# Webhooks are no records of the program, and hold the secret that signs deliveries.
LISTS: Final[Mapping[str, Callable[..., Any]]] = {
    "partners": PartnersResource.list,
    "customers": CustomersResource.list,
    "transactions": TransactionsResource.list,
    "referrals": ReferralsResource.list,
    "leads": LeadsResource.list,
    "subscribers": SubscribersResource.list,
    "coupons": CouponsResource.list,
    "promotion-codes": PromotionCodesResource.list,
    "payouts": PayoutsResource.list,
    "rewards": RewardsResource.list,
    "partner-links": PartnerLinksResource.list,
    "customer-links": CustomerLinksResource.list,
}
"""What can be exported, by the name of the command."""

LARGEST: Final = {"payouts": 100}
"""Items that a page may have, where that is not 250."""

EPILOGUE: Final = """\
Exit codes: 0 the file is whole; 2 it could not start, or not go on: what is there is
kept in FILE.part, and the same command goes on with it; 130 interrupted, the same;
141 whoever read standard output has closed it.
"""

app: App = App(
    name="export",
    help="Export a list to CSV, JSON lines or Parquet; started again, it goes on where"
    " it stopped.",
    help_epilogue=EPILOGUE,
)

Output = Annotated[
    Path | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)
]
Window = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))]

FILTERS: Final = {
    "id": "Whose links: the partner's or the customer's id.",
    "key": "Only those with this key.",
    "partner_key": "Only those of the partner with this referral key.",
    "partner_email": "Only those of the partner with this e-mail address.",
    "customer_key": "Only those of the customer with this key.",
    "refer_status": "Only those who were referred, or only those who were not.",
    "sort": "Oldest (asc) or newest (desc) first.",
}
"""What lists take, in words."""

HELP: Final = """Export {name} to CSV, JSON lines or Parquet.

    The file appears under its name when it is whole. Until then what is there is in
    FILE.part, and the same command goes on with it, each item once.

    Parameters
    ----------
    {filters}
    format
        csv, jsonl or parquet; what the name of the file ends with, csv without a file.
    output
        The file; - or nothing is standard output.
    window
        Pages that are asked for at once.
    limit
        Items a page.
    raw
        Leave CSV cells as they are that begin like a formula (= + - @ TAB CR): else
        they get a ' before it, except for numbers.
    importable
        Write just the columns that `partnero import` takes, and leave out what is
        archived, deleted or pending. The import takes the ' of a cell off again.
    restart
        Begin anew, whatever an earlier export to this file has left.
    rate_limit
        What the program is allowed, such as 120/min; learnt when left out.
    json
        Print what was done as one line of JSON; on standard error when the list is on
        standard output.
    """


def _command(name: str, lists: Callable[..., Any]) -> Callable[..., int]:
    """Make the command of one list; what the list takes becomes its options."""
    taken, largest = _filters(lists), LARGEST.get(name, 250)

    def command(*owner: str, **given: Any) -> int:
        filters = {p.name: given.pop(p.name, None) for p in taken if p.kind in NAMED}
        # Of a signature that is made, defaults are shown and not passed.
        given.setdefault("limit", largest)
        return _to_the_end(name, owner, filters, **given)

    signature = inspect.Signature([*taken, *_options(lists, largest)])
    told: Any = command
    told.__signature__ = signature
    told.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    words = [f"{p.name}\n        {FILTERS[p.name]}" for p in taken]
    told.__doc__ = HELP.format(name=name, filters="\n    ".join(words))
    return command


NAMED: Final = (inspect.Parameter.KEYWORD_ONLY,)


def _filters(lists: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    """Return what a list takes beside the size of its pages."""
    hints = get_type_hints(lists)
    return [
        parameter.replace(
            annotation=hints[name],
            kind=parameter.kind
            if parameter.kind in NAMED
            else inspect.Parameter.POSITIONAL_ONLY,
        )
        for name, parameter in inspect.signature(lists).parameters.items()
        if name not in ("self", "limit")
    ]


def _options(lists: Callable[..., Any], largest: int) -> Sequence[inspect.Parameter]:
    """Return what every export takes, as far as there are pages."""
    hints = get_type_hints(_to_the_end, include_extras=True)
    paged = "limit" in inspect.signature(lists).parameters
    options = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(_to_the_end).parameters.values()
        if parameter.kind in NAMED and (paged or parameter.name not in PAGING)
    ]
    return [p.replace(default=largest) if p.name == "limit" else p for p in options]


PAGING: Final = ("limit", "window")


# --- running -----------------------------------------------------------------------


def _to_the_end(
    name: str,
    owner: Sequence[str],
    filters: Mapping[str, Any],
    *,
    format: ExportFormat | None = None,  # noqa: A002 - the option's name
    output: Output = None,
    window: Window = 1,
    limit: int,
    raw: Switch = False,
    importable: Switch = False,
    restart: Switch = False,
    rate_limit: Limit = None,
    json: Switch = False,
) -> int:
    path = None if output == Path("-") else output

    async def work() -> Exported:
        async with Partnero(timeout=CALL_SECONDS, rate_limit=rate_limit) as client:
            return await export(
                _pages(client, name, owner, limit=limit, **filters),
                path or sys.stdout.buffer,
                format=format or (format_of(path) if path else "csv"),
                window=window,
                raw=raw,
                importable=importable,
                resume=not restart,
                on_progress=Lines(name),
            )

    try:
        done = asyncio.run(work())
        sys.stdout.flush()
    except KeyboardInterrupt:
        if path:
            sys.stderr.write("partnero: interrupted; the same command goes on\n")
        return INTERRUPTED
    out = sys.stdout if path and json else sys.stderr
    out.write(codec.dumps(done.as_dict()) + "\n" if json else _text(name, done))
    return 0


def _pages(
    client: Partnero, name: str, owner: Sequence[str], *, limit: int, **filters: Any
) -> Pages[Any]:
    if name == "rewards":
        return _Rewards(client)
    resource = getattr(client, name.replace("-", "_"))
    pages: Pages[Any] = resource.list(*owner, limit=limit, **filters)
    return pages


class _Rewards(Pages[NewsletterReward]):
    """Rewards: they come whole, as a list of one page."""

    def __init__(self, client: Partnero) -> None:
        kept = client._transport  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        super().__init__(kept, Page[NewsletterReward], "GET /rewards", limit=250)
        self._read = client.rewards.list

    async def page(self, number: int) -> Page[NewsletterReward]:
        """Read all of them."""
        return Page(items=list(await self._read()), number=number)


# --- telling -----------------------------------------------------------------------


class Lines:
    """Writes a line on standard error now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = EVERY

    def __call__(self, told: Exported) -> None:
        """Take note of where it is."""
        if told.elapsed < self._next:
            return
        self._next = told.elapsed + EVERY
        sys.stderr.write(f"exporting: {told.rows} rows of {self._name}\n")


def _text(name: str, done: Exported) -> str:
    there = f" ({done.resumed} were there before)" * bool(done.resumed)
    where = f" in {done.path}" * bool(done.path)
    lines = [f"{done.rows} rows of {name}{where}{there}, {done.elapsed:.1f} s"]
    if done.left_out:
        lines.append(f"{done.left_out} left out: archived, deleted or pending")
    if done.incomplete:
        lines.append(
            f"{done.incomplete} without all that they are: commissions that are shared,"
            " rejected or no money, or products that no column takes"
        )
    if done.defused:
        lines.append(f"{done.defused} cells begin like a formula: a ' is before them")
    return "\n".join(lines) + "\n"


def _register() -> None:
    for name, lists in LISTS.items():
        app.command(_command(name, lists), name=sorted({name, name.replace("-", "_")}))


_register()
