"""Writes in doubt: looked up, where that is possible, and else reported as that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from ._lookup import Lookup
from ._wire import Verdict, next_page
from .errors import (
    ConflictError,
    DuplicateDetectedError,
    NotFoundError,
    PartneroError,
)
from .retries import LEAST_TIME, Action, Kind, Outcome

if TYPE_CHECKING:
    from ._call import Call

AGAIN: Final = object()
"""The write is proven absent, and may be sent again."""


async def resolve(call: Call, action: Action, verdict: Verdict) -> Any:
    """Look for what a write has left behind; `AGAIN` where it may be sent again."""
    lookup = call.lookup
    if lookup is None:
        raise call.ambiguous(verdict)
    if action is Action.SETTLE:
        return await _settle(call, lookup, verdict)
    found = await _find(call, lookup, verdict)
    # What was accepted is what is there now, whatever of it can be compared.
    accepted = action is Action.READ_BACK and call.kind is Kind.STATE
    same = [record for record in found if accepted or lookup.same(record)]
    if same:
        return same[0]
    if action is Action.READ_BACK:
        raise call.ambiguous(verdict)
    if found and call.kind is Kind.UNIQUE:
        raise call.complete(ConflictError("the key is taken by other values"))
    if action is Action.RECONCILE:
        return AGAIN
    raise call.error(verdict)


async def _settle(call: Call, lookup: Lookup, verdict: Verdict) -> Any:
    """Look twice for a money write, since it may still be under way."""
    settings = call.settings
    there = False
    for pause in (settings.settle, settings.settle * 2):
        if asyncio.get_running_loop().time() + pause + LEAST_TIME > call.deadline:
            raise call.ambiguous(verdict)
        call.waited(pause, "a write under way")
        await asyncio.sleep(pause)
        found = await _find(call, lookup, verdict)
        if lookup.gone and not found:
            return None
        same = [record for record in found if not lookup.gone and lookup.same(record)]
        if len(same) > 1:
            why = f"recorded {len(same)} times"
            raise call.complete(DuplicateDetectedError(why))
        if same:
            return same[0]
        there = there or bool(found)
    if there and not lookup.gone:
        raise call.ambiguous(verdict, "its key is there with other values")
    resend = settings.on_ambiguous == "resend_after_settle"
    if resend and call.kind is Kind.MONEY:
        return AGAIN
    raise call.ambiguous(verdict)


async def _find(call: Call, lookup: Lookup, verdict: Verdict) -> list[Any]:
    """Return the records that have the key in question."""
    try:
        return await _records(call, lookup)
    except PartneroError as error:
        failed = error
    if verdict.outcome is Outcome.REFUSED and not call.in_doubt:
        raise call.error(verdict)  # the refusal stands, whatever is there
    raise call.ambiguous(verdict, f"its look-up failed: {failed}")


async def _records(call: Call, lookup: Lookup) -> list[Any]:
    if not lookup.paged:
        return await _record(call, lookup)
    asked = lookup.request()
    page = 1
    while True:
        found = await call.child(asked).run(lookup.result)
        mine = [record for record in found.items if lookup.mine(record)]
        if mine or not found.link:
            return mine
        page = next_page(found.link, call.settings.base_url, asked, page)
        asked = lookup.request(page)


async def _record(call: Call, lookup: Lookup) -> list[Any]:
    child = call.child(lookup.request())
    try:
        record = await child.run(lookup.result)
    except NotFoundError:
        # A proxy that has lost its way to the API knows of no record either.
        if child.heard_the_api:
            return []
        raise
    return [record] if lookup.mine(record) else []
