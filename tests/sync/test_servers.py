"""Programs that bring a process model of their own, as their users run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket
from textwrap import dedent

from jupyter_client.manager import KernelManager

from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero
from tests.sync.test_processes import SECONDS, coverage, run

# What a program loads before it forks: a client that is used right then.
MODULE = """
from partnero_sync import Partnero, UsageError
client = Partnero(on_fork="renew")
client.account.test()
"""


@contextmanager
def program(
    *arguments: str, folder: Path, sandbox: Sandbox
) -> Iterator[subprocess.Popen[str]]:
    """Run a module of Python in *folder*, and end it as its operator would."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={
            "HOME": str(folder),
            "PYTHONPATH": str(folder),
            "PARTNERO_API_KEY": sandbox.api_key,
            "PARTNERO_BASE_URL": sandbox.url,
            **coverage(),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=SECONDS)
        finally:
            process.kill()


class Local(HTTPConnection):
    """A connection to a server's socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect, once somebody listens."""
        self.sock = socket(AF_UNIX)
        wait_for(lambda: self.sock.connect_ex(str(self._path)) == 0)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so, for ten seconds at most."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def get(path: Path, target: str) -> str:
    connection = Local(path)
    connection.request("GET", target)
    body = connection.getresponse().read().decode()
    connection.close()
    return body


def test_gunicorn_with_preload(sandbox: Sandbox, tmp_path: Path) -> None:
    """Each worker's module-level client is renewed, and goes on as if never forked."""
    (tmp_path / "shop.py").write_text(
        MODULE
        + dedent(
            """
            import os
            master = os.getpid()
            def app(environ, start_response):
                name = environ["PATH_INFO"][1:]
                client.partners.create(email=f"{name}@example.com", id=name)
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [str(os.getpid() != master).encode()]
            """
        )
    )
    # Ended while a worker is being forked, gunicorn never tells that one.
    (tmp_path / "gunicorn.conf.py").write_text(
        dedent(
            """
            from pathlib import Path
            def post_worker_init(worker):
                Path(f"{worker.pid}.ready").touch()
            """
        )
    )
    listening = tmp_path / "socket"
    with program(
        *("gunicorn", "--preload", "--workers=2", "--no-control-socket"),
        *(f"--bind=unix:{listening}", "shop:app"),
        folder=tmp_path,
        sandbox=sandbox,
    ):
        answers = [get(listening, f"/p{number}") for number in range(6)]
        wait_for(lambda: len([*tmp_path.glob("*.ready")]) == 2)
    assert answers == ["True"] * 6
    with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        assert len(client.partners.list().collect()) == 6


def test_celery_with_prefork(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same in the pool of a worker, where the default is a typed error."""
    (tmp_path / "shop.py").write_text(
        MODULE
        + dedent(
            """
            from celery import Celery, signals
            app = Celery("shop", broker="memory://")
            app.conf.broker_transport_options = {"polling_interval": 0.01}
            stale = Partnero()
            stale.account.test()
            @app.task
            def sign_up(key):
                try:
                    stale.account.test()
                except UsageError:
                    client.partners.create(email=f"{key}@example.com", id=key)
                    print("signed up", flush=True)
            @signals.worker_ready.connect
            def ready(**_):
                for number in range(6):
                    sign_up.delay(f"p{number}")
            """
        )
    )
    with program(
        *("celery", "--app=shop", "worker", "--pool=prefork", "--concurrency=2"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        folder=tmp_path,
        sandbox=sandbox,
    ) as worker:
        assert worker.stdout
        done = 0
        for line in worker.stdout:
            done += "signed up" in line
            if done == 6:
                break
    assert done == 6
    with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
        assert len(client.partners.list().collect()) == 6


def test_program_patched_by_gevent(sandbox: Sandbox) -> None:
    """Its threads are greenlets, and others run while one waits for an answer."""
    lines = run(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent
        from partnero_sync import Partnero
        with Partnero(on_running_loop="raise") as client:
            calls = [gevent.spawn(client.account.test) for _ in range(20)]
            gevent.joinall(calls)
            print(sum(call.value is not None for call in calls))
            print(len(list(client.partners.list())))
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines == ["20", "0"]


def test_second_client_in_a_program_patched_by_gevent(sandbox: Sandbox) -> None:
    """One thread has room for one loop: a typed error, and at once."""
    lines = run(
        """
        from gevent import monkey
        monkey.patch_all()
        from partnero_sync import Partnero, UsageError
        with Partnero() as client:
            try:
                Partnero().account.test()
            except UsageError as error:
                print(error)
            print(client.account.test() is not None)
        """,
        sandbox,
        sandbox.api_key,
    )
    assert "no thread for the calls can be started here" in lines[0]
    assert lines[1:] == ["True"]


def test_sub_interpreter(sandbox: Sandbox) -> None:
    """One that has no threads is told so.

    From 3.12 on an isolated one has a lock of its own, and msgspec does not load there.
    """
    lines = run(
        """
        import sys
        try:
            import _interpreters as interpreters
            new = interpreters.create("legacy")
        except ImportError:
            import _xxsubinterpreters as interpreters
            new = interpreters.create(isolated=sys.version_info < (3, 12))
        interpreters.run_string(new, '''if True:
            from partnero_sync import Partnero, UsageError
            try:
                Partnero().account.test()
                print("works", flush=True)
            except UsageError as error:
                print(error, flush=True)
        ''')
        """,
        sandbox,
        sandbox.api_key,
        measured=False,  # nor can coverage be started in one
    )
    (line,) = lines
    assert "no thread for the calls can be started here" in line


def test_notebook(sandbox: Sandbox, tmp_path: Path) -> None:
    """A kernel's cells run inside its loop: calls work, and the first one warns."""
    manager = KernelManager(
        kernel_name="python3", connection_file=str(tmp_path / "kernel.json")
    )
    manager.start_kernel(
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "IPYTHONDIR": str(tmp_path),
            "PARTNERO_API_KEY": sandbox.api_key,
            "PARTNERO_BASE_URL": sandbox.url,
        },
        cwd=tmp_path,
    )
    kernel = manager.blocking_client()
    kernel.start_channels()
    texts: list[tuple[str, str]] = []

    def note(message: dict[str, dict[str, str]]) -> None:
        content = message["content"]
        if "text" in content:
            texts.append((content["name"], content["text"]))

    try:
        kernel.wait_for_ready(timeout=SECONDS)
        for cell in (
            "from partnero_sync import Partnero\nclient = Partnero()",
            "print(client.partners.create(email='ada@example.com', id='p1').id)",
            "print([partner.id for partner in client.partners.list()])",
        ):
            reply = kernel.execute_interactive(cell, timeout=SECONDS, output_hook=note)
            assert reply["content"]["status"] == "ok"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
    assert [text for name, text in texts if name == "stdout"] == ["p1\n", "['p1']\n"]
    (warning,) = [text for name, text in texts if name == "stderr"]
    assert "RuntimeWarning: this call blocks the running event loop" in warning
