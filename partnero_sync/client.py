"""The client: settings, resources, lifetime."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, TypeVar, cast

from partnero_async import Partnero as AsyncPartnero
from partnero_async import Rate
from partnero_async._settings import Masked, OnAmbiguous, OnAttempt

from ._portal import OnFork, OnRunningLoop, Portal
from ._trip import posted

if TYPE_CHECKING:
    from pathlib import Path

    from partnero_async._line import Stats
    from partnero_async.bulk import Given, Reconciliation, Source
    from partnero_async.drift import Drift
    from partnero_async.pacing import GateState
    from partnero_async.telemetry import Telemetry

    from .resources.account import AccountResource
    from .resources.coupons import CouponsResource
    from .resources.customer_links import CustomerLinksResource
    from .resources.customers import CustomersResource
    from .resources.leads import LeadsResource
    from .resources.partner_links import PartnerLinksResource
    from .resources.partners import PartnersResource
    from .resources.payouts import PayoutsResource
    from .resources.program import ProgramResource
    from .resources.promotion_codes import PromotionCodesResource
    from .resources.referrals import ReferralsResource
    from .resources.rewards import RewardsResource
    from .resources.settings import SettingsResource
    from .resources.subscribers import SubscribersResource
    from .resources.transactions import TransactionsResource
    from .resources.webhooks import WebhooksResource


H = TypeVar("H")


class Partnero:
    """A client of the Partnero REST API, for one program, without ``await``.

    ::

        with Partnero() as client:
            for partner in client.partners.list():
                print(partner.email)

    *api_key* falls back to ``PARTNERO_API_KEY``; one key belongs to one program.
    *base_url* falls back to ``PARTNERO_BASE_URL`` and then to the API's own address;
    ``http://`` is for this machine only. *timeout* is in seconds and covers a whole
    call: waiting for a connection and for the rate limit, all attempts, the time
    between them, and looking up what became of a write.

    *max_connections* is how many requests may be under way at once. *rate_limit* is
    what the program is allowed, such as ``"120/min"``; it is learnt from the API's
    answers where it is left out. *tls* is for a certificate authority of your own.

    *on_ambiguous* says what to do about a sale whose answer was lost and that is not
    found: ``"raise"`` an `AmbiguousWriteError`, or ``"resend_after_settle"``, which
    may record it twice. A function given in place of these is called with each such
    error, of any write, before it is raised, and with that of a write that was
    cancelled while under way, which is raised where it was `close` that cancelled it.
    *settle* is the time in seconds before a sale is looked up, and twice that again
    before the second look.

    *on_attempt* is called with each `Attempt`, whatever came of it. Both functions are
    called at the end of the call, in the caller's thread; what they raise is
    logged. *telemetry* makes spans: see `partnero_async.telemetry`. *strict* makes an
    error of an answer that is not as it was published: see `drift`.

    *on_running_loop* says what to do about a call inside a running event loop, which
    it blocks: ``"warn"`` once, or ``"raise"`` a `UsageError`. In such code
    `partnero_async` is the better choice.

    One client serves any number of threads. Its calls run in a thread of its own,
    started by the first of them, or by ``with``. A client that nobody closes is closed
    when the program ends.

    *on_fork* says what to do in a forked child about a client that its parent has used:
    ``"raise"`` a `UsageError`, or ``"renew"`` its thread and its connections there, for
    servers that load a program and then fork, such as gunicorn and Celery.

    Raises `UsageError` for settings that cannot work, before anything is sent.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 60.0,
        max_connections: int = 100,
        rate_limit: str | Rate | None = None,
        on_ambiguous: OnAmbiguous = "raise",
        on_attempt: OnAttempt | None = None,
        settle: float = 1.0,
        strict: bool = False,
        tls: ssl.SSLContext | None = None,
        telemetry: Telemetry | None = None,
        on_running_loop: OnRunningLoop = "warn",
        on_fork: OnFork = "raise",
    ) -> None:
        api_key = Masked.maybe(api_key)
        self._async = AsyncPartnero(
            api_key,
            base_url=base_url,
            timeout=timeout,
            max_connections=max_connections,
            rate_limit=rate_limit,
            on_ambiguous=_posted(on_ambiguous),
            on_attempt=_posted(on_attempt),
            settle=settle,
            strict=strict,
            tls=tls,
            telemetry=telemetry,
        )
        self._portal = Portal(
            self._async.aclose,
            on_running_loop=on_running_loop,
            on_fork=on_fork,
            renew=self._renew,
        )

    def __repr__(self) -> str:
        """Show where it sends to, and not the key."""
        return repr(vars(self).get("_async", "<Partnero client of nowhere>"))

    def __reduce__(self) -> NoReturn:
        """Refuse: connections, keys and threads do not travel."""
        raise TypeError(
            "a client cannot be pickled or copied: make one where you need it"
        )

    # --- lifetime ------------------------------------------------------------

    def __enter__(self) -> Self:
        """Start the thread; connections are made when they are needed."""
        self._portal.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections, and end the thread."""
        self.close()

    def close(self) -> None:
        """Close the connections, and end the thread.

        Calls after this raise `ClientClosedError`, and so do calls of other threads
        that are under way: they are cancelled. Of these, a write that may have been
        applied raises `AmbiguousWriteError`, and an import `NoAnswerError`.
        """
        self._portal.close()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        on_ambiguous: OnAmbiguous | None = None,
        on_attempt: OnAttempt | None = None,
        settle: float | None = None,
        strict: bool | None = None,
    ) -> Self:
        """Return a view of this client with other settings; it costs next to nothing.

        ::

            partner = client.with_options(timeout=2.0).partners.get("p1")

        What is left out is as on this client. Thread, connections, rate limit and
        `stats` are shared: closing the one closes the other. Raises `UsageError` as the
        client does.
        """
        with self._lock:
            wrapped = self._async.with_options(
                timeout=timeout,
                on_ambiguous=_posted(on_ambiguous),
                on_attempt=_posted(on_attempt),
                settle=settle,
                strict=strict,
            )
        view = type(self).__new__(type(self))
        vars(view).update(_async=wrapped, _portal=self._portal)
        return view

    @property
    def stats(self) -> Stats:
        """How many requests were sent so far, and how many the rate limit refused."""
        with self._lock:
            return self._async.stats

    @property
    def pace(self) -> GateState:
        """What the rate limit allows as far as known, and how many wait for it."""
        with self._lock:
            return self._async.pace

    @property
    def drift(self) -> Drift:
        """What the API has sent that this version does not know."""
        with self._lock:
            return self._async.drift

    def request(
        self,
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        route: str,
        *,
        parts: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        repeatable: bool | None = None,
    ) -> dict[str, Any]:
        """Send a request that this version has no method for; return plain data.

        *route* is a template below the base URL, ``/partners/{id}/notes``, and *parts*
        are its values, which are percent-encoded. The answer is the JSON object that
        came, whole, with decimals exact.

        A GET is repeated when its answer is lost. Anything else is not, unless it is
        *repeatable*, that is, unless a second one changes nothing. Rate limit, deadline
        and errors are those of every call.
        """
        return self._portal.run(
            self._async.request(
                method,
                route,
                parts=parts,
                query=query,
                json=json,
                repeatable=repeatable,
            )
        )

    def reconcile(
        self, rows: Source | Path | str | Given, *, surplus: bool = False
    ) -> Reconciliation:
        """Compare a file of sales with what the program holds, and change nothing.

        ::

            with client.reconcile("sales.csv") as found:
                for difference in found.differences():
                    print(difference.key, difference.kind, difference.next)

        With *surplus*, sales are differences too that the file does not have. This is
        `partnero_sync.bulk.reconcile`, and raises what it raises.
        """
        from .bulk import reconcile  # noqa: PLC0415

        return reconcile(self, rows, surplus=surplus)

    def _renew(self) -> object:
        return self._async._transport.line.renew()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    @property
    def _lock(self) -> threading.RLock:
        # Two threads at a cached property may both compute it (Python 3.12 and later),
        # and the calls of one client must not go through two transports.
        return self._portal.lock

    # --- resources -----------------------------------------------------------

    @cached_property
    def account(self) -> AccountResource:
        """The API key itself."""
        from .resources.account import AccountResource  # noqa: PLC0415

        with self._lock:
            return AccountResource(self._async.account, self._portal)

    @cached_property
    def coupons(self) -> CouponsResource:
        """Coupons: discounts that customers get by a code."""
        from .resources.coupons import CouponsResource  # noqa: PLC0415

        with self._lock:
            return CouponsResource(self._async.coupons, self._portal)

    @cached_property
    def customer_links(self) -> CustomerLinksResource:
        """Referral links of the customers of a refer-a-friend program."""
        from .resources.customer_links import CustomerLinksResource  # noqa: PLC0415

        with self._lock:
            return CustomerLinksResource(self._async.customer_links, self._portal)

    @cached_property
    def customers(self) -> CustomersResource:
        """Customers: those whom a partner brought."""
        from .resources.customers import CustomersResource  # noqa: PLC0415

        with self._lock:
            return CustomersResource(self._async.customers, self._portal)

    @cached_property
    def leads(self) -> LeadsResource:
        """Leads: prospects whom partners submit, before they are customers."""
        from .resources.leads import LeadsResource  # noqa: PLC0415

        with self._lock:
            return LeadsResource(self._async.leads, self._portal)

    @cached_property
    def partner_links(self) -> PartnerLinksResource:
        """Referral links of partners."""
        from .resources.partner_links import PartnerLinksResource  # noqa: PLC0415

        with self._lock:
            return PartnerLinksResource(self._async.partner_links, self._portal)

    @cached_property
    def partners(self) -> PartnersResource:
        """Partners: those who bring customers, and earn on their sales."""
        from .resources.partners import PartnersResource  # noqa: PLC0415

        with self._lock:
            return PartnersResource(self._async.partners, self._portal)

    @cached_property
    def payouts(self) -> PayoutsResource:
        """Payout requests: what partners are owed, on its way to them."""
        from .resources.payouts import PayoutsResource  # noqa: PLC0415

        with self._lock:
            return PayoutsResource(self._async.payouts, self._portal)

    @cached_property
    def program(self) -> ProgramResource:
        """The program that the API key belongs to."""
        from .resources.program import ProgramResource  # noqa: PLC0415

        with self._lock:
            return ProgramResource(self._async.program, self._portal)

    @cached_property
    def promotion_codes(self) -> PromotionCodesResource:
        """Promotion codes: each gives a coupon to whoever enters it."""
        from .resources.promotion_codes import PromotionCodesResource  # noqa: PLC0415

        with self._lock:
            return PromotionCodesResource(self._async.promotion_codes, self._portal)

    @cached_property
    def referrals(self) -> ReferralsResource:
        """Customers of a refer-a-friend program, who refer others."""
        from .resources.referrals import ReferralsResource  # noqa: PLC0415

        with self._lock:
            return ReferralsResource(self._async.referrals, self._portal)

    @cached_property
    def rewards(self) -> RewardsResource:
        """Rewards of a newsletter program."""
        from .resources.rewards import RewardsResource  # noqa: PLC0415

        with self._lock:
            return RewardsResource(self._async.rewards, self._portal)

    @cached_property
    def settings(self) -> SettingsResource:
        """Settings, in the way of the vendor's old library: prefer `program`."""
        from .resources.settings import SettingsResource  # noqa: PLC0415

        with self._lock:
            return SettingsResource(self._async.settings, self._portal)

    @cached_property
    def subscribers(self) -> SubscribersResource:
        """Subscribers of a newsletter program."""
        from .resources.subscribers import SubscribersResource  # noqa: PLC0415

        with self._lock:
            return SubscribersResource(self._async.subscribers, self._portal)

    @cached_property
    def transactions(self) -> TransactionsResource:
        """Transactions: sales, and what they earn."""
        from .resources.transactions import TransactionsResource  # noqa: PLC0415

        with self._lock:
            return TransactionsResource(self._async.transactions, self._portal)

    @cached_property
    def webhooks(self) -> WebhooksResource:
        """Webhooks: subscriptions to what happens in a program."""
        from .resources.webhooks import WebhooksResource  # noqa: PLC0415

        with self._lock:
            return WebhooksResource(self._async.webhooks, self._portal)


def _posted(hook: H) -> H:
    return cast("H", posted(hook)) if callable(hook) else hook
