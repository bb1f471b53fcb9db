"""Sends a delivery over a socket, whatever is in its headers."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.client import HTTPResponse
from typing import Final

from .deliveries import Delivery

SECONDS: Final = 30.0


def post(
    port: int, delivery: Delivery, *, path: str = "/hook", chunked: bool = False
) -> tuple[int, str]:
    """Post a delivery to a server on this machine; return its answer.

    Raises `OSError` where no answer comes.
    """
    return request(port, "POST", delivery, path=path, chunked=chunked)


def request(
    port: int, method: str, delivery: Delivery, *, path: str, chunked: bool = False
) -> tuple[int, str]:
    """Make a request with the body of a delivery, as it is, in one connection."""
    body = delivery.body
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += ["Content-Type: application/json"]
    if chunked:
        lines += ["Transfer-Encoding: chunked"]
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        lines += [f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in delivery.headers]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as sock:
        # A server may answer before it has read all, and close: what it has said by
        # then is still to be read.
        sender = threading.Thread(target=_send, args=(sock, head + body))
        sender.start()
        try:
            with HTTPResponse(sock, method=method) as answer:
                answer.begin()
                return answer.status, answer.read().decode()
        finally:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sender.join()


def _send(sock: socket.socket, whole: bytes) -> None:
    with suppress(OSError):
        sock.sendall(whole)
