"""K5: a canary for a key, driven through all that can show: it must be in none of it.

Objects by repr, str and format; errors with their causes and the locals of every frame;
logs of every logger at DEBUG; the debug mode of asyncio; warnings; pickles; commands;
spans. A forbidden form is the key itself, a piece of it, or another way to write it.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import logging
import os
import pickle
import random
import ssl
import subprocess
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

import attrs
import trustme
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import partnero_async
import partnero_sync
from partnero_async import Partnero, PartneroError, errors
from partnero_async._settings import ApiKey, Masked
from partnero_async.bulk import run_import
from partnero_async.sandbox import Sandbox
from partnero_async.telemetry import OpenTelemetry
from tests.awaited import AwaitedClient
from tests.bench.figures import Figure
from tests.faulty import Act, answer, drop, faulty, hang, raw, reset

LEAST: Final = 300
"""Texts that have to be looked at for the figure to mean something."""
PIECE: Final = 12
"""Characters of the key that count as the key."""


def key_of(seed: int) -> str:
    """Make a key that is in no other text."""
    rng = random.Random(seed)
    return "".join(rng.choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRST/+=", k=40))


def forms(key: str) -> set[str]:
    """Return the ways in which a key could show."""
    pieces = {key[n : n + PIECE] for n in range(len(key) - PIECE + 1)}
    encoded = base64.b64encode(key.encode()).decode()
    header = base64.b64encode(f"Bearer {key}".encode()).decode()
    return {
        *pieces,
        key[::-1],
        encoded[:-4],
        header[12:-4],
        quote(key, safe=""),
        key.encode().hex(),
    }


@attrs.define(repr=False)  # it is a local of frames that are looked at
class Texts:
    """What was captured, by where it came from."""

    found: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])

    def add(self, where: str, text: str) -> None:
        """Keep a text."""
        self.found.append((where, text))

    def look(self, where: str, thing: object) -> None:
        """Keep all that an object says of itself."""
        shown: list[Callable[[object], str]] = [repr, str, format]
        for show in shown:
            self.add(f"{show.__name__} of {where}", show(thing))
        if hasattr(thing, "__dict__"):
            self.add(f"vars of {where}", repr(vars(thing)))

    def failed(self, where: str, error: BaseException) -> None:
        """Keep all that an error says, its causes and the locals of its frames."""
        self.look(where, error)
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.add(f"traceback of {where}", "".join(whole.format()))
        if isinstance(error, PartneroError):
            self.add(f"pickle of {where}", repr(pickle.dumps(error)))
            self.add(f"curl of {where}", str(error.curl()))

    def leaks(self, key: str) -> list[str]:
        """Say where the key shows."""
        hidden = forms(key)
        return [
            f"{where}: ...{text[max(at - 60, 0) : at + 60]!r}..."
            for where, text in self.found
            if (at := min((text.find(f) for f in hidden if f in text), default=-1)) >= 0
        ]


class _Listening(logging.Handler):
    """Keeps what is logged, with the tracebacks and all that a record carries."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(logging.DEBUG)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self._texts.add(f"log of {record.name}", self.format(record))
        self._texts.add(f"record of {record.name}", repr(vars(record)))


@contextmanager
def listening(texts: Texts) -> Iterator[None]:
    """Keep what is logged and warned of."""
    root, handler = logging.getLogger(), _Listening(texts)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for warning in caught:
            texts.add("warning", str(warning.message))


# --- ways to fail --------------------------------------------------------------------


def ways(key: str) -> dict[str, Act]:
    """Return servers that fail, some of which echo what they were sent."""
    said = key.encode()
    escaped = said.replace(b"/", b"\\/")
    return {
        "401 that echoes": answer(
            b'{"message": "bad key %s"}' % said, status="401 Unauthorized"
        ),
        "401 that echoes it escaped": answer(
            b'{"message": "bad key %s"}' % escaped, status="401 Unauthorized"
        ),
        "422 that echoes": answer(
            b'{"errors": {"%s": ["Bearer %s"]}}' % (said, said), status="422 No"
        ),
        "request id that echoes": answer(
            b"{}", status="403 No", head=b"X-Request-Id: %s\r\n" % said
        ),
        "500 page that echoes": answer(b"<p>Bearer %s</p>" % said, status="500 No"),
        "misfit that echoes": answer(b'{"data": ["%s"], "status": 1}' % said),
        "next link that echoes": answer(
            b'{"data": [{"id": "1"}], "links": {"next": "https://x/%s"}}' % said
        ),
        "redirect that echoes": answer(
            b"", status="302 No", head=b"Location: https://x.invalid/%s\r\n" % said
        ),
        "404": answer(b'{"message": "none"}', status="404 Not Found"),
        "garbage that echoes": raw(b"Bearer %s\r\n\r\n" % said),
        "dropped": drop,
        "reset": reset,
        "hang": hang,
        "half": answer(b'{"data": {', length=99),
    }


