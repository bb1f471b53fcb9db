"""`partnero webhooks` as a process, between the sandbox and a receiver."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from partnero_async import Partnero
from partnero_async.cli import main
from partnero_async.sandbox import Assumptions, Sandbox
from partnero_async.webhooks import sign
from tests.bulk.shop import Ended, end, environment, names_in, run, start
from tests.faulty import answer, faulty
from tests.sandbox.receiver import Receiver, receiving
from tests.webhooks.deliveries import EXAMPLES, SECRET

NAME = "PARTNERO_WEBHOOK_SECRET"
SALE = EXAMPLES / "transaction.created.json"


def raw(example: Path = SALE) -> bytes:
    """Return the raw body of a published delivery."""
    return bytes(json.loads(example.read_text("utf-8"))["raw_body"], "utf-8")


def published_signature(example: Path = SALE) -> str:
    """Return the signature of a published delivery."""
    return str(json.loads(example.read_text("utf-8"))["expected_signature"])


def with_secret(secret: str = SECRET) -> dict[str, str]:
    """Return an environment with a secret."""
    return {**os.environ, NAME: secret}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Listen for what is passed on."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def shop_front() -> AsyncIterator[Sandbox]:
    """Serve an affiliate program with a partner and a customer, and escaped bodies."""
    readings = Assumptions(delivery_body="php")
    async with Sandbox(assumptions=readings) as sandbox:
        async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
            await client.partners.create(email="ada@example.com", id="p1", key="ada")
            await client.customers.create("c1", partner={"id": "p1"})
        yield sandbox


@asynccontextmanager
async def listening(
    sandbox: Sandbox, *options: str | Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the listener, and wait until it has a webhook."""
    process = await start("webhooks", "listen", *options, env=environment(sandbox))
    try:
        assert process.stderr is not None
        assert b"sends" in await process.stderr.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def sold(sandbox: Sandbox, *keys: str) -> None:
    """Record sales, and wait until they are delivered."""
    async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        for key in keys:
            await client.transactions.create(
                key=key, amount=149.5, customer={"key": "c1"}
            )
    await sandbox.delivered()


async def webhooks(sandbox: Sandbox) -> list[Any]:
    """Return what is registered."""
    async with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        return await client.webhooks.list().collect()


# --- listen ------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_events_are_shown_and_the_webhook_is_removed(
    shop_front: Sandbox, number: signal.Signals
) -> None:
    """A line for each event; at the end, however it comes, nothing is left behind."""
    async with listening(shop_front) as process:
        (hook,) = await webhooks(shop_front)
        assert len(hook.events) == 14
        await sold(shop_front, "s1")
        process.send_signal(number)
        ended = await end(process)
    assert ended.code == 0
    (line,) = ended.out.splitlines()
    told = "verified transaction.created s1 149.5 USD of partner p1 -> 200"
    assert line.partition(" ")[2] == told
    assert f"Webhook {hook.key} is removed." in ended.err
    assert hook.signature not in ended.out + ended.err
    assert await webhooks(shop_front) == []
    assert [each.state for each in shop_front.deliveries.log] == ["delivered"]


async def test_nobody_looks_any_more(shop_front: Sandbox) -> None:
    """As in ``| head -1``: it ends, and nothing is left behind."""
    reader, writer = os.pipe()
    env = environment(shop_front)
    process = await start("webhooks", "listen", env=env, out=writer)
    os.close(writer)
    assert process.stderr is not None
    assert b"sends" in await process.stderr.readline()
    os.close(reader)
    await sold(shop_front, "s1")
    ended = await asyncio.wait_for(end(process), 10)
    assert (ended.code, "Traceback" in ended.err) == (141, False), ended
    assert await webhooks(shop_front) == []
    assert [each.state for each in shop_front.deliveries.log] == ["delivered"]


