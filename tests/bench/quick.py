"""A server that records nothing and answers at once, for imports that are measured.

``python quick.py`` says its address on a line of standard output, and ends with its
standard input. Nothing is imported but the standard library, and a request is looked at
no more than is needed: what is measured is whoever sends.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from typing import Final

BUYERS: Final = 100
SHOWN: Final = "2026-03-04T10:00:00.000000Z"
LENGTH: Final = re.compile(rb"[Cc]ontent-[Ll]ength: *(\d+)")
KEY: Final = re.compile(rb'"key": ?"([^"]+)"')
END: Final = b"\r\n\r\n"


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d"
    return head % len(body) + END + body


def _listed(items: list[dict[str, object]]) -> bytes:
    page = {"data": items, "links": {"next": None}, "status": 1}
    return _answer(json.dumps(page).encode())


def _buyer(number: int) -> dict[str, object]:
    return {
        "key": f"c{number}",
        "email": f"c{number}@example.com",
        "name": None,
        "surname": None,
        "partner": "p1",
        "deleted": False,
        "created_at": SHOWN,
        "updated_at": SHOWN,
        "deleted_at": None,
    }


RECORDED: Final = json.dumps(
    {
        "data": {
            "key": "KEY",
            "action": "sale",
            "amount": 12.5,
            "amount_units": "USD",
            "is_currency": True,
            "credit": False,
            "partner": None,
            "customer": "c1",
            "created_at": SHOWN,
            "rewards": [],
        },
        "status": 1,
    }
).encode()
BEFORE, AFTER = RECORDED.split(b"KEY")
LISTS: Final = {
    b"/v1/customers": _listed([_buyer(number) for number in range(BUYERS)]),
    b"/v1/transactions": _listed([]),
    b"/v1/test": _answer(b'{"data": {"program": {"pub_id": "QUICK"}}, "status": 1}'),
}


NOWHERE: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


class Quick(asyncio.Protocol):
    """Answers on one connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Answer what has come whole."""
        self._rest += data
        while (end := self._rest.find(END)) >= 0:
            length = LENGTH.search(self._rest, 0, end + 2)
            whole = end + len(END) + (int(length[1]) if length else 0)
            if len(self._rest) < whole:
                return
            request, self._rest = self._rest[:whole], self._rest[whole:]
            self._transport.write(_answered(request, end))  # type: ignore[attr-defined]


def _answered(request: bytes, end: int) -> bytes:
    if request.startswith(b"POST"):
        key = KEY.search(request, end)
        return _answer(BEFORE + (key[1] if key else b"none") + AFTER)
    path = request.split(b" ", 2)[1].partition(b"?")[0]
    return LISTS.get(path, NOWHERE)


async def main() -> None:
    """Serve until nobody needs it any more."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Quick, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}/v1\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    # A connection that is still open would be waited for.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
