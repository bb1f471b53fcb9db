"""Run a sandbox until it is told to stop: what both commands share."""

import asyncio
import json
import signal
import sys
from typing import Any

from .server import Sandbox


def run(sandbox: Sandbox, *, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM, then close what is open.

    With *as_json* one line with the members `url` and `api_key` goes to standard
    output as soon as calls are answered, otherwise a text to read. Where there are
    several programs, `programs` lists all of them and `api_key` is the first one's.
    """
    asyncio.run(_serve(sandbox, as_json=as_json))


async def _serve(sandbox: Sandbox, *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with sandbox:
        sys.stdout.write(_json_line(sandbox) if as_json else _text(sandbox))
        sys.stdout.flush()
        await stop.wait()


def _json_line(sandbox: Sandbox) -> str:
    told: dict[str, Any] = {"url": sandbox.url, "api_key": sandbox.api_key}
    if len(sandbox.programs) > 1:
        told["programs"] = [
            {"type": each.type, "api_key": each.api_key, "id": each.id}
            for each in sandbox.programs
        ]
    return json.dumps(told) + "\n"


def _text(sandbox: Sandbox) -> str:
    further = "".join(
        f"  # {each.type}: export PARTNERO_API_KEY={each.api_key}\n"
        for each in sandbox.programs[1:]
    )
    return (
        "The Partnero sandbox is ready. In another terminal:\n\n"
        f"  export PARTNERO_BASE_URL={sandbox.url}\n"
        f"  export PARTNERO_API_KEY={sandbox.api_key}\n{further}\n"
        "Ctrl-C stops it.\n"
    )