@pytest.mark.parametrize(
    ("program", "count"), [("refer_a_friend", 7), ("newsletter", 4)]
)
async def test_other_programs_have_other_events(program: str, count: int) -> None:
    """All that the program has, and none that it would refuse."""
    async with Sandbox(programs=[program]) as sandbox, listening(sandbox) as process:
        (hook,) = await webhooks(sandbox)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert (len(hook.events), ended.code) == (count, 0)


async def test_deliveries_are_passed_on(
    shop_front: Sandbox, receiver: Receiver
) -> None:
    """Same bytes, same headers; the answer is the status of the receiver behind."""
    receiver.answers.extend([200, 503])
    async with listening(
        shop_front,
        *("--forward", receiver.url, "--count", "2"),
        *("--event", "transaction.created"),
    ) as process:
        await sold(shop_front, "s1", "s2")
        ended = await end(process)
    assert [line.rpartition(" ")[2] for line in ended.out.splitlines()] == [
        "200",
        "503",
    ]
    sent = [delivery.body for delivery in shop_front.deliveries.log]
    assert [each.body for each in receiver.received] == sent
    assert b"\\/" in sent[0]
    names = {name for name, _ in receiver.received[0].headers}
    assert {"Content-Type", "Signature"} <= names
    assert "User-Agent" not in names
    statuses = [
        [attempt.status for attempt in delivery.attempts]
        for delivery in shop_front.deliveries.log
    ]
    assert statuses == [[200], [503]]


async def test_what_is_verified_can_be_signed_anew(
    shop_front: Sandbox, receiver: Receiver, tmp_path: Path
) -> None:
    """A receiver knows a secret of its own; what is forged stays forged for it."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    shop_front.deliveries.disturb("wrong signature")
    async with listening(
        shop_front,
        *("--forward", receiver.url, "--count", "2"),
        *("--resign", "--secret-file", file),
    ) as process:
        await sold(shop_front, "s1", "s2")
        ended = await end(process)
    forged, good = receiver.received
    assert good.signature == sign(good.body, SECRET)
    assert forged.signature != sign(forged.body, SECRET)
    assert SECRET not in ended.out + ended.err


async def test_nobody_behind_is_a_bad_gateway(shop_front: Sandbox) -> None:
    """The sender comes again."""
    url = f"http://127.0.0.1:{unused_port()}/hook"
    async with listening(shop_front, "--forward", url, "--count", "1") as process:
        await sold(shop_front, "s1")
        ended = await end(process)
    assert "-> 502 (no connection: " in ended.out
    ((attempt,),) = [each.attempts for each in shop_front.deliveries.log]
    assert attempt.status == 502


async def test_what_is_not_verified_says_so(
    shop_front: Sandbox, receiver: Receiver
) -> None:
    """It is shown with the reason, passed on, and refused where nobody is behind."""
    shop_front.deliveries.disturb("wrong signature")
    async with listening(shop_front, "--count", "1") as process:
        await sold(shop_front, "s1")
        ended = await end(process)
    assert "NOT VERIFIED transaction.created s1" in ended.out
    assert ended.out.rstrip().endswith("-> 401")
    shop_front.deliveries.disturb("wrong signature")
    async with listening(
        shop_front, "--count", "1", "--forward", receiver.url
    ) as process:
        await sold(shop_front, "s2")
        ended = await end(process)
    assert ended.out.rstrip().endswith("-> 200")
    assert len(receiver.received) == 1


async def test_anything_may_come(shop_front: Sandbox, receiver: Receiver) -> None:
    """Lines cannot move the cursor, and what is too large is not passed on."""
    asked: list[None] = []
    receiver.asked = lambda: asked.append(None)
    async with listening(
        shop_front,
        *("--count", "3", "--port", str(port := unused_port())),
        *("--forward", receiver.url),
    ) as process:
        url = f"http://127.0.0.1:{port}/"
        (hook,) = await webhooks(shop_front)
        for body in (
            b"not JSON",
            b'{"event":"\\u001b[2J","created_at":"2026-03-04T10:00:00Z","data":{}}',
        ):
            await posted(url, body, hook.signature)
        await posted(url, b" " * 1_100_000, hook.signature)
        ended = await end(process)
    lines = ended.out.splitlines()
    assert len(lines) == 3
    assert "verified ? (the body is not a JSON object" in lines[0]
    assert lines[0].endswith("-> 200")
    assert "\x1b" not in ended.out
    assert lines[2].endswith("-> 413")
    assert [len(each.body) for each in receiver.received] == [8, 67]
    assert len(asked) == 2


async def posted(url: str, body: bytes, secret: str) -> None:
    """Send something with a good signature."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            url, data=io.BytesIO(body), headers={"Signature": sign(body, secret)}
        ),
    ):
        pass


