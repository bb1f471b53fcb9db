"""A server that takes requests and keeps silent, until it is told to speak."""

from __future__ import annotations

import json
import socketserver
import threading
from typing import Any, Self, cast

PATIENCE = 5.0
"""Seconds that a test waits for what should happen at once."""


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Note each request; answer while there are answers, and then wait."""
        silent = cast("Silent", self.server)
        while request := self.request.recv(65536):
            silent.asked.release()
            for body in silent.answers_to(request.decode()):
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
                self.request.sendall(
                    f"{head}Content-Type: application/json\r\n\r\n".encode() + body
                )
        silent.left.release()


class Silent(socketserver.ThreadingTCPServer):
    """Listens on the loopback, and answers only the requests of which it knows."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answers: dict[str, Any] = {}
        """By a piece of the request's first line."""
        self.asked = threading.Semaphore(0)
        """Released by each request."""
        self.left = threading.Semaphore(0)
        """Released by each connection that the client has given up."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def answers_to(self, request: str) -> list[bytes]:
        """Return the bodies to send, one at most."""
        line = request.partition("\r\n")[0]
        known = [body for piece, body in self.answers.items() if piece in line]
        return [json.dumps(body).encode() for body in known[:1]]

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"
