"""`partnero webhooks`: deliveries received, sent again, and checked by hand."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from cyclopts import App, Parameter, validators

from .._settings import is_loopback
from ..client import Partnero
from ..errors import NotFoundError, PartneroError, UsageError, WebhookError, one_line
from ..webhooks import EVENTS, parse, sign
from ..webhooks import verify as check
from ._deliveries import Posted, Secret, about, post, session, stored
from ._listening import HOST, Listener, serving
from ._options import Port, Seconds, Switch
from ._program import kind_of

__all__ = ["app"]

CALL_SECONDS: Final = 15.0
FORWARD_SECONDS: Final = 30.0
NAME: Final = "partnero webhooks listen"

app: App = App(name="webhooks", help="Try webhooks on this machine.")

Count = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]


@app.command
def listen(
    *,
    forward: str | None = None,
    event: Names = None,
    url: str | None = None,
    port: Port = 0,
    resign: Switch = False,
    secret: Secret = Secret(),  # noqa: B008 - it is frozen
    save: Path | None = None,
    count: Count = None,
    json: Switch = False,
) -> int:
    """Register a webhook, show each event as it comes, and remove it at the end.

    Ctrl-C ends it. A line has the time, whether the signature is good, the event, what
    it is about, and what was answered; it has no secret and nothing personal.

    The live API cannot reach this machine: give --url with the public address of a
    tunnel that leads to --port. `partnero sandbox` needs none.

    Parameters
    ----------
    forward
        Pass each delivery on to this address, with the same bytes and headers, and
        answer with the status that it answers.
    event
        Events to subscribe to; all that the program has when left out.
    url
        Where deliveries are sent to; this machine when left out.
    port
        Port on 127.0.0.1; 0 takes a free one.
    resign
        Sign what is verified anew, with the secret that your receiver knows: that of
        this webhook is made by the API. Headers are passed on as they came otherwise.
    save
        Write each body to a file in this folder, to be sent again by `replay`.
    count
        End after this many deliveries.
    json
        Print a line of JSON for each delivery.
    """
    _check_address("--forward", forward)
    _check_address("--url", url)
    return asyncio.run(
        _listen(
            forward=forward,
            events=event,
            url=url,
            port=port,
            resign=secret.text() if resign else None,
            save=save,
            count=count,
            as_json=json,
        )
    )


@app.command
def replay(
    file: Path,
    /,
    *,
    to: str,
    secret: Secret = Secret(),  # noqa: B008 - it is frozen
    timeout: Seconds = 5.0,
) -> int:
    """Sign a stored event, and send it: the bytes of the file, unchanged.

    A receiver refuses an event that is too old for it; the time is in the bytes. Exit
    codes: 0 answered with 2xx; 1 with another status, or not at all; 2 nothing sent.

    Parameters
    ----------
    file
        The raw body, as `listen --save` writes it; or an object with the members
        `raw_body` and `headers`.
    to
        Address of the receiver.
    timeout
        Seconds to wait for its answer; the API waits for 5.
    """
    _check_address("--to", to)
    body = stored(file).body
    signature = sign(body, secret.text())
    posted = asyncio.run(_replay(to, body, signature, timeout))
    told = posted.problem or f"answered with {posted.status}"
    sys.stdout.write(f"{_label(body)}-> {told}\n")
    return 0 if posted.status and 200 <= posted.status < 300 else 1


@app.command
def verify(
    file: Path,
    /,
    *,
    signature: str | None = None,
    signature_file: Path | None = None,
    secret: Secret = Secret(),  # noqa: B008 - it is frozen
) -> int:
    """Check that a body was signed with the secret of a webhook.

    Exit codes: 0 the signature is good; 1 it is not; 2 it could not be checked.

    Parameters
    ----------
    file
        The raw body, byte for byte; or an object with the members `raw_body` and
        `headers`, which brings its signature along.
    signature
        The Signature header: 64 hex digits in lower case.
    signature_file
        A file that has nothing but the signature in it.
    """
    delivery = stored(file)
    if signature_file:
        signature = signature_file.read_text("utf-8").strip()
    signature = signature or delivery.signature
    if not signature:
        raise UsageError("no signature: give --signature or --signature-file")
    try:
        check({"Signature": signature}, delivery.body, secret.text())
    except WebhookError as error:
        sys.stdout.write(f"not good: {one_line(str(error))}\n")
        return 1
    sys.stdout.write(f"good: {_label(delivery.body)}\n".replace(" \n", "\n"))
    return 0


def _check_address(option: str, address: str | None) -> None:
    if address is None:
        return
    with suppress(ValueError):
        url = urlsplit(address)
        if url.scheme in {"http", "https"} and url.hostname:
            return
    raise UsageError(f"{option}: give a complete web address")


def _label(body: bytes) -> str:
    """Say what a body is, for the beginning of a line."""
    try:
        event = parse(body)
    except WebhookError as error:
        return one_line(f"no event, {error}") + " "
    return one_line(f"{event.name} {about(event)}") + " "


async def _replay(to: str, body: bytes, signature: str, seconds: float) -> Posted:
    headers = {"Content-Type": "application/json", "Signature": signature}
    async with session(seconds) as http:
        return await post(http, to, body, headers)


# --- listening ---------------------------------------------------------------------


async def _listen(
    *,
    forward: str | None,
    events: list[str] | None,
    url: str | None,
    port: int,
    resign: str | None,
    save: Path | None,
    count: int | None,
    as_json: bool,
) -> int:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    async with (
        Partnero(timeout=CALL_SECONDS) as client,
        session(FORWARD_SECONDS) as http,
    ):
        api = urlsplit(os.environ.get("PARTNERO_BASE_URL", "")).hostname or ""
        if url is None and not is_loopback(api):
            raise UsageError(
                "the live API cannot reach this machine: give --url with the address"
                " of a tunnel, and --port"
            )
        listener = Listener(
            http=http,
            forward=forward,
            save=save,
            as_json=as_json,
            most=count,
            over=over,
            resign=resign,
            secret=loop.create_future(),
        )
        async with serving(listener, port) as taken:
            address = url or f"http://{HOST}:{taken}/"
            names = events or _events_of(await kind_of(client))
            await _registered(client, listener, address, names)
    if listener.unshown:
        raise listener.unshown
    return 0


async def _registered(
    client: Partnero, listener: Listener, address: str, names: list[str]
) -> None:
    """Have a webhook until it is over; then remove it."""
    webhook = await client.webhooks.create(name=NAME, url=address, events=names)
    if not webhook.key:
        raise UsageError("the API did not say which webhook it has made")
    try:
        listener.secret.set_result(webhook.signature or "")
        sys.stderr.write(
            f"Webhook {webhook.key} sends {len(names)} kinds of events to {address}\n"
            "Ctrl-C ends it, and removes the webhook.\n"
        )
        await listener.over.wait()
    finally:
        # A second Ctrl-C does not wait for the API.
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)
        await _remove(client, webhook.key)


async def _remove(client: Partnero, key: str) -> None:
    try:
        with suppress(NotFoundError):
            await client.webhooks.delete(key)
    except PartneroError as error:
        raise UsageError(
            f"the webhook {key} is still there, remove it by hand: {error}"
        ) from error
    sys.stderr.write(f"Webhook {key} is removed.\n")


def _events_of(kind: str) -> list[str]:
    """Return the events of a type of program (facts.md, section 7)."""
    foreign = {"customer.credited", "customer.rewarded"}
    nouns = {
        "affiliate": {"partner", "customer", "transaction", "lead"},
        "refer_a_friend": {"customer", "transaction"},
        "newsletter": {"subscriber"},
    }[kind]
    return [
        name
        for name in EVENTS
        if name.partition(".")[0] in nouns
        and not (kind == "affiliate" and name in foreign)
    ]
