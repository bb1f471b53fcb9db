"""The gate: on virtual time, against servers that limit in several ways."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import subprocess
import sys
import threading
import time
from collections import deque
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import pytest
from attrs import define, evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from partnero_async.pacing import (
    LONGEST_HOLD,
    Gate,
    Rate,
    _Waiter,
    retry_after,
    shared_gate,
)
from tests.clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

UNIX = 1_772_616_600.0
Headers = dict[str, str]
REMAINING, RESET = "X-RateLimit-Remaining", "X-RateLimit-Reset"


# --- servers that limit ---


class Server(Protocol):
    """Answer a request that arrives at a time."""

    def hit(self, now: float) -> tuple[int, Headers]:
        """Return the status and the headers of the answer."""
        ...


@define
class FixedWindow:
    """Allow *limit* requests a window, which opens with the first request in it."""

    limit: int
    per: float
    told: bool
    reset: str = ""
    end: float = -1.0
    count: int = 0

    def hit(self, now: float) -> tuple[int, Headers]:
        """Count the request, or refuse it."""
        if now >= self.end:
            self.end, self.count = now + self.per, 0
        refused = self.count >= self.limit
        self.count += not refused
        return (429 if refused else 200), self._headers(now, refused=refused)

    def _headers(self, now: float, *, refused: bool) -> Headers:
        if not self.told:
            return {}
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            REMAINING: str(self.limit - self.count),
        }
        if self.reset:
            since = UNIX if self.reset == "unix" else -now
            headers[RESET] = str(math.ceil(since + self.end))
        elif refused:
            headers["Retry-After"] = str(math.ceil(self.end - now))
        return headers

    def ideal(self, requests: int) -> float:
        """Return the seconds in which *requests* could pass at best."""
        return (math.ceil(requests / self.limit) - 1) * self.per


@define
class TokenBucket:
    """Allow *rate* requests a second and *burst* at once."""

    rate: float
    burst: int
    told: bool
    tokens: float = 0.0
    since: float = -1e6

    def hit(self, now: float) -> tuple[int, Headers]:
        """Take a token, or refuse the request."""
        filled = self.tokens + (now - self.since) * self.rate
        self.tokens, self.since = min(self.burst, filled), now
        refused = self.tokens < 1
        self.tokens -= not refused
        return (429 if refused else 200), self._headers(refused=refused)

    def _headers(self, *, refused: bool) -> Headers:
        if not self.told:
            return {}
        headers = {
            "X-RateLimit-Limit": str(self.burst),
            REMAINING: str(int(self.tokens)),
        }
        if refused:
            headers["Retry-After"] = str(math.ceil((1 - self.tokens) / self.rate))
        return headers

    def ideal(self, requests: int) -> float:
        """Return the seconds in which *requests* could pass at best."""
        return (requests - self.burst) / self.rate


@frozen
class Outcome:
    """What a simulated import came to."""

    wall: float
    sent: int
    refused: int

    @property
    def refused_share(self) -> float:
        """The 429s among all answers."""
        return self.refused / self.sent

    @property
    def wasted(self) -> float:
        """The 429s a success."""
        return self.refused / (self.sent - self.refused)


def import_rows(
    server: Server, requests: int, tasks: int, seed: int, rate: Rate | None = None
) -> Outcome:
    """Send *requests* from *tasks* tasks at 60-140 ms each, until all have passed."""
    print("seed", seed)

    async def main() -> Outcome:
        loop, rng = asyncio.get_running_loop(), random.Random(seed)
        gate = Gate(rate, clock=loop.time, wall=lambda: UNIX + loop.time(), rng=rng)
        todo, answers = deque(range(requests)), list[int]()

        async def send() -> int:
            await gate.enter()
            began = loop.time()
            await asyncio.sleep(rng.uniform(0.03, 0.07))
            status, headers = server.hit(loop.time())
            await asyncio.sleep(rng.uniform(0.03, 0.07))
            gate.leave(status, headers, loop.time() - began)
            answers.append(status)
            return status

        async def work() -> None:
            while todo:
                todo.popleft()
                while await send() != 200:
                    pass

        await asyncio.gather(*(work() for _ in range(tasks)))
        assert (gate.in_flight, gate.waiting) == (0, 0)
        return Outcome(loop.time(), len(answers), answers.count(429))

    return run_virtual(main())


RUNS = range(4)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(
    ("server", "requests"),
    [
        pytest.param(TokenBucket(10, 20, told=True), 600, id="bucket"),
        pytest.param(FixedWindow(60, 60, told=True), 600, id="60-a-minute"),
        pytest.param(FixedWindow(1000, 60, told=True), 3000, id="1000-a-minute"),
        pytest.param(FixedWindow(60, 60, True, "unix"), 600, id="reset-as-time"),
        pytest.param(FixedWindow(60, 60, True, "delta"), 600, id="reset-as-seconds"),
    ],
)
def test_t20_headers_tell_the_limit(
    server: FixedWindow | TokenBucket, requests: int, run: int, seed: int
) -> None:
    """With headers at least 95 % of the limit is used, and at most 2 % are refused."""
    outcome = import_rows(evolve(server), requests, 50, seed + run)
    print(outcome)
    assert (server.ideal(requests) + 0.1) / outcome.wall >= 0.95
    assert outcome.refused_share <= 0.02


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(
    ("server", "requests", "rate"),
    [
        pytest.param(FixedWindow(60, 60, told=False), 600, Rate(60, 60), id="60/min"),
        pytest.param(
            FixedWindow(1000, 60, told=False), 4000, Rate(1000, 60), id="1000/min"
        ),
        pytest.param(FixedWindow(10, 1, told=False), 3000, Rate(10, 1), id="10/s"),
        pytest.param(FixedWindow(50, 1, told=False), 9000, Rate(50, 1), id="50/s"),
        pytest.param(TokenBucket(10, 20, told=False), 3000, Rate(10, 1), id="bucket"),
    ],
)
def test_t21_a_told_rate_is_kept(
    server: FixedWindow | TokenBucket, requests: int, rate: Rate, run: int, seed: int
) -> None:
    """A told rate is used to at least 95 %, and nothing is ever refused."""
    outcome = import_rows(evolve(server), requests, 50, seed + run, rate)
    print(outcome)
    later = requests - rate.limit  # the first may all pass at once
    assert later / rate.per_second / outcome.wall >= 0.95
    assert outcome.refused == 0


@pytest.mark.parametrize("run", RUNS)
def test_t22_an_unknown_limit_is_found(run: int, seed: int) -> None:
    """With nothing told at least 85 % is used, and at most 15 % are refused."""
    server = TokenBucket(10, 20, told=False)
    outcome = import_rows(server, 600, 50, seed + run)
    print(outcome)
    assert server.ideal(600) / outcome.wall >= 0.85
    assert outcome.refused_share <= 0.15


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("told", [True, False], ids=["headers", "no-headers"])
def test_r5_a_window_wastes_little(told: bool, run: int, seed: int) -> None:
    """50/s: at most 0.05 wasted requests a success, at most 1.25 times the ideal."""
    server = FixedWindow(50, 1, told=told)
    outcome = import_rows(server, 600, 64, seed + run)
    print(outcome)
    assert outcome.wasted <= 0.05
    assert outcome.wall <= 1.25 * (server.ideal(600) + 0.1)


def test_a_rate_told_too_high_is_corrected(seed: int) -> None:
    """A 429 under a told rate spaces the requests, though never above that rate."""
    server = TokenBucket(10, 5, told=False)
    outcome = import_rows(server, 400, 20, seed, Rate(12, 1))
    print(outcome)
    assert server.ideal(400) / outcome.wall >= 0.7
    assert outcome.refused_share <= 0.2


# --- one gate, step by step ---


def on_virtual_time(
    body: Callable[[Gate], Coroutine[object, object, None]], rate: Rate | None = None
) -> None:
    """Run *body* with a gate on virtual time."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        rng = random.Random(1)
        wall = lambda: UNIX + loop.time()  # noqa: E731 - shorter than a function
        await body(Gate(rate, clock=loop.time, wall=wall, rng=rng))

    run_virtual(main())


