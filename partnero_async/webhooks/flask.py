"""A receiver in Flask.

::

    app = Flask(__name__)
    app.add_url_rule("/partnero", view_func=view(receiver), methods=["POST"])
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ._body import ENOUGH
from .receiver import Receiver

__all__ = ["view"]


def view(receiver: Receiver) -> Callable[[], Response]:
    """Return a view that gives deliveries to *receiver*; add it as a rule for POST."""

    def webhook() -> Response:
        reply = receiver.receive_sync(request.headers, _body())
        return Response(reply.reason, reply.status, mimetype="text/plain")

    return webhook


def _body() -> bytes:
    """Return the body; what is too large is cut off, and still too large."""
    request.max_content_length = ENOUGH
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        return bytes(ENOUGH)