async def _uses(client: Partnero) -> AsyncIterator[tuple[str, Any]]:
    """Yield calls of every class."""
    yield "read", client.account.test()
    yield "get", client.partners.get("p1")
    yield "state", client.partners.archive("p1")
    yield "unique", client.customers.create("c1", partner={"key": "p"})
    yield "money", client.transactions.create(amount=1, customer={"key": "c1"})
    yield "relative", client.partners.add_reward("p1", amount=1)
    yield "list", client.partners.list().collect()


async def failures(texts: Texts, kind: Any, key: str) -> None:
    """Fail in every way, with every class of call; attempts and spans are told of."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    for name, act in ways(key).items():
        seconds = 0.7 if act is hang else 5.0
        async with (
            faulty([act]) as server,
            kind(
                key,
                base_url=server.url,
                timeout=seconds,
                settle=0.01,
                on_attempt=lambda attempt, name=name: texts.look(name, attempt),
                telemetry=OpenTelemetry(provider),
            ) as client,
        ):
            client._transport.program.know(None)
            client._transport.line.rng = _Calm()
            async for use, call in _uses(client):
                await _failing(texts, f"{kind.__name__}, {name}, {use}", call)
            texts.add(f"drift after {name}", client.drift.report())
    for span in spans.get_finished_spans():
        texts.add(f"span of {span.name}", span.to_json())


class _Calm(random.Random):
    def uniform(self, a: float, _: float) -> float:
        return a


async def _failing(texts: Texts, where: str, call: Any) -> None:
    try:
        value = await call
    except BaseException as error:  # noqa: BLE001 - what it says is looked at
        texts.failed(where, error)
    else:
        texts.look(where, value)


async def elsewhere(texts: Texts, kind: Any, key: str) -> None:
    """Fail without a server: nobody listens, no TLS, cancelled, closed."""
    settings: dict[str, Any] = {"timeout": 0.8}
    for name, url in (
        ("refused", "http://127.0.0.1:9/v1"),
        ("no TLS", "https://127.0.0.1:9/v1"),
    ):
        async with kind(key, base_url=url, **settings) as client:
            await _failing(texts, name, client.account.test())
            await _failing(texts, name, client.partners.get(".."))
        await _failing(texts, "closed", client.account.test())
    async with (
        faulty([drop], tls=_untrusted()) as server,
        kind(key, base_url=server.url, **settings) as client,
    ):
        await _failing(texts, "untrusted", client.account.test())
    loop = asyncio.get_running_loop()
    async with faulty([hang]) as server, kind(key, base_url=server.url) as client:
        loop.slow_callback_duration = 0.0  # every step is said, with what it steps
        task = asyncio.ensure_future(client.transactions.create(amount=1, customer={}))
        await asyncio.sleep(0.1)
        texts.look("task", task)
        stack = io.StringIO()
        task.print_stack(file=stack)
        texts.add("stack of a task", stack.getvalue())
        task.cancel()
        await _failing(texts, "cancelled", task)
        loop.slow_callback_duration = 10.0


def _untrusted() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


UNCAUGHT: Final = """
import asyncio, logging, sys
import partnero_async, partnero_sync
logging.basicConfig(level=logging.DEBUG)

async def call():
    async with partnero_async.Partnero(timeout=1) as client:
        await client.account.test()

if sys.argv[1:] == ["sync"]:
    partnero_sync.Partnero(timeout=1).account.test()
else:
    asyncio.run(call())
"""


async def uncaught(texts: Texts, key: str) -> None:
    """End programs by an error that nobody catches, in Python's development mode."""
    said = b'{"message": "bad key %s"}' % key.encode()
    async with faulty([answer(said, status="401 Unauthorized")]) as server:
        told = {"PARTNERO_API_KEY": key, "PARTNERO_BASE_URL": server.url}
        for side in ("async", "sync"):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-X", "dev", "-c", UNCAUGHT, side),
                env=os.environ | told,
                stderr=subprocess.PIPE,
            )
            _, shown = await process.communicate()
            if b"AuthenticationError" not in shown:
                texts.add("uncaught", f"{key} has not met its error: {shown!r}")
            texts.add(f"uncaught, {side}", shown.decode())


