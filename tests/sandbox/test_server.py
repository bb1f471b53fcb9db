import asyncio
import io
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from partnero_async.sandbox import Sandbox


async def raw(sandbox: Sandbox, text: str) -> bytes:
    """Send bytes as they are; return the answer until the server closes."""
    port = int(sandbox.url.split(":")[2].removesuffix("/v1"))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def request(sandbox: Sandbox, path: str = "/v1/test", **headers: str) -> str:
    """Write a GET request with good headers, except those given."""
    named = {
        "Host": sandbox.url.removeprefix("http://").removesuffix("/v1"),
        "Authorization": f"Bearer {sandbox.api_key}",
        "Connection": "close",
        **headers,
    }
    lines = [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="good"),
        pytest.param({"Host": "localhost"}, 200, id="localhost"),
        pytest.param({"Host": "[::1]:80"}, 200, id="IPv6"),
        pytest.param({"Host": "rebound.example"}, 403, id="foreign host"),
        pytest.param({"Host": "10.0.0.1"}, 403, id="foreign address"),
        pytest.param({"Host": "[::1"}, 403, id="broken host"),
        pytest.param({"Host": ""}, 403, id="empty host"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign origin"),
        pytest.param({"Origin": "null"}, 403, id="null origin"),
        pytest.param(
            {"Host": "localhost:1", "Origin": "http://localhost:1"},
            200,
            id="own origin",
        ),
        pytest.param({"Authorization": ""}, 401, id="no key"),
        pytest.param({"Authorization": "Bearer wrong"}, 401, id="wrong key"),
        pytest.param({"Authorization": "Bearer k\xe9y"}, 401, id="odd key"),
        pytest.param({"Authorization": "Basic abc"}, 401, id="wrong scheme"),
    ],
)
async def test_admission(sandbox: Any, headers: Any, status: int) -> None:
    """Loopback hosts, own origin, and the right key; otherwise a message."""
    answer = await raw(sandbox, request(sandbox, **headers))
    assert answer.split(b" ")[1] == str(status).encode()
    assert b"Content-Type: application/json\r\n" in answer
    assert (b'{"message":' in answer) == (status != 200)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/v1/test", 200, id="good"),
        pytest.param("/v1/test/", 200, id="trailing slash"),
        pytest.param("/v1/partners%3asearch?id=x", 200, id="encoded colon"),
        pytest.param("/test", 404, id="without v1"),
        pytest.param("/v1", 404, id="only v1"),
        pytest.param("/v1/nothing", 404, id="unknown"),
        pytest.param("/v1/partners/a/b/c", 404, id="too deep"),
        pytest.param("/v1/partners/..", 404, id="dots are an id"),
        pytest.param("/v1/partners/%ff%00", 404, id="odd bytes"),
        pytest.param("/v1/partners?limit=%ff", 422, id="odd query"),
    ],
)
async def test_paths(sandbox: Any, path: str, status: int) -> None:
    """Paths are matched as sent, literals first, values decoded."""
    answer = await raw(sandbox, request(sandbox, path))
    assert answer.split(b" ")[1] == str(status).encode()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("PATCH", "/customers/c1", "DELETE, GET, PUT", id="patch"),
        pytest.param("POST", "/test", "GET", id="post"),
        pytest.param("GET", "/partners:sign-in-url", "POST", id="get"),
    ],
)
async def test_wrong_method(sandbox: Any, method: str, path: str, allowed: str) -> None:
    """405 names the methods that there are."""
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, sandbox.url + path) as answer,
    ):
        assert answer.status == 405
        assert answer.headers["Allow"] == allowed
        assert list(await answer.json()) == ["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{", 400, id="cut off"),
        pytest.param(b"email=a@example.com", 400, id="form"),
        pytest.param(b'"\xff"', 400, id="no UTF-8"),
        pytest.param(b"[" * 100_000, 400, id="deep"),
        pytest.param(b"1e99999999999999999999", 400, id="exponent"),
        pytest.param(b'{"email": "\\ud800"}', 400, id="surrogate"),
        pytest.param(b"[1]", 422, id="list"),
        pytest.param(b'"text"', 422, id="text"),
        pytest.param(b"", 422, id="empty"),
        pytest.param(b"[]", 422, id="empty list"),
        pytest.param(b"null", 422, id="null"),
    ],
)
async def test_bodies(api: Any, body: bytes, status: int) -> None:
    """What is no JSON is 400, what is no object 422, over 1 MiB 413."""
    answer = await api("POST", "/partners", data=body)
    assert answer[0] == status
    assert "message" in answer[1]


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param(1024**2, 201, id="the limit"),
        pytest.param(1024**2 + 1, 413, id="a byte more"),
    ],
)
async def test_length_of_a_body(api: Any, length: int, status: int) -> None:
    """1 MiB still passes."""
    body = b'{"email": "a@example.com"}'.ljust(length)
    answer = await api("POST", "/partners", data=io.BytesIO(body))
    assert answer[0] == status