async def test_bodies_are_kept_to_be_sent_again(
    shop_front: Sandbox, receiver: Receiver, tmp_path: Path
) -> None:
    """Byte for byte: what was kept can be replayed, with any secret."""
    folder = tmp_path / "events"
    async with listening(
        shop_front, "--save", folder, "--count", "1", "--json"
    ) as process:
        await sold(shop_front, "s1")
        ended = await end(process)
    told = json.loads(ended.out)
    assert (told["event"], told["verified"], told["answer"]) == (
        "transaction.created",
        True,
        200,
    )
    (path,) = folder.iterdir()
    assert path.name.endswith("-transaction.created.json")
    (delivery,) = shop_front.deliveries.log
    assert path.read_bytes() == delivery.body
    ended = await run(
        "webhooks", "replay", path, "--to", receiver.url, env=with_secret("other")
    )
    assert (ended.code, ended.err) == (0, "")
    told = "transaction.created s1 149.5 USD of partner p1 -> answered with 200\n"
    assert ended.out == told
    (got,) = receiver.received
    assert (got.body, got.signature) == (delivery.body, sign(delivery.body, "other"))


async def test_an_unreadable_body_is_kept_too(
    shop_front: Sandbox, tmp_path: Path
) -> None:
    """Its name does not come from the body."""
    async with listening(
        shop_front,
        *("--save", tmp_path, "--count", "1", "--port", str(port := unused_port())),
    ) as process:
        await posted(f"http://127.0.0.1:{port}/any/path", b"\xff../..", "x")
        await end(process)
    (name,) = names_in(tmp_path)
    path = tmp_path / name
    assert name.endswith("-unreadable.json")
    assert path.read_bytes() == b"\xff../.."


@pytest.mark.parametrize("base_url", [None, "https://api.example/v1"])
async def test_the_live_api_needs_a_tunnel(base_url: str | None) -> None:
    """Nothing is registered that could not reach this machine."""
    env = {**os.environ, "PARTNERO_API_KEY": "key", "PARTNERO_BASE_URL": base_url or ""}
    ended = await run("webhooks", "listen", env=env)
    assert ended.code == 2
    assert "give --url with the address of a tunnel" in ended.err


async def test_the_address_of_a_tunnel_is_registered(shop_front: Sandbox) -> None:
    """Deliveries go there, and come in at the port."""
    url = "https://tunnel.example/hook"
    async with listening(shop_front, "--url", url) as process:
        (hook,) = await webhooks(shop_front)
        process.send_signal(signal.SIGINT)
        await end(process)
    assert hook.url == url


async def test_localhost_is_this_machine(shop_front: Sandbox) -> None:
    """The base URL may name it in words."""
    env = environment(shop_front)
    env["PARTNERO_BASE_URL"] = env["PARTNERO_BASE_URL"].replace(
        "127.0.0.1", "localhost"
    )
    process = await start("webhooks", "listen", env=env)
    assert process.stderr is not None
    assert b"sends" in await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert (await end(process)).code == 0


async def test_a_webhook_that_is_gone_already_is_no_problem(
    shop_front: Sandbox,
) -> None:
    """Somebody else may have removed it."""
    async with listening(shop_front) as process:
        async with Partnero(shop_front.api_key, base_url=shop_front.url) as client:
            (hook,) = await webhooks(shop_front)
            await client.webhooks.delete(hook.key)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert ended.code == 0


