"""What only a process of its own can show: its end, its children, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from textwrap import dedent

import pytest

from partnero_async.sandbox import Sandbox
from tests.sync.silent import Silent

SECONDS = 20
"""A program that has not ended by then hangs."""

# Python 3.12 and later warn about any fork of a process with threads: rightly so.
STRICT = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]


def run(
    program: str, server: Sandbox | Silent, key: str = "key", *, measured: bool = True
) -> list[str]:
    """Run *program* with a client's environment to its lines; it must not complain."""
    measuring = coverage() if measured else {}
    with subprocess.Popen(
        [sys.executable, "-X", "faulthandler", *STRICT, "-c", dedent(program)],
        env={"PARTNERO_API_KEY": key, "PARTNERO_BASE_URL": server.url, **measuring},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out, err = _ended(process)
    assert (err, process.returncode) == ("", 0), out
    return out.splitlines()


def _ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # so that it says what it hangs at
        return process.communicate()


def coverage() -> dict[str, str]:
    """Pass on what measures coverage, and nothing else of this environment."""
    return {name: value for name, value in os.environ.items() if "COVERAGE" in name}


# --- the end ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "clients",
    [pytest.param(1, id="module-level"), pytest.param(5, id="five")],
)
def test_exit_without_close_is_quick(sandbox: Sandbox, clients: int) -> None:
    """A client of a module is closed at exit: no waiting, no complaint."""
    lines = run(
        f"""
        import atexit, time
        # Registered first, so it runs last: after the clients are closed.
        atexit.register(lambda: print(time.monotonic() - ended < 1, flush=True))
        from partnero_sync import Partnero
        clients = [Partnero() for _ in range({clients})]
        for client in clients:
            client.account.test()
        print("done", flush=True)
        ended = time.monotonic()
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines == ["done", "True"]


def test_exit_during_a_call_is_quick(silent: Silent) -> None:
    """A daemon thread that waits for an answer does not keep the program."""
    began = time.monotonic()
    lines = run(
        """
        import atexit, threading, time
        atexit.register(lambda: print(time.monotonic() - ended < 1, flush=True))
        from partnero_sync import ClientClosedError, Partnero
        client = Partnero()
        def call():
            try:
                client.account.test()
            except ClientClosedError:
                pass
        threading.Thread(target=call, daemon=True).start()
        while not client.stats.requests:
            time.sleep(0.01)
        ended = time.monotonic()
        """,
        silent,
    )
    assert lines == ["True"]
    assert time.monotonic() - began < SECONDS / 2


def test_call_after_the_clients_were_closed_at_exit(sandbox: Sandbox) -> None:
    """A handler that runs later gets the typed error, and does not hang."""
    lines = run(
        """
        import atexit
        def last():
            try:
                client.account.test()
            except ClientClosedError as error:
                print(type(error).__name__)
        atexit.register(last)
        from partnero_sync import ClientClosedError, Partnero
        client = Partnero()
        client.account.test()
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines == ["ClientClosedError"]


def test_call_of_a_handler_that_was_registered_after_the_client(
    sandbox: Sandbox,
) -> None:
    """It runs before the client is closed, and may still send what it has."""
    lines = run(
        """
        import atexit
        from partnero_sync import Partnero
        client = Partnero()
        client.account.test()
        atexit.register(lambda: print(client.account.test() is not None))
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines == ["True"]


# --- children --------------------------------------------------------------------

FORK = """
import gc, os, sys
from partnero_sync import Partnero, UsageError
client, unused = Partnero(), Partnero()
client.account.test()
partners = client.partners.list()
walk = partners.pages()
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
    client.account.test()
    print("parent goes on")
    sys.exit()
"""


def test_parents_client_is_refused_in_a_forked_child(sandbox: Sandbox) -> None:
    """The error names the cure, at once; closing and dropping the client are quiet."""
    lines = run(
        FORK
        + dedent(
            """
            for use in client.account.test, partners.first, lambda: next(walk):
                try:
                    use()
                except UsageError as error:
                    print(error)
            client.close()
            del client, partners, walk, use
            gc.collect()
            """
        ),
        sandbox,
        sandbox.api_key,
    )
    assert lines.pop() == "parent goes on"
    assert len(lines) == 3
    for line in lines:
        assert "make a new client after the fork" in line


def test_new_client_works_in_a_forked_child(sandbox: Sandbox) -> None:
    """And so does one that was made before the fork, and first used after it."""
    lines = run(
        FORK
        + dedent(
            """
            with Partnero() as own:
                own.account.test()
            unused.account.test()
            print("child works")
            """
        ),
        sandbox,
        sandbox.api_key,
    )
    assert lines == ["child works", "parent goes on"]


def test_client_that_renews_itself_works_in_a_forked_child(sandbox: Sandbox) -> None:
    """With a thread, connections and counts of its own; a child's child is no other."""
    lines = run(
        """
        import os, sys
        from partnero_sync import Partnero
        client = Partnero(on_fork="renew")
        client.account.test()
        partners = client.partners
        for generation in range(2):
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
                client.account.test()
                print(client.stats.requests, flush=True)
                sys.exit()
            assert partners.list().collect() == []
            assert client.stats.requests == 1
        print("grandchild", flush=True)
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines == ["grandchild", "2", "2"]


@pytest.mark.parametrize("on_fork", ["raise", "renew"])
def test_walk_that_was_begun_before_a_fork_is_refused_in_the_child(
    sandbox: Sandbox, on_fork: str
) -> None:
    """Its next page comes to the parent: waiting for it would never end."""
    lines = run(
        f"""
        import gc, os, sys
        from partnero_sync import Partnero, UsageError
        client = Partnero(on_fork="{on_fork}")
        for key in "abc":
            client.partners.create(email=f"{{key}}@example.com", id=key)
        partners = client.partners.list(limit=1)
        walk, dropped, left = iter(partners), partners.pages(), partners.items()
        print(next(walk).id, next(dropped).number, next(left).id, flush=True)
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            print([partner.id for partner in walk])
            sys.exit()
        try:
            next(walk)
        except UsageError as error:
            print(error)
        assert list(walk) == []
        del dropped
        gc.collect()
        renewed = client if client._portal._renew else Partnero()
        rest = renewed.partners.list(limit=1).items(resume=left.checkpoint())
        print([partner.id for partner in rest])
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines.pop(0) == "c 1 c"
    assert "begun before the process forked" in lines[0]
    assert lines[1:] == ["['b', 'a']", "['b', 'a']"]


def test_client_that_was_closed_is_not_renewed(sandbox: Sandbox) -> None:
    """What the parent has closed stays closed."""
    lines = run(
        """
        import os, sys
        from partnero_sync import ClientClosedError, Partnero
        client = Partnero(on_fork="renew")
        client.account.test()
        client.close()
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            sys.exit()
        try:
            client.account.test()
        except ClientClosedError as error:
            print(error)
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines[0].startswith("this client is closed")


def test_child_of_a_fork_amid_calls_works(sandbox: Sandbox) -> None:
    """Threads that hold a lock at that moment are not in the child to let it go."""
    lines = run(
        """
        import os, sys, threading
        from partnero_sync import Partnero, UsageError
        client = Partnero()
        client.account.test()
        ended = False
        def call():
            while not ended:
                client.account.test()
        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            child = os.fork()
            if not child:
                try:
                    client.account.test()
                except UsageError:
                    os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        ended = True
        """,
        sandbox,
        sandbox.api_key,
    )
    assert lines == []


# --- Ctrl-C ----------------------------------------------------------------------


def test_ctrl_c_stops_the_request(silent: Silent) -> None:
    """`KeyboardInterrupt` reaches the caller within 200 ms, and the client lives."""
    lines = run(
        """
        import asyncio, os, signal, threading, time
        from partnero_sync import Partnero
        client = Partnero()
        pressed = []
        def press():
            while not client.stats.requests:
                time.sleep(0.01)
            time.sleep(0.05)
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        with client:
            threading.Thread(target=press).start()
            try:
                client.account.test()
            except KeyboardInterrupt:
                print(time.monotonic() - pressed[0] < 0.2)
            loop = client._portal.start().loop
            print(len(asyncio.all_tasks(loop)))
        """,
        silent,
    )
    assert lines == ["True", "1"]
    assert silent.left.acquire(timeout=1)
