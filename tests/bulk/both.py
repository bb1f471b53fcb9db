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
    if not isinstance(client, AwaitedClient):
        return await bulk.run_import(client, resource, source, **options)
    blocking = partnero_sync.bulk.run_import
    report: Report = await in_thread(blocking, client._own, resource, source, **options)
    return report


async def resolve(client: Partnero, journal: Path, **options: Any) -> Report:
    """Resolve with the form that is the client's."""
    if not isinstance(client, AwaitedClient):
        return await bulk.resolve(client, journal, **options)
    blocking = partnero_sync.bulk.resolve
    report: Report = await in_thread(blocking, client._own, journal, **options)
    return report


async def resume(client: Partnero, journal: Path, **options: Any) -> Report:
    """Go on with the form that is the client's."""
    if not isinstance(client, AwaitedClient):
        return await bulk.resume(client, journal, **options)
    blocking = partnero_sync.bulk.resume
    report: Report = await in_thread(blocking, client._own, journal, **options)
    return report


async def retry_rejects(client: Partnero, journal: Path, **options: Any) -> Report:
    """Try again with the form that is the client's."""
    if not isinstance(client, AwaitedClient):
        return await bulk.retry_rejects(client, journal, **options)
    blocking = partnero_sync.bulk.retry_rejects
    report: Report = await in_thread(blocking, client._own, journal, **options)
    return report


async def plan_import(
    client: Partnero, resource: ResourceName, source: Any, **options: Any
) -> Forecast:
    """Plan with the form that is the client's."""
    if not isinstance(client, AwaitedClient):
        return await bulk.plan_import(client, resource, source, **options)
    blocking = partnero_sync.bulk.plan_import
    forecast: Forecast = await in_thread(
        blocking, client._own, resource, source, **options
    )
    return forecast


async def export(pages: Any, target: Path | str | BinaryIO, **options: Any) -> Exported:
    """Export with the form that is the list's."""
    if not isinstance(pages, AwaitedPages):
        return await bulk.export(pages, target, **options)
    blocking = partnero_sync.bulk.export
    done: Exported = await in_thread(blocking, pages._own, target, **options)
    return done


def stop_for(client: Partnero) -> Stop:
    """Return what ends an import of this client early."""
    awaited = isinstance(client, AwaitedClient)
    return threading.Event() if awaited else asyncio.Event()


async def reconcile(client: Partnero, source: Any, **options: Any) -> Reconciliation:
    """Reconcile with the form that is the client's."""
    if not isinstance(client, AwaitedClient):
        return await bulk.reconcile(client, source, **options)
    blocking = partnero_sync.bulk.reconcile
    found: Reconciliation = await in_thread(blocking, client._own, source, **options)
    return found
