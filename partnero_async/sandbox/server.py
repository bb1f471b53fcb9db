"""The server: who may call, what is counted, and how calls become answers."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

import attrs
from aiohttp import web

from .admission import DESCRIPTION, Limits, admit, admit_origin
from .assumptions import Assumptions
from .calls import Call, Program, ProgramType, ReferralReward
from .checks import Refusal
from .deliveries import Deliveries
from .description import describe
from .destinations import Reach
from .exchange import (
    PREFIX,
    UNEXPECTED,
    Latency,
    Turned,
    decode,
    fail,
    parts,
    perform,
    pick,
    refused,
    response,
    wait,
)
from .faults import Fault, Faults
from .limits import RateLimit
from .programs import (
    Access,
    ProgramSpec,
    ServedProgram,
    make_key,
    open_programs,
    specs_of,
)
from .routes import BATCHES, main_forms, methods
from .routing import Route
from .state import Effect, digest
from .threads import running

logger: logging.Logger = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_PORTS = range(65536)
_CLOSING_SECONDS = 2.0


class Sandbox:
    """Serve the Partnero API on this machine, for one program or several.

    *programs* are the types of the programs, or `ProgramSpec`s for more about them;
    each has its own key and shares nothing with the others. *api_key* is the key of the
    first one. *db* is a file that survives restarts, memory when left out; further
    programs have files of their own beside it, `shop-2.db` with `shop.db`. *port* 0
    takes a free one. *commission* is the share of a sale that its partner earns, 0.10
    for ten per cent, never rounded; *referral_reward* is what a referring customer
    gets, the same share when left out. *latency* and *answer_latency* are seconds
    before the effect of a call and between its effect and its answer, or functions that
    return them; like *rate_limit*, which counts for each key, they are attributes that
    can be set while it runs. *clock* gives Unix seconds, for timestamps, rate limits
    and confirmation codes. *assumptions* are the readings of what nobody knows about
    the API; the two parameters before it are the most wanted ones. *deliver_to* is
    where webhooks are delivered: to this machine alone, or to public addresses too.

    Use it with `async with` in any running loop, or `with Sandbox().in_thread()`.
    """

    def __init__(
        self,
        *,
        programs: Sequence[str | ProgramSpec] = ("affiliate",),
        db: Path | str | None = None,
        port: int = 0,
        api_key: str | None = None,
        commission: Decimal = Decimal("0.10"),
        referral_reward: ReferralReward | None = None,
        currency: str = "USD",
        website: str = "https://shop.example",
        rate_limit: RateLimit | None = None,
        latency: Latency = 0.0,
        answer_latency: Latency = 0.0,
        unique_transaction_keys: bool | None = None,
        unknown_customer: Literal["record", "refuse"] | None = None,
        assumptions: Assumptions | None = None,
        deliver_to: Reach = "loopback",
        clock: Callable[[], float] = time.time,
    ) -> None:
        for seconds in (latency, answer_latency):
            if not callable(seconds) and not 0 <= seconds < math.inf:
                raise ValueError(f"a latency is a number of seconds, not {seconds}")
        if port not in _PORTS:
            raise ValueError(f"not a port, from 0 to 65535: {port}")
        self.rate_limit = rate_limit
        self.latency = latency
        self.answer_latency = answer_latency
        self._db = db
        self._port = port
        self._specs = specs_of(programs, api_key=api_key)
        self._commission = commission
        self._referral_reward = referral_reward or ReferralReward(share=commission)
        self._currency = currency.upper()
        self._website = website
        if not (commission.is_finite() and 0 <= commission <= 1):
            raise ValueError("a commission is a share from 0 to 1")
        general = assumptions or Assumptions()
        self._assumptions = attrs.evolve(
            general,
            unique_transaction_keys=(
                general.unique_transaction_keys
                if unique_transaction_keys is None
                else unique_transaction_keys
            ),
            unknown_customer=unknown_customer or general.unknown_customer,
        )
        self._deliver_to: Reach = deliver_to
        self._clock = clock
        self._faults = Faults()
        self._total = 0
        self._by_route: Counter[str] = Counter()
        self._running: _Running | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Open the memory and listen on 127.0.0.1."""
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        with ExitStack() as stack:
            programs, keys = open_programs(
                self._specs, stack, db=self._db, start=self._start_of
            )
            runner = web.ServerRunner(
                web.Server(self._handle, access_log=None),
                shutdown_timeout=_CLOSING_SECONDS,
            )
            await runner.setup()
            try:
                await web.TCPSite(runner, _HOST, self._port).start()
            except BaseException:
                await runner.cleanup()
                raise
            self._running = _Running(
                programs=programs,
                keys=keys,
                runner=runner,
                origin=f"http://{_HOST}:{runner.addresses[0][1]}",
                memory=stack.pop_all(),
            )
            for program in programs:
                program.deliveries.start()

    def _start_of(self, kind: ProgramType) -> Program:
        """Say what a program is where its memory says nothing else."""
        return Program(
            id="",
            type=kind,
            created_at="",
            currency=self._currency,
            commission=self._commission,
            website=self._website,
            assumptions=self._assumptions,
            clock=self._clock,
            referral_reward=self._referral_reward,
            deliver_to=self._deliver_to,
        )

    async def close(self) -> None:
        """Let calls end, stop listening, close the memory; a second time is nothing.

        Deliveries end at once. With a file they go on after the next start.
        """
        up = self._running
        if up is None:
            return
        # Calls under way still need the memory while the runner waits for them.
        await up.runner.cleanup()
        for program in up.programs:
            await program.deliveries.close()
        self._running = None
        up.memory.close()

    @contextmanager
    def in_thread(self) -> Generator[Self]:
        """Run in a thread with a loop of its own, for callers without one."""
        with running(self.start, self.close, name="partnero-sandbox"):
            yield self

    @property
    def url(self) -> str:
        """The base URL, like `http://127.0.0.1:8089/v1`."""
        return self._up.origin + PREFIX

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rule that counts the requests of each key for itself."""
        return self._limits.rule

    @rate_limit.setter
    def rate_limit(self, rule: RateLimit | None) -> None:
        self._limits = Limits(rule)

    @property
    def programs(self) -> tuple[ServedProgram, ...]:
        """The programs, in the order in which they were asked for."""
        return tuple(self._up.programs)

    @property
    def api_key(self) -> str:
        """The key of the first program, which callers send as the Bearer token."""
        return self._up.programs[0].api_key

    @property
    def program_id(self) -> str:
        """The id that `account.test` answers as `program.pub_id` to that key."""
        return self._up.programs[0].id

    def make_key(
        self, program: ServedProgram | None = None, *, deny: Collection[str] = ()
    ) -> str:
        """Make a further key for *program*, the first one when left out.

        *deny* names resources (`webhooks`) or operations (`payouts.create`) that the
        API refuses to this key with 403. The key works after a restart as well.
        """
        key, access = make_key(program or self._up.programs[0], deny=deny)
        self._up.keys[digest(key)] = access
        return key

    @property
    def requests(self) -> int:
        """How many requests were received, refused ones included."""
        return self._total

    @property
    def requests_by_route(self) -> Mapping[str, int]:
        """How many requests each route received, by `METHOD /path/{template}`.

        The template is the one that matched, alternates included; requests that match
        none are only in `requests`.
        """
        return MappingProxyType(self._by_route)

    @property
    def ledger(self) -> tuple[Effect, ...]:
        """Every effect on the first program; nothing is ever removed from it."""
        return self._up.programs[0].ledger

    @property
    def deliveries(self) -> Deliveries:
        """What is sent to the webhooks of the first program."""
        return self._up.programs[0].deliveries

    async def delivered(self) -> None:
        """Wait until nothing is left to send now, in all programs.

        What failed, and waits for a later attempt, is not waited for.
        """
        for program in self._up.programs:
            await program.deliveries.settled()

    def wait_until_delivered(self, timeout: float = 30.0) -> None:
        """Do what `delivered` does, from another thread than the sandbox runs in.

        Raises TimeoutError after that many seconds for each program.
        """
        for program in self._up.programs:
            program.deliveries.wait_until_settled(timeout)

    @staticmethod
    def routes() -> dict[str, str]:
        """Map each operation served to its main form, as `METHOD /path/{template}`."""
        return main_forms()

    def fail_next(
        self,
        operation: str,
        *,
        when: Literal["before", "after"] = "before",
        how: int | Literal["disconnect"] = 503,
        times: int = 1,
    ) -> None:
        """Let the next calls of *operation* fail, before or after their effect.

        *how* is a status, or a connection that is dropped without an answer.
        """
        if operation not in main_forms():
            raise ValueError(f"no operation is called {operation!r}")
        if when not in ("before", "after"):
            raise ValueError(f"when={when!r}: give 'before' or 'after'")
        if how != "disconnect" and how not in range(100, 600):
            raise ValueError(f"how={how!r}: give a status, or 'disconnect'")
        self._faults.add(operation, Fault(when, how), times=times)

    @property
    def _up(self) -> "_Running":
        if self._running is None:
            raise RuntimeError(
                "the sandbox is not running: it runs inside its `with` or `async with`"
                " block only"
            )
        return self._running

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._total += 1
        path = request.raw_path.partition("?")[0]
        access = self._access(request)
        served = methods((access or self._first).program.type, parts(path))
        if request.method in served:
            self._by_route[f"{request.method} {served[request.method][1]}"] += 1
        headers: dict[str, str] = {}
        try:
            admit_origin(request)
            if path == DESCRIPTION:
                return response(200, self._described(access), headers)
            access = admit(path, access)
            headers = self._limits.count(access, now=self._clock)
            return await self._call(request, path, access, served, headers)
        except Turned as turned:
            return response(
                turned.status,
                {"message": turned.message},
                {**headers, **turned.headers},
            )
        except web.HTTPRequestEntityTooLarge:
            return response(413, {"message": "At most 1 MiB is accepted."}, headers)
        except Refusal as refusal:
            return refused(refusal, self._assumptions.error_body, headers)
        except (ConnectionError, web.RequestPayloadError):
            return response(400, {"message": "The body broke off."}, headers)
        except Exception:
            logger.exception("%s %s failed", request.method, path)
            return response(500, UNEXPECTED, headers)

    @property
    def _first(self) -> Access:
        return next(iter(self._up.keys.values()))

    def _described(self, access: Access | None) -> dict[str, Any]:
        """Describe what the key of a request can call; without one, the first key."""
        return describe((access or self._first).program.type, server=self.url)

    def _access(self, request: web.BaseRequest) -> Access | None:
        """Find what the key of a request opens; the key of a deleted program: nothing.

        Looked up by its digest, so that no comparison tells how much of it is right.
        """
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        access = self._up.keys.get(digest(key.strip()))
        if access is None or scheme.lower() != "bearer":
            return None
        return None if access.program.program.deleted else access

    async def _call(
        self,
        request: web.BaseRequest,
        path: str,
        access: Access,
        served: Mapping[str, tuple[Route, str]],
        headers: dict[str, str],
    ) -> web.StreamResponse:
        route = pick(request.method, served)
        access.rights.check(route.operation)
        body = decode(await request.read())
        if route.operation == "transactions.create" and "transactions" in body:
            route = BATCHES[access.program.type]
        fault = self._faults.take(route.operation)
        await wait(self.latency)
        if fault is not None and fault.when == "before":
            return fail(request, fault, headers)
        call = self._taken_apart(request, path, access.program, body)
        answer = perform(route, call)
        access.program.deliveries.notice()
        await wait(self.answer_latency)
        if fault is not None:
            return fail(request, fault, headers)
        return response(answer.status, answer.body, headers)

    def _taken_apart(
        self,
        request: web.BaseRequest,
        path: str,
        served: ServedProgram,
        body: dict[str, Any],
    ) -> Call:
        segments = parts(path)
        return Call(
            state=served.state,
            program=served.program,
            target=segments[1] if len(segments) > 1 else None,
            query=request.query,
            body=body,
            url=self._up.origin + path,
        )


@attrs.frozen(kw_only=True)
class _Running:
    """What exists between start and close."""

    programs: list[ServedProgram]
    keys: dict[str, Access]
    runner: web.ServerRunner
    origin: str
    memory: ExitStack
