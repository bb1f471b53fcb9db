"""C6 and C7: forks, the end of a program, and Ctrl-C.

Programs of their own, since only they can fork, end and be interrupted. Each measures
itself, so that the start of an interpreter does not count.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from textwrap import dedent
from typing import Final, Self

from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero
from tests.bench.figures import Figure
from tests.sync.interrupt import interrupted_when
from tests.sync.silent import Silent

FORKS: Final = {"small": 20, "full": 200}
ENDS: Final = {"small": 1, "full": 10}
INTERRUPTIONS: Final = {"small": 5, "full": 50}
LONGEST_END: Final = 1.0
"""Seconds that a program may go on after its end, with clients that nobody closed."""
LONGEST_STOP: Final = 0.2
"""Seconds from Ctrl-C until the request has stopped, less those for which the machine,
which is shared, has let any thread wait."""
BEAT: Final = 0.005

PROMISED: Final = {
    1: "the parent's synchronous client was not refused",
    2: "a client that renews itself does not work",
    3: "a new synchronous client does not work",
    4: "the parent's asynchronous client was not refused",
    5: "a new asynchronous client does not work",
}
"""What a child that ends with this code has found."""

FORKING = """
    import asyncio, itertools, os, signal, sys, threading
    from contextlib import ExitStack
    import partnero_async, partnero_sync
    from partnero_async import pacing

    warm = partnero_sync.Partnero()
    renewed = partnero_sync.Partnero(on_fork="renew")
    client = partnero_async.Partnero()
    going_on = True
    calls = itertools.count()
    locks = [pacing._gates.lock]
    for sync in (warm, renewed):
        locks += [sync._lock, sync._async._transport.line.gate._lock]

    async def use(client):
        next(calls)
        await client.account.test()

    def call(client):
        next(calls)
        client.account.test()

    def keep_busy():
        while going_on:
            call(warm)
            call(renewed)

    async def refused():
        try:
            await use(client)
        except partnero_async.UsageError:
            await client.aclose()
            return True

    async def fresh():
        async with partnero_async.Partnero() as new:
            await use(new)

    def child():
        signal.alarm(30)
        code = 1
        try:
            warm.account.test()
        except partnero_sync.UsageError:
            code = 2
        if code == 2:
            renewed.account.test()
            code = 3
            with partnero_sync.Partnero() as new:
                new.account.test()
            code = 4
            if asyncio.run(refused()):
                code = 5
                asyncio.run(fresh())
                code = 0
        return code

    def fork():
        pid = os.fork()
        if pid == 0:
            code = 9
            try:
                code = child()
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    async def fork_in_a_loop():
        await use(client)
        return fork()

    def fork_with_locks_held():
        held, done = threading.Event(), threading.Event()

        def hold():
            with ExitStack() as stack:
                for lock in locks:
                    stack.enter_context(lock)
                held.set()
                done.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        code = fork()
        done.set()
        thread.join()
        return code

    ways = [fork, lambda: asyncio.run(fork_in_a_loop()), fork_with_locks_held]

    asyncio.run(use(client))
    call(warm)
    call(renewed)
    threads = [threading.Thread(target=keep_busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range({forks}):
        print(ways[number % 3](), flush=True)
    going_on = False
    for thread in threads:
        thread.join()
    call(warm)
    asyncio.run(use(client))
    print("parent works", next(calls), flush=True)
    warm.close()
    renewed.close()
"""

ENDING = """
    import atexit, time
    # Registered first, so it runs last: after the clients are closed.
    atexit.register(lambda: print(time.monotonic() - ended, flush=True))
    {use}
    ended = time.monotonic()
"""

USES: Final = {
    "a client": """
    from partnero_sync import Partnero
    client = Partnero()
    client.account.test()
    """,
    "ten clients": """
    from partnero_sync import Partnero
    clients = [Partnero() for _ in range(10)]
    for client in clients:
        client.account.test()
    """,
    "amid a walk": """
    from partnero_sync import Partnero
    client = Partnero()
    walk = client.partners.list(limit=1).items()
    next(walk)
    """,
    "amid calls": """
    import threading
    from partnero_sync import Partnero
    client = Partnero()
    def use():
        while True:
            client.account.test()
    for _ in range(5):
        threading.Thread(target=use, daemon=True).start()
    time.sleep(0.1)
    """,
    "an asynchronous client": """
    import asyncio
    from partnero_async import Partnero
    client = Partnero()
    async def use():
        await client.account.test()
    asyncio.run(use())
    """,
}

# Python 3.12 and later warn about any fork of a process with threads: rightly so.
PYTHON: Final = (sys.executable, "-W", "ignore:This process:DeprecationWarning")


def _run(program: str, sandbox: Sandbox, *, seconds: float) -> tuple[list[str], str]:
    """Run a program; return its lines, and what it complained of."""
    env = {"PARTNERO_API_KEY": sandbox.api_key, "PARTNERO_BASE_URL": sandbox.url}
    with subprocess.Popen(
        [*PYTHON, "-c", dedent(program)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said, complaint = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complaint = process.communicate()
            complaint += f"hung for {seconds} s, "
    code = f"ended with {process.returncode}" if process.returncode else ""
    return said.splitlines(), f"{complaint}{code}".strip()


CALLS_OF_A_CHILD: Final = 3


def forked(forks: int, program: str = FORKING) -> list[str]:
    """Fork a warm parent; return what is wrong."""
    with Sandbox().in_thread() as sandbox:
        wanted = program.replace("{forks}", str(forks))
        lines, complaint = _run(wanted, sandbox, seconds=60 + 2 * forks)
        requests = sandbox.requests
    wrong = [complaint] if complaint else []
    *codes, last = lines or [""]
    if not last.startswith("parent works ") or len(codes) != forks:
        return [*wrong, f"the parent ended early, after {len(codes)} forks"]
    wrong += [
        PROMISED.get(int(code), f"a child hung or broke ({code})")
        for code in codes
        if code != "0"
    ]
    # More come where a child has written to a connection of its parent, or a call of
    # either had to be repeated.
    calls = int(last.split()[-1]) + CALLS_OF_A_CHILD * codes.count("0")
    if not wrong and calls != requests:
        wrong.append(f"{calls} calls were made, and {requests} requests came")
    return wrong


def ended(times: int) -> tuple[float, list[str]]:
    """End programs that close nothing; return the longest end, and what is wrong."""
    longest, wrong = 0.0, list[str]()
    with Sandbox().in_thread() as sandbox:
        with Partnero(sandbox.api_key, base_url=sandbox.url) as client:
            for number in range(3):
                client.partners.create(email=f"p{number}@example.com")
        for name, use in USES.items():
            for _ in range(times):
                lines, said = _run(ENDING.replace("{use}", use), sandbox, seconds=30)
                if said or len(lines) != 1:
                    wrong.append(f"{name}: {said or lines}")
                else:
                    longest = max(longest, float(lines[0]))
    return longest, wrong


class Lag(threading.Thread):
    """Sleeps for short times, and keeps how much longer than that each took."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._late: list[tuple[float, float]] = []
        self._going_on = True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going_on = False
        self.join()

    def run(self) -> None:
        """Sleep, and look."""
        while self._going_on:
            due = time.monotonic() + BEAT
            time.sleep(BEAT)
            now = time.monotonic()
            self._late.append((now, now - due))

    def since(self, began: float) -> float:
        """Return how long the machine let threads wait, at most, from then on."""
        time.sleep(2 * BEAT)  # for a beat that is under way
        return max((late for when, late in self._late if when >= began), default=0.0)


def interrupted(times: int) -> tuple[list[float], list[str]]:
    """Interrupt calls; return how long each request went on, and what is wrong."""
    took, wrong = list[float](), list[str]()
    with (
        Silent() as silent,
        Partnero("key", base_url=silent.url) as client,
        Lag() as lag,
    ):
        for _ in range(times):
            began: list[float] = []

            def asked(began: list[float] = began) -> None:
                silent.asked.acquire(timeout=10)
                began.append(time.monotonic())

            with interrupted_when(asked):
                client.account.test()
            if not silent.left.acquire(timeout=10):
                wrong.append("the request goes on")
            ended = time.monotonic()
            took.append(max(ended - began[0] - lag.since(began[0]), 0.0))
        silent.answers["/test"] = {"data": {}, "status": 1}
        client.account.test()
    return took, wrong


def run(*, full: bool, seed: int) -> list[Figure]:  # noqa: ARG001 - nothing is drawn
    """Measure C6 and C7."""
    size = "full" if full else "small"
    forks, ends, times = FORKS[size], ENDS[size], INTERRUPTIONS[size]
    unforked = forked(forks)
    longest, unended = ended(ends)
    took, unstopped = interrupted(times)
    stopped = max(took)
    return [
        Figure(
            "C6",
            f"{forks} forks of a warm parent: hangs, or promises not kept",
            f"{len(unforked)}",
            "0",
            not unforked,
            unforked,
        ),
        Figure(
            "C7",
            f"{ends * len(USES)} ends without close: the longest",
            f"{longest:.3f} s",
            f"under {LONGEST_END} s",
            longest < LONGEST_END and not unended,
            unended,
        ),
        Figure(
            "C7",
            f"{times} times Ctrl-C: until the request stops, the longest",
            f"{stopped * 1000:.0f} ms",
            f"within {LONGEST_STOP * 1000:.0f} ms",
            stopped < LONGEST_STOP and not unstopped,
            unstopped,
        ),
    ]