async def test_a_webhook_that_cannot_be_removed_is_named(shop_front: Sandbox) -> None:
    """Exit code 2, and the key of what is left behind."""
    async with listening(shop_front) as process:
        (hook,) = await webhooks(shop_front)
        shop_front.fail_next("webhooks.delete", how=403)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert ended.code == 2
    assert f"the webhook {hook.key} is still there" in ended.err


async def test_an_api_that_names_no_webhook() -> None:
    """What cannot be removed later is an error at once."""
    program = answer(b'{"data": {"program": {"type": "affiliate"}}, "status": 1}')
    nothing = answer(b'{"data": {}, "status": 1}')
    async with faulty([program, nothing]) as server:
        env = {
            **os.environ,
            "PARTNERO_API_KEY": "key",
            "PARTNERO_BASE_URL": server.url,
        }
        ended = await run("webhooks", "listen", env=env)
    assert ended.code == 2
    assert ended.err.count("\n") == 1


async def test_an_unknown_event_is_refused(shop_front: Sandbox) -> None:
    """By the API, in its own words."""
    ended = await run(
        *("webhooks", "listen", "--event", "no.such"), env=environment(shop_front)
    )
    assert ended.code == 2
    assert await webhooks(shop_front) == []


# --- replay ------------------------------------------------------------------------


async def test_a_published_delivery_is_replayed(receiver: Receiver) -> None:
    """An object with a raw body sends that body, signed with the secret given."""
    receiver.answers.append(500)
    command = ["webhooks", "replay", str(SALE), "--to", receiver.url]
    ended = await run(*command, env=with_secret())
    assert ended.code == 1
    assert ended.out.endswith("-> answered with 500\n")
    (got,) = receiver.received
    assert (got.body, got.signature) == (raw(), published_signature())
    assert dict(got.headers)["Content-Type"] == "application/json"