async def opened(gate: Gate) -> None:
    """Take a gate through its opening, so that it is free."""
    await gate.enter()
    gate.leave(200, {})
    await asyncio.sleep(1)
    entered = [asyncio.create_task(gate.enter()) for _ in range(9)]
    await asyncio.gather(*entered)
    for _ in entered:
        gate.leave(200, {})


async def at_once(gate: Gate, count: int) -> list[asyncio.Task[float]]:
    """Let *count* tasks ask to enter, and say which have by now."""
    tasks = [asyncio.create_task(gate.enter()) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def ask(gate: Gate, status: int = 200, headers: Headers | None = None) -> None:
    """Send a request that takes a tenth of a second."""
    await gate.enter()
    await asyncio.sleep(0.1)
    gate.leave(status, headers or {}, 0.1)


def passed(tasks: list[asyncio.Task[float]]) -> int:
    """Count who has entered."""
    return sum(task.done() for task in tasks)


async def cancel(tasks: list[asyncio.Task[float]]) -> None:
    """Cancel who still waits."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_nothing_known_everyone_passes() -> None:
    """Without a limit in sight nobody waits, however many come."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        tasks = await at_once(gate, 1000)
        assert [task.result() for task in tasks] == [0.0] * 1000
        assert gate.snapshot().rate is None
        assert (gate.in_flight, gate.waiting) == (1000, 0)
        gate.leave(200, {})
        gate.leave(200, {})
        assert gate.in_flight == 998

    on_virtual_time(body)


def test_the_opening_lasts_a_second_at_most() -> None:
    """A server that does not answer holds nobody up for longer."""

    async def body(gate: Gate) -> None:
        tasks = await at_once(gate, 100)
        assert 0 < passed(tasks) < 20
        await asyncio.sleep(1.01)
        assert passed(tasks) == 100

    on_virtual_time(body)


def test_the_opening_widens_with_answers() -> None:
    """Many quick answers end the opening before its second is over."""

    async def body(gate: Gate) -> None:
        for _ in range(1500):
            await gate.enter()
            gate.leave(200, {})
        tasks = await at_once(gate, 100)
        assert passed(tasks) == 100

    on_virtual_time(body)


def test_a_429_holds_everyone_then_one_goes_first() -> None:
    """Nobody passes before Retry-After; then a single probe; then the others."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        await gate.enter()
        gate.leave(429, {"Retry-After": "17"})
        tasks = await at_once(gate, 5)
        assert gate.held_until == pytest.approx(18)
        assert gate.snapshot().held_for == pytest.approx(17)
        assert gate.snapshot().waiting == 5
        await asyncio.sleep(16.9)
        assert passed(tasks) == 0
        await asyncio.sleep(3)
        assert passed(tasks) == 1
        assert gate.held_until is None
        gate.leave(200, {})
        await asyncio.sleep(10)
        assert passed(tasks) == 5

    on_virtual_time(body)


def test_a_refused_probe_holds_longer() -> None:
    """Without Retry-After every refused probe doubles the hold, up to its longest."""

    async def body(gate: Gate) -> None:
        waits: list[float] = []
        for _ in range(20):
            waits.append(await gate.enter())
            gate.leave(429, {})
        assert waits[0] == 0
        assert all(b > 1.1 * a for a, b in pairwise(waits[1:9]))
        assert 80 < waits[-1] <= LONGEST_HOLD + 0.01

    on_virtual_time(body)


def test_a_lost_probe_is_followed_by_another() -> None:
    """A probe whose answer is lost gives its permit back and says nothing."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(429, {"Retry-After": "1"})
        tasks = await at_once(gate, 3)
        await asyncio.sleep(1.1)
        assert passed(tasks) == 1
        gate.leave(None, {})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert passed(tasks) == 2
        assert gate.in_flight == 1
        await cancel(tasks)

    on_virtual_time(body)


def test_a_cancelled_probe_is_followed_by_another() -> None:
    """A probe that is cancelled before it is sent passes its turn on."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(429, {"Retry-After": "1"})
        first, second = await at_once(gate, 2)
        asyncio.get_running_loop().call_later(1.0, first.cancel)
        await asyncio.sleep(1.5)
        assert first.cancelled()
        assert second.done()
        assert gate.in_flight == 1

    on_virtual_time(body)


def test_a_probe_that_hangs_is_followed_by_another() -> None:
    """A slow answer is waited for; one that does not come holds nobody for long."""

    async def body(gate: Gate) -> None:
        await ask(gate, 429, {"Retry-After": "1"})
        tasks = await at_once(gate, 6)
        await asyncio.sleep(4.9)
        assert passed(tasks) == 1
        await asyncio.sleep(0.2)
        assert passed(tasks) == 2
        await asyncio.sleep(3.8)
        assert passed(tasks) == 2
        await asyncio.sleep(0.2)
        assert passed(tasks) == 3
        gate.leave(200, {})
        await asyncio.sleep(1)
        assert passed(tasks) == 6

    on_virtual_time(body)


def test_a_slow_probe_is_waited_for() -> None:
    """An API that takes three seconds for an answer gets one request, and no second."""

    async def body(gate: Gate) -> None:
        await ask(gate, 429, {"Retry-After": "1"})
        tasks = await at_once(gate, 6)
        await asyncio.sleep(4)
        assert passed(tasks) == 1
        gate.leave(429, {"Retry-After": "30"})
        await asyncio.sleep(29)
        assert passed(tasks) == 1
        await cancel(tasks)

    on_virtual_time(body)


def test_a_later_retry_after_extends_the_hold() -> None:
    """Each 429 in flight when the gate closed may extend the hold, none adds to it."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        await at_once(gate, 4)
        gate.leave(429, {"Retry-After": "5"})
        gate.leave(429, {"Retry-After": "9"})
        gate.leave(429, {"Retry-After": "2"})
        gate.leave(429, {})
        assert gate.held_until == pytest.approx(10)

    on_virtual_time(body)


def test_a_straggler_does_not_open_the_gate() -> None:
    """A success sent before the 429 says nothing about what comes after it."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        await at_once(gate, 2)
        gate.leave(429, {"Retry-After": "5"})
        gate.leave(200, {})
        tasks = await at_once(gate, 3)
        await asyncio.sleep(5.1)
        assert passed(tasks) == 1
        await cancel(tasks)

    on_virtual_time(body)


@pytest.mark.parametrize("after", ["3600", "99999999", "121"])
def test_no_hold_lasts_longer_than_two_minutes(after: str) -> None:
    """A longer Retry-After is for the caller to judge; the gate asks again."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(429, {"Retry-After": after})
        assert await gate.enter() == pytest.approx(LONGEST_HOLD, abs=0.01)

    on_virtual_time(body)


def budget(left: int, limit: int = 100) -> Headers:
    """Make the headers of an answer."""
    return {"X-RateLimit-Limit": str(limit), REMAINING: str(left)}


def test_no_more_are_in_flight_than_remain() -> None:
    """Requests that are under way are not in the reading yet: they count."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(10))
        tasks = await at_once(gate, 20)
        assert passed(tasks) == 10
        gate.leave(200, budget(9))
        await at_once(gate, 0)
        assert passed(tasks) == 10
        await cancel(tasks)

    on_virtual_time(body)


def test_a_late_answer_does_not_raise_the_budget() -> None:
    """Answers overtake each other: the lowest reading of a window counts."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(10))
        await at_once(gate, 8)
        gate.leave(200, budget(2))
        gate.leave(200, budget(9))
        tasks = await at_once(gate, 20)
        assert gate.in_flight == 6
        for _ in range(6):
            gate.leave(200, budget(5))
        await at_once(gate, 0)
        assert passed(tasks) == 2
        await cancel(tasks)

    on_virtual_time(body)


def test_a_higher_reading_of_a_later_request_is_a_new_window() -> None:
    """Once all older requests are answered, a higher reading is believed."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(5))
        await gate.enter()
        gate.leave(200, budget(99))
        tasks = await at_once(gate, 99)
        assert passed(tasks) == 99

    on_virtual_time(body)


def test_a_spent_budget_waits_for_the_end_of_its_window() -> None:
    """Reset tells the window's end: nobody passes before, one first after it."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(0) | {RESET: "30"})
        assert gate.snapshot().rate == pytest.approx(100 / 30)
        tasks = await at_once(gate, 5)
        await asyncio.sleep(29.9)
        assert passed(tasks) == 0
        await asyncio.sleep(0.2)
        assert passed(tasks) == 1
        gate.leave(200, budget(99))
        await at_once(gate, 0)
        assert passed(tasks) == 5

    on_virtual_time(body)


def test_a_spent_budget_without_an_end_is_probed() -> None:
    """Where no window is known, one request at a time finds out."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(0))
        tasks = await at_once(gate, 3)
        assert passed(tasks) == 1
        gate.leave(500, {})
        await at_once(gate, 0)
        assert passed(tasks) == 2
        gate.leave(200, budget(1))
        await at_once(gate, 0)
        assert passed(tasks) == 3

    on_virtual_time(body)


def test_a_hanging_request_does_not_hold_a_spent_budget() -> None:
    """After a second without news a probe goes out beside the one that hangs."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(1))
        tasks = await at_once(gate, 2)
        assert passed(tasks) == 1
        await asyncio.sleep(1.1)
        assert passed(tasks) == 2

    on_virtual_time(body)


def test_a_window_taken_for_too_long_is_shortened() -> None:
    """A probe that passes early shows that the window was over before."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(0) | {RESET: "5000"})
        assert await gate.enter() == pytest.approx(LONGEST_HOLD, abs=0.01)
        gate.leave(200, budget(0))
        rate = gate.snapshot().rate
        assert rate is not None
        assert rate >= 100 / (LONGEST_HOLD + 1)

    on_virtual_time(body)


def test_a_window_taken_for_too_short_is_learnt_again() -> None:
    """A probe refused at the supposed end shows that the window is longer."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(0) | {RESET: "2"})
        await gate.enter()
        gate.leave(429, budget(0) | {"Retry-After": "58"})
        assert gate.snapshot().rate == pytest.approx(100 / 60)

    on_virtual_time(body)


def test_a_429_with_headers_but_without_a_time_is_backed_off() -> None:
    """The budget is spent, and the hold is of our own making."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        await gate.enter()
        gate.leave(429, budget(0))
        assert 0.1 < await gate.enter() < 0.3

    on_virtual_time(body)


def test_a_long_quiet_time_does_not_spoil_the_measure() -> None:
    """The first rate is set by what passed lately, not since the gate was made."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        await asyncio.sleep(100_000)
        for _ in range(400):
            await gate.enter()
            await asyncio.sleep(0.1)
            gate.leave(200, {})
        await gate.enter()
        gate.leave(429, {"Retry-After": "1"})
        await gate.enter()
        gate.leave(200, {})
        rate = gate.snapshot().rate
        assert rate is not None
        assert 8 < rate < 11

    on_virtual_time(body)


async def quietly(gate: Gate, requests: int, every: float) -> None:
    """Send a request now and then."""
    for _ in range(requests):
        await ask(gate)
        await asyncio.sleep(every - 0.1)


def test_little_demand_is_not_taken_for_the_limit() -> None:
    """One 429 to a quiet client leaves room for the burst that comes after it."""

    async def body(gate: Gate) -> None:
        await quietly(gate, 10, 1)
        await ask(gate, 429, {"Retry-After": "1"})
        burst = [asyncio.create_task(ask(gate)) for _ in range(60)]
        async with asyncio.timeout(9):
            await asyncio.gather(*burst)

    on_virtual_time(body)


@pytest.mark.parametrize("requests", [0, 1, 60])
@pytest.mark.parametrize("after", ["1", "60"])
def test_one_429_does_not_throttle_a_quiet_client(requests: int, after: str) -> None:
    """What it sent a minute, or had not sent yet, says nothing of what it may."""

    async def body(gate: Gate) -> None:
        await quietly(gate, requests, 60)
        await ask(gate, 429, {"Retry-After": after})
        await ask(gate)
        rate = gate.snapshot().rate
        assert rate is not None
        assert rate >= 8

    on_virtual_time(body)


def test_a_pace_that_holds_nobody_is_forgotten() -> None:
    """After two minutes the gate opens again, and soon is as free as ever."""

    async def body(gate: Gate) -> None:
        await ask(gate, 429)
        await ask(gate)
        await quietly(gate, 11, 10)
        assert gate.snapshot().rate is not None
        await asyncio.sleep(20)
        tasks = await at_once(gate, 100)
        assert gate.snapshot().rate is None
        assert 0 < passed(tasks) < 20
        await asyncio.sleep(1.1)
        assert passed(tasks) == 100

    on_virtual_time(body)


def test_a_pace_that_holds_somebody_is_kept(seed: int) -> None:
    """A long import under a limit does not rush in between."""
    outcome = import_rows(TokenBucket(10, 20, told=False), 4000, 50, seed)
    print(outcome)
    assert outcome.refused_share <= 0.02


def test_a_limit_that_was_raised_is_found() -> None:
    """A pace that was right once does not stay for ever: minutes later it is left."""
    server = TokenBucket(1, 2, told=False)

    async def body(gate: Gate) -> None:
        loop = asyncio.get_running_loop()
        last: list[int] = []

        async def work() -> None:
            while loop.time() < 500:
                await gate.enter()
                server.rate = 10 if loop.time() > 100 else 1
                status, headers = server.hit(loop.time())
                await asyncio.sleep(0.1)
                gate.leave(status, headers, 0.1)
                if loop.time() > 490:
                    last.append(status)

        await asyncio.gather(*(work() for _ in range(20)))
        assert last.count(200) >= 75

    on_virtual_time(body)


def test_a_429_under_a_told_rate_slows_little() -> None:
    """It is held, then goes on near the rate that is known, and soon at it."""

    async def body(gate: Gate) -> None:
        await quietly(gate, 10, 1)
        await ask(gate, 429)
        await ask(gate)
        rate = gate.snapshot().rate
        assert rate is not None
        assert 35 <= rate < 50
        await asyncio.gather(*(ask(gate) for _ in range(1000)))
        assert gate.snapshot().rate == 50
        rested = asyncio.get_running_loop().time() + 1.1
        await asyncio.sleep(1.1)
        tasks = await at_once(gate, 50)
        assert passed(tasks) == 50
        assert asyncio.get_running_loop().time() == pytest.approx(rested)

    on_virtual_time(body, Rate(50, 1))


def test_a_told_rate_bounds_any_interval() -> None:
    """No *per* seconds see more than *limit* requests, in whatever way they come."""

    async def body(gate: Gate) -> None:
        loop, rng, arrived = asyncio.get_running_loop(), random.Random(3), list[float]()

        async def call(begin: float) -> None:
            await asyncio.sleep(begin)
            await gate.enter()
            await asyncio.sleep(rng.uniform(0, 2))
            arrived.append(loop.time())
            await asyncio.sleep(rng.uniform(0, 2))
            gate.leave(rng.choice([200, 500, None]), {})

        await asyncio.gather(*(call(rng.uniform(0, 30)) for _ in range(200)))
        arrived.sort()
        assert all(b - a >= 10 for a, b in zip(arrived, arrived[7:], strict=False))

    on_virtual_time(body, Rate(7, 10))


def test_waiters_pass_in_the_order_they_came() -> None:
    """First come, first served."""

    async def body(gate: Gate) -> None:
        order: list[int] = []

        async def call(number: int) -> None:
            await gate.enter()
            order.append(number)
            await asyncio.sleep(0.01)
            gate.leave(200, {})

        await asyncio.gather(*map(call, range(50)))
        assert order == list(range(50))

    on_virtual_time(body, Rate(3, 1))


STATES: dict[str, tuple[Rate | None, int, Headers]] = {
    "told": (Rate(2, 1), 200, {}),
    "budget": (None, 200, budget(1)),
    "paced": (None, 429, {}),
    "held": (Rate(3, 1), 429, budget(0) | {"Retry-After": "2"}),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("victim", range(5))
def test_cancelling_never_leaks_a_permit(state: str, victim: int) -> None:
    """Whoever is cancelled, whenever: all others pass in order, and none leaks."""
    rate, status, headers = STATES[state]

    async def body(gate: Gate, delay: float, steps: int) -> None:
        order: list[int] = []

        async def call(number: int) -> None:
            await gate.enter()
            try:
                order.append(number)
                await asyncio.sleep(0.05)
            finally:
                gate.leave(200, headers if status == 200 else {})

        await gate.enter()
        gate.leave(status, headers)
        tasks = [asyncio.create_task(call(number)) for number in range(5)]
        await asyncio.sleep(delay)
        for _ in range(steps):
            await asyncio.sleep(0)
        tasks[victim].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [number for number in order if number != victim] == [
            number for number in range(5) if number != victim
        ]
        assert (gate.in_flight, gate.waiting) == (0, 0)
        assert await gate.enter() <= 10

    for delay in (0.0, 0.05, 0.1, 1.0, 1.05, 2.0, 2.05):
        for steps in range(6):
            on_virtual_time(partial(body, delay=delay, steps=steps), rate)


async def test_a_paced_turn_just_granted_is_passed_on() -> None:
    """A turn granted to a task that is cancelled before it runs goes to the next."""
    now = 0.0
    gate = Gate(clock=lambda: now)
    for status in (429, 200, 200):
        now += 10
        await gate.enter()
        gate.leave(status, {})
    now += 10
    await gate.enter()
    first, second = await at_once(gate, 2)
    assert gate.waiting == 1 + (not first.done())
    waiting = [task for task in (first, second) if not task.done()]
    third, *_ = await at_once(gate, 1)
    now += 10
    gate.leave(200, {})
    waiting[0].cancel()
    await third
    assert waiting[0].cancelled()
    assert gate.in_flight == 2


# --- several loops and threads ---


def test_a_turn_granted_between_two_steps_is_returned() -> None:
    """The answer that frees a turn and the cancelling may fall in the same step."""

    async def body(gate: Gate) -> None:
        await gate.enter()
        gate.leave(200, budget(1))
        await gate.enter()
        first, second = await at_once(gate, 2)
        gate.leave(200, budget(1))
        first.cancel()
        await second
        assert first.cancelled()
        assert (gate.in_flight, gate.waiting) == (1, 0)

    on_virtual_time(body)


def test_loops_in_different_threads_share_a_gate() -> None:
    """The limit holds for all threads together, and everyone gets through."""
    gate, entered, lock = Gate(Rate(10, 0.1)), list[float](), threading.Lock()

    async def work() -> None:
        for _ in range(10):
            await gate.enter()
            with lock:
                entered.append(time.monotonic())
            await asyncio.sleep(0.001)
            gate.leave(200, {})

    async def main() -> None:
        await asyncio.gather(work(), work())

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    entered.sort()
    assert len(entered) == 60
    assert (gate.in_flight, gate.waiting) == (0, 0)
    assert all(b - a >= 0.09 for a, b in zip(entered, entered[10:], strict=False))


@pytest.mark.parametrize("rate", [Rate(1, 0.05), None], ids=["told", "budget"])
async def test_an_answer_wakes_a_waiter_on_another_loop(rate: Rate | None) -> None:
    """Turns and timers reach a waiter through its own loop."""
    gate = Gate(rate)
    await gate.enter()
    gate.leave(200, budget(1))
    await gate.enter()
    waiting = asyncio.create_task(asyncio.to_thread(asyncio.run, gate.enter()))
    for _ in range(5000):
        await asyncio.sleep(0.001)
        if gate.waiting:
            break
    threading.Thread(target=gate.leave, args=(200, budget(1))).start()
    waited = await asyncio.wait_for(waiting, 5)
    assert 0 < waited < 5
    assert (gate.in_flight, gate.waiting) == (1, 0)


def test_a_turn_that_another_thread_grants_is_in_line_or_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever was woken by a turn may look at once: it is counted by then."""
    gate, seen = Gate(), list[int]()
    grant = _Waiter.grant

    def look() -> None:
        seen.append(gate.in_flight + gate.waiting)

    def granted(waiter: _Waiter) -> None:
        grant(waiter)
        looking.start()
        looking.join(0.1)  # as long as it takes to see half of a turn

    looking = threading.Thread(target=look)
    monkeypatch.setattr(_Waiter, "grant", granted)

    async def body() -> None:
        await gate.enter()
        gate.leave(200, budget(1))
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.leave(200, budget(1))
        await waiting

    asyncio.run(body())
    looking.join(5)
    assert seen == [1]


def abandon(gate: Gate) -> asyncio.Task[float]:
    """Leave a waiter in line on a loop that is closed under it."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(gate.enter())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    return task


def test_a_waiter_whose_loop_is_closed_blocks_nobody() -> None:
    """The turn of a waiter that can no longer take it goes to the next."""
    gate = Gate(Rate(1, 0.05))

    async def once() -> None:
        await gate.enter()
        gate.leave(200, {})

    asyncio.run(once())
    lost = abandon(gate)
    assert gate.waiting == 1
    asyncio.run(asyncio.wait_for(once(), 5))
    assert (gate.in_flight, gate.waiting) == (0, 0)
    del lost
    gc.collect()
    assert (gate.in_flight, gate.waiting) == (0, 0)


# --- sharing ---


def test_a_key_has_one_gate_at_an_origin() -> None:
    """Clients with the same key and origin share; others do not."""
    one = shared_gate("digest", "https://api.example.com")
    assert shared_gate("digest", "https://api.example.com") is one
    assert shared_gate("digest", "https://other.example.com") is not one
    assert shared_gate("another", "https://api.example.com") is not one


def test_an_unused_gate_is_forgotten() -> None:
    """The registry keeps no gate alive."""
    shared_gate("short-lived", "https://api.example.com", Rate(1, 1))
    gc.collect()
    assert shared_gate("short-lived", "https://api.example.com").snapshot().rate is None


async def test_a_rate_told_later_counts_for_all() -> None:
    """The first rate told holds for a gate that is shared already."""
    gate = shared_gate("told later", "https://api.example.com")
    await gate.enter()
    shared_gate("told later", "https://api.example.com", Rate(2, 60))
    shared_gate("told later", "https://api.example.com", Rate(500, 60))
    assert gate.snapshot().rate == pytest.approx(2 / 60)
    gate.leave(200, {})
    await gate.enter()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gate.enter(), 0.05)
    assert gate.in_flight == 1


def test_tasks_sharing_a_gate_are_held_together(seed: int) -> None:
    """One 429 holds every task of the gate, not only the one that was refused."""
    server = FixedWindow(10, 60, told=True)
    outcome = import_rows(server, 30, 30, seed)
    assert outcome.refused <= 3


# --- headers ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("17", 17.0, id="seconds"),
        pytest.param(" 2.5 ", 2.5, id="fraction"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("3600", 3600.0, id="long"),
        pytest.param("9" * 20, 366 * 86400.0, id="absurd"),
        pytest.param("9" * 5000, None, id="5000-digits"),
        pytest.param("inf", None, id="inf"),
        pytest.param("nan", None, id="nan"),
        pytest.param("1e3", None, id="exponent"),
        pytest.param("-5", None, id="negative"),
        pytest.param("٣", None, id="other-digits"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="word"),
        pytest.param("Wed, 04 Mar 2026 09:31:05 GMT", 65.0, id="date"),
        pytest.param("Wed, 04 Mar 2020 09:31:05 GMT", 0.0, id="past-date"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 366 * 86400.0, id="far-date"),
        pytest.param("Mon, 01 Jan 0001 00:00:00 +2359", 0.0, id="before-time"),
        pytest.param("Wed, 99 Mar 2026 99:99:99 GMT", None, id="broken-date"),
        pytest.param("Wed, 04 Mar 2026 09:31:05 GMT" + " " * 99, None, id="long-date"),
    ],
)
def test_retry_after_is_read_or_ignored(text: str, seconds: float | None) -> None:
    """Seconds and dates are read, absurd ones capped, anything else ignored."""
    now = 1_772_616_600.0  # 2026-03-04 09:30:00 UTC
    assert retry_after({"Retry-After": text}, now) == seconds


