"""A small shop: its customers, files of its sales, and what a ledger has of them."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import attrs

from partnero_async import Partnero
from partnero_async.sandbox import Sandbox

HEADER = ("key", "customer.key", "amount", "created_at", "action")


def sale(
    number: int, *, customer: str = "c1", amount: str | None = None
) -> tuple[str, ...]:
    """Return the cells of a sale under HEADER; each number has an amount of its own."""
    return (
        f"s{number}",
        customer,
        amount or f"{number}.25",
        "2024-01-31",
        "sale",
    )


def write_csv(
    path: Path, rows: Iterable[Sequence[str]], *, header: Sequence[str] = HEADER
) -> Path:
    """Write a file with *header*."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read_csv(path: Path) -> list[list[str]]:
    """Read a file, header included."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def names_in(folder: Path) -> list[str]:
    """Return the names of all files in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def open_shop(client: Partnero) -> None:
    """Register a partner, and the customers c1 to c3 under it."""
    await client.partners.create(email="p1@example.com", key="p1")
    for name in ("c1", "c2", "c3"):
        await client.customers.create(
            name, partner={"key": "p1"}, email=f"{name}@example.com"
        )


def sales_in(sandbox: Sandbox) -> list[tuple[str, Decimal]]:
    """Return every sale that the program was ever sent: key and amount."""
    return sorted(
        (effect.key or "", effect.amount or Decimal(0))
        for effect in sandbox.ledger
        if effect.operation == "transactions.create"
    )


def expected(numbers: Iterable[int]) -> list[tuple[str, Decimal]]:
    """Return what the ledger holds once these sales were sent, each once."""
    return sorted((f"s{number}", Decimal(f"{number}.25")) for number in numbers)


@attrs.frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


COMMAND = (sys.executable, "-m", "partnero_async.cli")


def environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """Return the environment of a command that talks to *sandbox*."""
    return {
        **os.environ,
        "PARTNERO_API_KEY": sandbox.api_key,
        "PARTNERO_BASE_URL": sandbox.url,
        **more,
    }


async def start(
    *arguments: str | Path,
    env: dict[str, str],
    program: Sequence[str] = COMMAND,
    out: int = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Start a command, with its standard output piped to here, or to *out*."""
    return await asyncio.create_subprocess_exec(
        *program,
        *map(str, arguments),
        env=env,
        stdout=out,
        stderr=asyncio.subprocess.PIPE,
    )


async def end(process: asyncio.subprocess.Process) -> Ended:
    """Wait for a command."""
    out, err = await process.communicate()
    return Ended(process.returncode or 0, (out or b"").decode(), err.decode())


async def run(
    *arguments: str | Path, env: dict[str, str], program: Sequence[str] = COMMAND
) -> Ended:
    """Run a command to its end."""
    return await end(await start(*arguments, env=env, program=program))
