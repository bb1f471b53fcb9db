"""A receiver in Django.

::

    urlpatterns = [path("partnero", view(receiver))]

Both views are exempt from the check of CSRF tokens: the signature stands in for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from ._body import ENOUGH
from .receiver import Receiver, Reply

__all__ = ["async_view", "view"]


def view(receiver: Receiver) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that gives deliveries to *receiver*, under WSGI or ASGI.

    The functions may use the database: they are called in the thread of the view.
    """

    @csrf_exempt
    def webhook(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        body = request.read(ENOUGH)
        return _response(receiver.receive_sync(request.headers, body))

    return webhook


def async_view(receiver: Receiver) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """Return a view that gives deliveries to *receiver*, under ASGI."""

    @csrf_exempt
    async def webhook(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        body = request.read(ENOUGH)  # all of it is here already: Django waits for it
        return _response(await receiver.receive(request.headers, body))

    return webhook


def _response(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.reason, status=reply.status, content_type="text/plain")