def test_a_date_counts_from_the_answers_own_date() -> None:
    """The server's clock is compared with itself, never with ours."""
    headers = {
        "Retry-After": "Wed, 04 Mar 2026 09:31:05 GMT",
        "Date": "Wed, 04 Mar 2026 09:30:25 GMT",
    }
    assert retry_after(headers, now=0.0) == 40.0
    assert retry_after(CIMultiDictProxy(CIMultiDict(headers)), now=1e12) == 40.0
    assert retry_after({}, now=0.0) is None


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["inf", "-inf", "nan", "-5", "0", "1", "60", "1e400", "9" * 5000, "9" * 40]
    ),
    st.integers(-10, 10**12).map(str),
    st.floats().map(str),
    st.sampled_from(["Fri, 31 Dec 9999 23:59:59 GMT", "Wed, 04 Mar 2026 09:31:05 GMT"]),
)
NAMES = st.sampled_from(
    ["X-RateLimit-Limit", REMAINING, RESET, "Retry-After", "Date"],
)
HEADERS = st.dictionaries(NAMES, HOSTILE)


@given(headers=HEADERS, now=st.floats(0, 1e10))
def test_retry_after_never_raises(headers: Mapping[str, str], now: float) -> None:
    """Whatever a server sends: None, or seconds from 0 to 366 days."""
    seconds = retry_after(headers, now)
    assert seconds is None or 0 <= seconds <= 366 * 86400


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    answers=st.lists(
        st.tuples(st.sampled_from([200, 429, 500, None]), HEADERS), max_size=12
    ),
    told=st.sampled_from([None, Rate(5, 1)]),
)
def test_no_header_blocks_the_gate(
    answers: list[tuple[int | None, Headers]], told: Rate | None
) -> None:
    """Whatever a server sends, the next turn comes within three minutes."""

    async def body(gate: Gate) -> None:
        for status, headers in answers:
            assert 0 <= await gate.enter() <= 180
            gate.leave(status, headers)
        assert 0 <= await gate.enter() <= 180
        gate.snapshot()
        assert gate.in_flight == 1

    on_virtual_time(body, told)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({REMAINING: "inf"}, id="inf"),
        pytest.param({REMAINING: "nan"}, id="nan"),
        pytest.param({REMAINING: "-5"}, id="negative"),
        pytest.param({REMAINING: "9" * 5000}, id="5000-digits"),
        pytest.param({REMAINING: "none"}, id="word"),
        pytest.param(budget(101), id="more-than-the-limit"),
    ],
)
def test_a_reading_that_makes_no_sense_is_ignored(headers: Headers) -> None:
    """Nonsense leaves the gate as open as it was."""

    async def body(gate: Gate) -> None:
        await opened(gate)
        await gate.enter()
        gate.leave(200, headers)
        assert passed(await at_once(gate, 200)) == 200

    on_virtual_time(body)


