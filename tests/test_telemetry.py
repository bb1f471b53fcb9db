"""Spans of calls and attempts, as OpenTelemetry's own exporter gets them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from partnero_async import AmbiguousWriteError, NotFoundError, Partnero
from partnero_async.telemetry import OpenTelemetry
from tests.faulty import Act, answer, drop, faulty, raw

KEY = "canary-5e21aa90"
PERSON = "ada@example.com"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Keep the spans of a test."""
    exporter = InMemorySpanExporter()
    yield exporter
    exporter.shutdown()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """Make spans that end up there."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def tree(spans: Sequence[ReadableSpan]) -> list[tuple[str, list[str]]]:
    """Return the operations, each with the names of what is under it."""
    roots = [span for span in spans if span.parent is None]
    return [
        (
            root.name,
            [
                span.name
                for span in spans
                if span.parent and span.parent.span_id == root.context.span_id
            ],
        )
        for root in roots
    ]


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(answer(b"", status="502 Bad Gateway"), id="failed"),
        pytest.param(drop, id="dropped"),
        pytest.param(raw(b"\x00 no HTTP\r\n\r\n"), id="garbage"),
    ],
)
async def test_an_attempt_is_a_span_under_its_operation(
    partnero: type[Partnero],
    exporter: InMemorySpanExporter,
    provider: TracerProvider,
    first: Act,
) -> None:
    """With the route template as name, and nobody's key, e-mail or query in any."""
    found = answer(b'{"data": [], "links": {"next": null}}')
    async with (
        faulty([first, found]) as server,
        partnero(KEY, base_url=server.url, telemetry=OpenTelemetry(provider)) as client,
    ):
        assert await client.partners.search(email=PERSON).first() is None
    spans = exporter.get_finished_spans()
    assert tree(spans) == [("GET /partners:search", ["GET", "GET"])]
    assert [span.status.status_code for span in spans[-1:]] == [StatusCode.UNSET]
    attributes = spans[-1].attributes or {}
    assert attributes["url.template"] == "/partners:search"
    text = " ".join(span.to_json() for span in spans)
    for hidden in (KEY, PERSON, "ada%40", "email=", ":search?"):
        assert hidden not in text


async def test_an_error_is_told_by_its_class(
    partnero: type[Partnero], exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """Its text may have values in it; whether a write is in doubt is worth knowing."""
    gone = answer(b'{"message": "no ada@example.com"}', status="404 Not Found")
    async with (
        faulty([gone, drop, answer(b'{"data": []}')]) as server,
        partnero(
            KEY,
            base_url=server.url,
            settle=0.01,
            telemetry=OpenTelemetry(provider),
        ) as client,
    ):
        client._transport.program.know(None)  # it is not asked for
        with pytest.raises(NotFoundError):
            await client.partners.get(PERSON)
        with pytest.raises(AmbiguousWriteError):
            await client.transactions.create(amount=1, customer={"key": PERSON})
    spans = exporter.get_finished_spans()
    assert tree(spans) == [
        ("GET /partners/{id}", ["GET"]),
        ("POST /transactions", ["POST", "GET", "GET"]),
    ]
    first, second = (dict(s.attributes or {}) for s in spans if s.parent is None)
    assert first["error.type"] == "NotFoundError"
    assert second["error.type"] == "AmbiguousWriteError"
    assert second["partnero.maybe_applied"] is True
    assert second["partnero.attempts"] == 3
    text = " ".join(span.to_json() for span in spans)
    assert PERSON not in text
    assert KEY not in text


async def test_spans_are_children_of_the_callers(
    partnero: type[Partnero], exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """The caller's context comes along, to the loop's thread too."""
    async with (
        faulty([answer(b'{"data": {}}')]) as server,
        partnero(KEY, base_url=server.url, telemetry=OpenTelemetry(provider)) as client,
    ):
        with provider.get_tracer("test").start_as_current_span("mine"):
            await client.account.test()
    assert tree(exporter.get_finished_spans()) == [("mine", ["GET /test"])]


def test_what_is_no_error_of_the_package_is_told_too(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """A cancelled call has no attempts to tell of, and its class all the same."""
    with (
        pytest.raises(asyncio.CancelledError),
        OpenTelemetry(provider).operation("GET /test"),
    ):
        raise asyncio.CancelledError
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "CancelledError"
    assert "partnero.attempts" not in span.attributes


async def test_the_global_provider_is_the_default(partnero: type[Partnero]) -> None:
    """Without a provider nothing is exported, and nothing fails."""
    async with (
        faulty([answer(b'{"data": {}}')]) as server,
        partnero(KEY, base_url=server.url, telemetry=OpenTelemetry()) as client,
    ):
        await client.account.test()