async def objects(texts: Texts, kind: Any, key: str) -> None:
    """Look at all objects of a client, public or not."""
    async with (
        Sandbox(api_key=key) as sandbox,
        kind(key, base_url=sandbox.url) as client,
    ):
        texts.look("sandbox", sandbox)
        await client.partners.create(email="ada@example.com", key="ada")
        hook = await client.webhooks.create(
            url="https://shop.example/hook", events=["partner.created"], name="h"
        )
        if hook.signature is not None:
            texts.add("webhook", f"{hook!r} {hook}".replace(hook.signature, key))
        for name in dir(type(client)):
            if not name.startswith("__"):
                texts.look(name, getattr(client, name))
        texts.look("client", client)
        texts.look("settings", client._settings)
        texts.look("view", client.with_options(timeout=9))
        await _failing(texts, "dumping", _dumped(client))
    for name, thing in _in_memory():
        texts.look(f"{name} in memory", thing)


async def _dumped(client: Partnero) -> bytes:
    return pickle.dumps(client)


def _in_memory() -> Iterator[tuple[str, object]]:
    """Yield a few of each class of ours that are in memory."""
    seen: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        ours = str(kind.__module__).startswith(("partnero_async", "partnero_sync"))
        if ours and kind is not Masked:  # whose text is the key, and whose repr is not
            seen[kind.__name__] += 1
            if seen[kind.__name__] <= FEW:
                yield kind.__name__, thing


FEW: Final = 5


def bad_settings(texts: Texts, kind: Any, key: str) -> None:
    """Refuse what cannot work, with the key in the frames."""
    for bad in (
        {"api_key": f"{key}\n"},
        {"api_key": f"{key}\u00e9"},
        {"base_url": "http://example.com/v1"},
        {"base_url": "https://user:password@example.com/v1"},
        {"timeout": -1},
        {"max_connections": 0},
        {"rate_limit": "fast"},
    ):
        try:
            kind(**{"api_key": key, **bad})
        except errors.UsageError as error:
            texts.look("bad settings", error)
            # The first frame is this one's: whoever calls has the key.
            inner = error.__traceback__ and error.__traceback__.tb_next
            whole = traceback.TracebackException(
                type(error), error, inner, capture_locals=True
            )
            texts.add("traceback of bad settings", "".join(whole.format()))
        else:
            texts.add("bad settings", f"{key} was taken")


async def imports(texts: Texts, key: str, folder: str) -> None:
    """Import a file: journal, report and rejected rows are on the disk then."""
    file = Path(folder) / "partners.csv"
    file.write_text("email,key\nada@example.com,ada\nnobody,x\n")
    async with (
        Sandbox(api_key=key) as sandbox,
        Partnero(key, base_url=sandbox.url) as client,
    ):
        texts.look("report", await run_import(client, "partners", file))


async def gathered(key: str, folder: str) -> Texts:
    """Drive a canary through everything; return all texts."""
    texts = Texts()
    asyncio.get_running_loop().slow_callback_duration = (
        0.0  # each is said, with its repr
    )
    with listening(texts):
        for kind in (Partnero, AwaitedClient):
            await failures(texts, kind, key)
            await elsewhere(texts, kind, key)
            await objects(texts, kind, key)
        for made in (partnero_async.Partnero, partnero_sync.Partnero):
            bad_settings(texts, made, key)
        await imports(texts, key, folder)
        await uncaught(texts, key)
    for path in Path(folder).rglob("*"):  # noqa: ASYNC240 - a few small files
        texts.add(path.name, path.read_bytes().decode("latin-1"))
    for name in errors.__all__:
        texts.look(name, getattr(errors, name))
    texts.look("key", ApiKey(Masked(key)))
    return texts


def run(*, full: bool, seed: int) -> list[Figure]:  # noqa: ARG001 - it is quick
    """Measure K5."""
    key = key_of(seed)
    with TemporaryDirectory() as folder, asyncio.Runner(debug=True) as runner:
        texts = runner.run(gathered(key, folder))
    leaks = texts.leaks(key)
    return [
        Figure(
            "K5",
            f"a canary key in {len(texts.found)} captured texts, locals included",
            f"{len(leaks)}",
            f"0 of {LEAST} or more",
            not leaks and len(texts.found) >= LEAST,
            leaks,
        )
    ]