# --- rates ---


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1000/min", Rate(1000, 60)),
        ("50/s", Rate(50, 1)),
        ("120/60s", Rate(120, 60)),
        ("10000/hour", Rate(10_000, 3600)),
        (" 5 / 2.5 Seconds ", Rate(5, 2.5)),
        ("7/.5m", Rate(7, 30)),
        ("3/2days", Rate(3, 172_800)),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    """Requests, a slash, and a time with a unit."""
    assert Rate.parse(text) == rate
    assert rate.per_second == rate.limit / rate.per


@pytest.mark.parametrize(
    "text",
    [
        *["", "50", "50/", "/s", "0/s", "5/0s", "-5/s", "5/s/s", "5/week", "inf/s"],
        *["٣/s", "1" * 5000 + "/s", "5 per s", "1.5/s"],
    ],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    """The error shows what was given and what to write."""
    with pytest.raises(ValueError, match="is not a rate: write requests/time"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("limit", "per"), [(0, 1.0), (-1, 1.0), (1, 0.0), (1, math.inf), (1, math.nan)]
)
def test_a_rate_that_cannot_be_kept_is_refused(limit: int, per: float) -> None:
    """A rate is at least one request in some time."""
    with pytest.raises(ValueError, match="at least one request"):
        Rate(limit, per)


def test_a_forked_child_begins_anew() -> None:
    """What is in flight in the parent is none of the child's, nor is a held lock."""
    program = """
import asyncio, os
from partnero_async import pacing

async def main():
    gate = pacing.shared_gate("key", "origin", pacing.Rate(1, 60))
    await gate.enter()
    pacing._gates.lock.acquire()
    child = os.fork()
    if child == 0:
        other = pacing.shared_gate("key", "origin")
        os._exit(0 if other is not gate and other.in_flight == 0 else 1)
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
    assert done.returncode == 0
