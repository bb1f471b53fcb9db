"""Run a sandbox until it is told to stop: what both commands share."""

import asyncio
import json
import signal
import sys

from .server import Sandbox


def run(sandbox: Sandbox, *, as_json: bool) -> None:
    """Serve until SIGINT or SIGTERM, then close what is open.

    With *as_json* one line with the members `url` and `api_key` goes to standard
    output as soon as calls are answered, otherwise a text to read.
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
    return json.dumps({"url": sandbox.url, "api_key": sandbox.api_key}) + "\n"


def _text(sandbox: Sandbox) -> str:
    return (
        "The Partnero sandbox is ready. In another terminal:\n\n"
        f"  export PARTNERO_BASE_URL={sandbox.url}\n"
        f"  export PARTNERO_API_KEY={sandbox.api_key}\n\n"
        "Ctrl-C stops it.\n"
    )