async def test_broken_chunk(sandbox: Any) -> None:
    """A body that breaks the rules of HTTP is 400."""
    head = request(sandbox, "/v1/partners", **{"Transfer-Encoding": "chunked"})
    answer = await raw(sandbox, head.replace("GET", "POST", 1) + "zz\r\n")
    assert answer.split(b" ")[1] == b"400"


async def test_requests_are_counted(api: Any, sandbox: Any) -> None:
    """In all, and by the route that matched; refused ones as well."""
    await api("GET", "/customers/c1")
    await api("GET", "/customers/no")
    await api("DELETE", "/partner", {"key": "mk"})
    await api("GET", "/nothing")
    assert sandbox.requests == 6
    assert dict(sandbox.requests_by_route) == {
        "POST /partners": 1,
        "POST /customers": 1,
        "GET /customers/{key}": 2,
        "DELETE /partner": 1,
    }


async def test_account(api: Any, sandbox: Any) -> None:
    """`account.test` answers the id of the program."""
    expected = {"data": {"program": {"pub_id": sandbox.program_id}}, "status": 1}
    assert await api("GET", "/test") == (200, expected)


async def test_failure_of_our_own(
    api: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake of the sandbox is a 500 in JSON and in the log; nothing is written."""
    clock.now = "broken"
    sale = {"amount": 1, "customer": {"key": "c1"}}
    assert await api("POST", "/transactions", sale) == (
        500,
        {"status": 0, "message": "Unexpected failure."},
    )
    assert "POST /v1/transactions failed" in caplog.text
    assert (await api("GET", "/transactions"))[1]["data"] == []


async def test_half_a_request(
    sandbox: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller that leaves in the middle of a body has no effect and is no failure."""
    port = int(sandbox.url.split(":")[2].removesuffix("/v1"))
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = request(sandbox, "/v1/partners", **{"Content-Length": "50"})
    writer.write(head.replace("GET", "POST", 1).encode() + b'{"email":')
    await writer.drain()
    await eventually(lambda: sandbox.requests == 3)
    writer.close()
    await sandbox.close()
    assert caplog.text == ""


async def test_port_in_use(serve: Any, sandbox: Any) -> None:
    """A port that is taken is an error, and nothing stays open."""
    port = int(sandbox.url.split(":")[2].removesuffix("/v1"))
    with pytest.raises(OSError, match="address"):
        await serve(port=port)


async def test_close_lets_calls_end(serve: Any, eventually: Any) -> None:
    """A call under way has its effect and its answer before anything closes."""
    sandbox, api = await serve(latency=lambda: 0.05)
    under_way = asyncio.create_task(api("POST", "/partners", {"email": "a@b.co"}))
    await eventually(lambda: sandbox.requests == 1)
    await sandbox.close()
    assert (await under_way)[0] == 201


async def test_start_twice(sandbox: Any) -> None:
    """One sandbox runs once at a time."""
    with pytest.raises(RuntimeError, match="already"):
        await sandbox.start()


async def test_close_twice(serve: Any) -> None:
    """Closing what is closed is nothing."""
    sandbox, _ = await serve()
    await sandbox.close()
    await sandbox.close()


@pytest.mark.parametrize("commission", ["-0.1", "1.1", "NaN"])
def test_commission_is_a_share(commission: str) -> None:
    """From nothing to everything."""
    with pytest.raises(ValueError, match="share"):
        Sandbox(commission=Decimal(commission))


def test_in_a_thread_a_failed_start_is_raised(tmp_path: Any) -> None:
    """The caller gets the error that the thread met."""
    with (
        pytest.raises(Exception, match="unable to open"),
        Sandbox(db=tmp_path / "no" / "folder.db").in_thread(),
    ):
        pytest.fail("it cannot have started")
