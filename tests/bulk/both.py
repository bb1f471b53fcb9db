"""Imports in the form of the client at hand: awaited, or blocking in a thread.

What a test imports with follows from its client, so that each runs on both
(`tests.conftest`); what blocking adds is tested in `tests.sync.test_bulk`.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, BinaryIO

import partnero_sync.bulk
from partnero_async import Partnero, bulk
from partnero_async.bulk import (
    Exported,
    Forecast,
    Reconciliation,
    Report,
    ResourceName,
)
from tests.awaited import AwaitedClient, AwaitedPages, in_thread

Stop = asyncio.Event | threading.Event


async def run_import(
    client: Partnero, resource: ResourceName, source: Any, **options: Any
) -> Report:
    """Import with the form that is the client's."""
    report: Report = await _either("run_import", client, resource, source, **options)
    return report


async def resolve(client: Partnero, journal: Path, **options: Any) -> Report:
    """Resolve with the form that is the client's."""
    report: Report = await _either("resolve", client, journal, **options)
    return report


async def resume(client: Partnero, journal: Path, **options: Any) -> Report:
    """Go on with the form that is the client's."""
    report: Report = await _either("resume", client, journal, **options)
    return report


async def retry_rejects(client: Partnero, journal: Path, **options: Any) -> Report:
    """Try again with the form that is the client's."""
    report: Report = await _either("retry_rejects", client, journal, **options)
    return report


async def plan_import(
    client: Partnero, resource: ResourceName, source: Any, **options: Any
) -> Forecast:
    """Plan with the form that is the client's."""
    plan: Forecast = await _either("plan_import", client, resource, source, **options)
    return plan


async def reconcile(client: Partnero, source: Any, **options: Any) -> Reconciliation:
    """Reconcile with the form that is the client's."""
    found: Reconciliation = await _either("reconcile", client, source, **options)
    return found


async def export(pages: Any, target: Path | str | BinaryIO, **options: Any) -> Exported:
    """Export with the form that is the list's."""
    done: Exported = await _either("export", pages, target, **options)
    return done


async def _either(name: str, whose: Any, *arguments: Any, **options: Any) -> Any:
    """Call the function *name* of the package that a client or a list is of."""
    if isinstance(whose, AwaitedClient | AwaitedPages):
        blocking = getattr(partnero_sync.bulk, name)
        return await in_thread(blocking, whose._own, *arguments, **options)
    return await getattr(bulk, name)(whose, *arguments, **options)


def stop_for(client: Partnero) -> Stop:
    """Return what ends an import of this client early."""
    awaited = isinstance(client, AwaitedClient)
    return threading.Event() if awaited else asyncio.Event()
