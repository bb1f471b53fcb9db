"""Spans of calls and attempts, for tracing; with the extra ``[opentelemetry]``.

::

    from partnero_async import Partnero
    from partnero_async.telemetry import OpenTelemetry

    client = Partnero(telemetry=OpenTelemetry())

Each call is a span with the name of its operation, such as ``POST /transactions``.
Under it is one span an attempt, made by OpenTelemetry's own instrumentation of aiohttp.
None has the API key, a body, a query, or more of the path than the route template.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

from ._version import __version__
from .errors import PartneroError

__all__ = ["OpenTelemetry", "Telemetry"]

if TYPE_CHECKING:
    import aiohttp
    from opentelemetry.trace import TracerProvider
    from yarl import URL


class Telemetry(Protocol):
    """What a client tells of its calls; write your own for another system."""

    def operation(self, name: str) -> AbstractContextManager[object]:
        """Enclose a call; *name* is its method and route template."""
        ...

    def trace_config(self) -> aiohttp.TraceConfig:
        """Return what aiohttp tells of each attempt."""
        ...


class OpenTelemetry:
    """Tell OpenTelemetry, through *tracer_provider* or the global one.

    Leave aiohttp's instrumentation out of what you instrument globally, or each attempt
    is told twice. Raises ImportError where the extra is not installed.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        self._provider = tracer_provider or trace.get_tracer_provider()
        self._tracer = self._provider.get_tracer("partnero_async", __version__)
        self._trace = trace

    @contextmanager
    def operation(self, name: str) -> Generator[None]:
        """Enclose a call in a span; of an error its class is told, and not its text."""
        with self._tracer.start_as_current_span(
            name,
            kind=self._trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": name.partition(" ")[0],
                "url.template": name.partition(" ")[2],
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                if isinstance(error, PartneroError):
                    span.set_attribute("partnero.attempts", len(error.attempts))
                    span.set_attribute("partnero.maybe_applied", error.maybe_applied)
                span.set_status(self._trace.StatusCode.ERROR)
                raise

    def trace_config(self) -> aiohttp.TraceConfig:
        """Return OpenTelemetry's own instrumentation of aiohttp."""
        from opentelemetry.instrumentation import aiohttp_client  # noqa: PLC0415

        config = aiohttp_client.create_trace_config(
            url_filter=_origin, tracer_provider=self._provider
        )
        (told,) = config.on_request_exception
        config.on_request_exception[:] = [_by_class(told)]
        return config


Handler = Callable[
    [
        "aiohttp.ClientSession",
        SimpleNamespace,
        "aiohttp.TraceRequestExceptionParams",
    ],
    Awaitable[object],
]


def _by_class(told: Handler) -> Handler:
    """Tell of exceptions by their class: the text of some has the URL, whole."""

    async def tell(
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        bare = type(type(params.exception).__name__, (Exception,), {})()
        await told(
            session,
            context,
            type(params)(params.method, params.url, params.headers, bare),
        )

    return tell


def _origin(url: URL) -> str:
    # Paths name people by id and e-mail, and queries by what they are searched for.
    return str(url.origin())
