"""The web frameworks that a receiver is used in, each behind a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from socketserver import ThreadingMixIn
from typing import Any, Final, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
import uvicorn
from aiohttp import web
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import clear_url_caches, path
from django.utils.deprecation import MiddlewareMixin
from fastapi import FastAPI
from flask import Flask
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.routing import Route
from werkzeug.serving import make_server

from partnero_async.webhooks import Receiver
from partnero_async.webhooks import aiohttp as for_aiohttp
from partnero_async.webhooks import django as for_django
from partnero_async.webhooks import flask as for_flask
from partnero_async.webhooks import starlette as for_starlette

urlpatterns: list[Any] = []
"""Django's, of the receiver that is served at the time."""

MIDDLEWARE: Final = [
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

if not settings.configured:
    settings.configure(
        SECRET_KEY="tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=MIDDLEWARE,
        LOGGING_CONFIG=None,
        DATABASES={},
        USE_TZ=True,
    )
    django.setup()


# --- servers -----------------------------------------------------------------------


@contextmanager
def listening() -> Generator[socket.socket]:
    """Open a socket at a free port of the loopback: whoever comes early waits there."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def port_of(sock: socket.socket) -> int:
    """Return the port of a socket that listens."""
    port: int = sock.getsockname()[1]
    return port


@contextmanager
def running(work: Callable[[], Any], stop: Callable[[], Any]) -> Generator[None]:
    """Run a server in a thread, and stop it at the end."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def asgi(app: Any) -> Generator[int]:
    """Serve an ASGI application with uvicorn."""
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    with (
        listening() as sock,
        running(
            lambda: server.run(sockets=[sock]),
            lambda: setattr(server, "should_exit", True),
        ),
    ):
        yield port_of(sock)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextmanager
def wsgi(app: Any) -> Generator[int]:
    """Serve a WSGI application with the server of the standard library."""
    with _Threads(("127.0.0.1", 0), _Quiet) as server:
        server.set_app(app)
        with running(lambda: server.serve_forever(0.01), server.shutdown):
            yield server.server_port


def served_by_django(patterns: list[Any]) -> AbstractContextManager[int]:
    """Serve the URL patterns of Django under WSGI."""
    urlpatterns[:] = patterns
    clear_url_caches()
    return wsgi(WSGIHandler())


@contextmanager
def served_by_werkzeug(app: Any) -> Generator[int]:
    """Serve a WSGI application with Werkzeug's server."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    with running(lambda: server.serve_forever(0.01), server.shutdown):
        yield server.port
    server.server_close()


@contextmanager
def served_by_aiohttp(app: web.Application) -> Generator[int]:
    """Serve an application of aiohttp."""
    ended = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main(sock: socket.socket) -> None:
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, sock).start()
        await ended.wait()
        await runner.cleanup()

    with listening() as sock:

        def work() -> None:
            with asyncio.Runner(loop_factory=lambda: loop) as running:
                running.run(main(sock))

        with running(work, lambda: loop.call_soon_threadsafe(ended.set)):
            yield port_of(sock)


# --- frameworks --------------------------------------------------------------------


class Serve(Protocol):
    """Serves a receiver at ``/hook``, and gives the port.

    With *logging* the application reads each body before, as some log what they get.
    """

    def __call__(
        self, receiver: Receiver, *, logging: bool = False
    ) -> AbstractContextManager[int]:
        """Start a server, until the end of the block."""
        ...


async def _read_first(request: Request, call_next: Any) -> Any:
    await request.body()
    return await call_next(request)


def starlette(
    receiver: Receiver, *, logging: bool = False
) -> AbstractContextManager[int]:
    """Serve it in Starlette."""
    endpoint = for_starlette.endpoint(receiver)
    app = Starlette(routes=[Route("/hook", endpoint, methods=["POST"])])
    if logging:
        app.add_middleware(BaseHTTPMiddleware, dispatch=_read_first)
    return asgi(app)


def fastapi(
    receiver: Receiver, *, logging: bool = False
) -> AbstractContextManager[int]:
    """Serve it in FastAPI."""
    app = FastAPI()
    app.add_route("/hook", for_starlette.endpoint(receiver), methods=["POST"])
    if logging:
        app.middleware("http")(_read_first)
    return asgi(app)


def flask(receiver: Receiver, *, logging: bool = False) -> AbstractContextManager[int]:
    """Serve it in Flask."""
    app = Flask(__name__)
    app.add_url_rule("/hook", view_func=for_flask.view(receiver), methods=["POST"])
    if logging:

        @app.before_request
        def read_first() -> None:
            flask_request.get_data()

    return served_by_werkzeug(app)


@web.middleware
async def _read_by_aiohttp(request: web.Request, handler: Any) -> Any:
    await request.read()
    return await handler(request)


def aiohttp(
    receiver: Receiver, *, logging: bool = False
) -> AbstractContextManager[int]:
    """Serve it in aiohttp."""
    app = web.Application(middlewares=[_read_by_aiohttp] if logging else [])
    app.router.add_post("/hook", for_aiohttp.handler(receiver))
    return served_by_aiohttp(app)


def _route(view: Any, *, logging: bool) -> None:
    urlpatterns[:] = [path("hook", view)]
    clear_url_caches()
    settings.MIDDLEWARE = MIDDLEWARE + [f"{__name__}.ReadByDjango"] * logging


class ReadByDjango(MiddlewareMixin):
    """Reads each body before a view does."""

    def process_request(self, request: HttpRequest) -> None:
        """Read it."""
        assert request.body is not None


def django_sync(
    receiver: Receiver, *, logging: bool = False
) -> AbstractContextManager[int]:
    """Serve it in Django: the plain view, under WSGI."""
    _route(for_django.view(receiver), logging=logging)
    return wsgi(WSGIHandler())


def django_sync_asgi(
    receiver: Receiver, *, logging: bool = False
) -> AbstractContextManager[int]:
    """Serve it in Django: the plain view, under ASGI."""
    _route(for_django.view(receiver), logging=logging)
    return asgi(ASGIHandler())


def django_async(
    receiver: Receiver, *, logging: bool = False
) -> AbstractContextManager[int]:
    """Serve it in Django: the asynchronous view, under ASGI."""
    _route(for_django.async_view(receiver), logging=logging)
    return asgi(ASGIHandler())


FRAMEWORKS: Final[dict[str, Serve]] = {
    "starlette": starlette,
    "fastapi": fastapi,
    "flask": flask,
    "aiohttp": aiohttp,
    "django": django_sync,
    "django-asgi": django_sync_asgi,
    "django-async": django_async,
}