async def test_an_answer_that_is_none() -> None:
    """Exit code 1, with the reason."""

    async def garble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(garble, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        ended = await run("webhooks", "replay", SALE, "--to", url, env=with_secret())
    assert ended.code == 1
    assert "-> no answer: " in ended.out


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    """A signature is for one address."""
    receiver.answers.append(302)
    command = ["webhooks", "replay", str(SALE), "--to", receiver.url]
    assert (await run(*command, env=with_secret())).code == 1
    assert len(receiver.received) == 1


async def test_nobody_answers() -> None:
    """Exit code 1, with the reason."""
    url = f"http://127.0.0.1:{unused_port()}/"
    ended = await run("webhooks", "replay", SALE, "--to", url, env=with_secret())
    assert ended.code == 1
    assert "-> no connection: " in ended.out


async def test_somebody_answers_too_late() -> None:
    """The wait can be chosen."""
    never = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    ended = await run(
        *("webhooks", "replay", SALE, "--to", url, "--timeout", "0.1"),
        env=with_secret(),
    )
    never.set()
    server.close()
    await server.wait_closed()
    assert ended.code == 1
    assert ended.out.endswith("-> no answer in time\n")


async def test_a_body_that_is_no_event_is_sent_as_it_is(
    receiver: Receiver, tmp_path: Path
) -> None:
    """A receiver has to refuse it, and that can be tried."""
    path = tmp_path / "body"
    path.write_bytes(b"\xff")
    ended = await run(
        "webhooks", "replay", path, "--to", receiver.url, env=with_secret()
    )
    assert ended.out.startswith("no event, the body is not a JSON object")
    assert receiver.received[0].body == b"\xff"


@pytest.mark.parametrize("address", ["127.0.0.1:8000/hook", "ftp://x/", "http://[::1/"])
async def test_an_address_is_complete(address: str) -> None:
    """Exit code 2, before anything is read or sent."""
    ended = await run("webhooks", "replay", SALE, "--to", address, env=with_secret())
    assert ended.code == 2
    assert "--to: give a complete web address" in ended.err


# --- verify, and where secrets come from -------------------------------------------


Verify = Callable[..., Ended]


@pytest.fixture
def verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Verify:
    """Run the check here; no secret may show in what it prints."""

    def run_here(*options: str | Path, secret: str | None = SECRET) -> Ended:
        monkeypatch.delenv(NAME, raising=False)
        if secret:
            monkeypatch.setenv(NAME, secret)
        with pytest.raises(SystemExit) as caught:
            main(["webhooks", "verify", *map(str, options)])
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        assert isinstance(caught.value.code, int)
        return Ended(caught.value.code, out, err)

    return run_here


def test_a_good_signature(verified: Verify, tmp_path: Path) -> None:
    """Exit code 0; the signature comes from an option, a file, or the delivery."""
    body, file = tmp_path / "body", tmp_path / "signature"
    body.write_bytes(raw())
    file.write_text(published_signature() + "\n")
    told = "good: transaction.created inv-2026-00731 149.5 EUR of partner pt_7Q2mK9\n"
    for options in (
        [body, "--signature", published_signature()],
        [body, "--signature-file", file],
        [SALE],
    ):
        ended = verified(*options)
        assert (ended.code, ended.out, ended.err) == (0, told, "")


@pytest.mark.parametrize("name", ["tampered-body", "wrong-secret", "upper-case-hex"])
def test_a_bad_signature(verified: Verify, name: str) -> None:
    """Exit code 1, with the reason."""
    ended = verified(EXAMPLES / f"signature--{name}.json")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith("not good: ")


def test_no_signature(verified: Verify) -> None:
    """Exit code 2: nothing was checked."""
    ended = verified(EXAMPLES / "signature--missing-header.json")
    assert ended.code == 2
    assert "no signature: give --signature" in ended.err


def test_where_the_secret_comes_from(verified: Verify, tmp_path: Path) -> None:
    """A file, an option, or the environment; the first two win over the last."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert (verified(SALE, "--secret-file", file, secret="wrong")).code == 0
    assert (verified(SALE, "--secret", SECRET, secret="wrong")).code == 0
    assert (verified(SALE, secret="wrong")).code == 1
    ended = verified(SALE, "--secret", SECRET, "--secret-file", file)
    assert (ended.code, "not both" in ended.err) == (2, True)
    ended = verified(SALE, secret=None)
    assert (ended.code, NAME in ended.err) == (2, True)


def test_a_file_that_is_not_there(verified: Verify) -> None:
    """Exit code 2, as for every command."""
    assert (verified("nowhere.json")).code == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b'{"key":"k1"}', "k1", id="key"),
        pytest.param(b'{"id":7}', "7", id="id"),
        pytest.param(b'{"name":"Ada"}', "", id="neither"),
    ],
)
def test_unknown_events_are_told_by_their_key(
    verified: Verify, tmp_path: Path, body: bytes, told: str
) -> None:
    """Nothing else of them is shown: it could be personal."""
    path = tmp_path / "body"
    event = b'{"event":"a.b","created_at":"2026-03-04T10:00:00Z","data":' + body + b"}"
    path.write_bytes(event)
    ended = verified(path, "--signature", sign(event, SECRET))
    assert ended.out == f"good: a.b {told}".rstrip() + "\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("transaction.deleted", "inv-2026-00731 149.5 EUR of partner pt_7Q2mK9"),
        ("extra-members", "inv-2026-00731"),
        ("partner.created", "pt_Zk5Tq0"),
        ("customer.created", "acct-20418 active"),
        ("customer.credited", "usr-5531 active"),
        ("lead.submitted", "318 submitted"),
        ("subscriber.created", "sub-88021 Active"),
    ],
)
def test_what_an_event_is_about(verified: Verify, name: str, told: str) -> None:
    """Keys and states; no names, and no addresses."""
    ended = verified(EXAMPLES / f"{name}.json")
    assert ended.out.endswith(f" {told}\n")
    assert ended.out.startswith("good: ")
