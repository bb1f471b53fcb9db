"""The client: settings, resources, lifetime."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, cast, get_args

from ._limits import Rate
from ._settings import Masked, OnAmbiguous, OnAttempt, settings
from .errors import UsageError
from .retries import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from ._line import Stats
    from ._transport import Transport
    from .bulk import Given, Reconciliation, Source
    from .drift import Drift
    from .pacing import GateState
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
    from .telemetry import Telemetry


Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

ROUTE: Final = re.compile(r"(/[A-Za-z0-9_:{}.~-]+)+")


class Partnero:
    """A client of the Partnero REST API, for one program.

    ::

        async with Partnero() as client:
            async for partner in client.partners.list():
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
    cancelled while under way, which is not raised. *settle* is the time in seconds
    before a sale is looked up, and twice that again before the second look.

    *on_attempt* is called with each `Attempt`, whatever came of it. Both functions are
    called on the event loop, and must not block; what they raise is
    logged. *telemetry* makes spans: see `partnero_async.telemetry`. *strict* makes an
    error of an answer that is not as it was published: see `drift`.

    One client serves any number of tasks, and any number of event loops one after the
    other. Raises `UsageError` for settings that cannot work, before anything is sent.
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
    ) -> None:
        api_key = Masked.maybe(api_key)
        self._settings = settings(
            api_key,
            base_url=base_url,
            timeout=timeout,
            max_connections=max_connections,
            rate_limit=rate_limit,
            on_ambiguous=on_ambiguous,
            on_attempt=on_attempt,
            settle=settle,
            strict=strict,
            tls=tls,
            telemetry=telemetry,
        )

    def __repr__(self) -> str:
        """Show where it sends to, and not the key."""
        settings = vars(self).get("_settings")  # not there yet where these are refused
        return f"<Partnero client of {settings.base_url if settings else 'nowhere'}>"

    def __reduce__(self) -> NoReturn:
        """Refuse: connections and keys do not travel."""
        raise TypeError(
            "a client cannot be pickled or copied: make one where you need it"
        )

    # --- lifetime ------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Return the client; connections are made when they are needed."""
        # Loaded now, where a program starts: its first call would block all others.
        _ = self._transport
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; calls after this raise `ClientClosedError`."""
        await self._transport.close()

    @cached_property
    def _transport(self) -> Transport:
        # aiohttp is most of what importing this package would cost: load it on use.
        from ._transport import Transport  # noqa: PLC0415

        return Transport(self._settings)

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

            partner = await client.with_options(timeout=2.0).partners.get("p1")

        What is left out is as on this client. Connections, rate limit and `stats` are
        shared: closing the one closes the other. Raises `UsageError` as the client
        does.
        """
        settings = self._settings.changed(
            timeout=timeout,
            on_ambiguous=on_ambiguous,
            on_attempt=on_attempt,
            settle=settle,
            strict=strict,
        )
        return self._over(self._transport.view(settings))

    @classmethod
    def _over(cls, transport: Transport) -> Self:
        """Return a client that sends through *transport*."""
        view = cls.__new__(cls)
        vars(view).update(_settings=transport.settings, _transport=transport)
        return view

    @property
    def stats(self) -> Stats:
        """How many requests were sent so far, and how many the rate limit refused."""
        return self._transport.line.stats

    @property
    def pace(self) -> GateState:
        """What the rate limit allows as far as known, and how many wait for it."""
        return self._transport.line.gate.snapshot()

    @property
    def drift(self) -> Drift:
        """What the API has sent that this version does not know."""
        return self._transport.line.drift

    async def request(
        self,
        method: Method,
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
        if not ROUTE.fullmatch(route) or {".", ".."} & set(route.split("/")):
            raise UsageError(f"{route[:200]!r} is not a route, like /partners/{{id}}")
        if method not in get_args(Method):
            raise UsageError(f"{method!r} is not a method, like GET or POST")
        if repeatable is None:
            repeatable = method == "GET"
        reads = Kind.READ if method == "GET" else Kind.STATE
        return await self._transport.call(
            cast("type[dict[str, Any]]", dict),
            reads if repeatable else Kind.RELATIVE,
            f"{method} {route}",
            parts=parts,
            query=query,
            json=json,
        )

    async def reconcile(
        self, rows: Source | Path | str | Given, *, surplus: bool = False
    ) -> Reconciliation:
        """Compare a file of sales with what the program holds, and change nothing.

        ::

            with await client.reconcile("sales.csv") as found:
                for difference in found.differences():
                    print(difference.key, difference.kind, difference.next)

        With *surplus*, sales are differences too that the file does not have. This is
        `partnero_async.bulk.reconcile`, and raises what it raises.
        """
        # Upward, where all else points down: it is here for whoever looks for it, and
        # a client that does not use it loads nothing of it.
        from .bulk import reconcile  # noqa: PLC0415

        return await reconcile(self, rows, surplus=surplus)

    # --- resources -----------------------------------------------------------

    @cached_property
    def account(self) -> AccountResource:
        """The API key itself."""
        from .resources.account import AccountResource  # noqa: PLC0415

        return AccountResource(self._transport)

    @cached_property
    def coupons(self) -> CouponsResource:
        """Coupons: discounts that customers get by a code."""
        from .resources.coupons import CouponsResource  # noqa: PLC0415

        return CouponsResource(self._transport)

    @cached_property
    def customer_links(self) -> CustomerLinksResource:
        """Referral links of the customers of a refer-a-friend program."""
        from .resources.customer_links import CustomerLinksResource  # noqa: PLC0415

        return CustomerLinksResource(self._transport)

    @cached_property
    def customers(self) -> CustomersResource:
        """Customers: those whom a partner brought."""
        from .resources.customers import CustomersResource  # noqa: PLC0415

        return CustomersResource(self._transport)

    @cached_property
    def leads(self) -> LeadsResource:
        """Leads: prospects whom partners submit, before they are customers."""
        from .resources.leads import LeadsResource  # noqa: PLC0415

        return LeadsResource(self._transport)

    @cached_property
    def partner_links(self) -> PartnerLinksResource:
        """Referral links of partners."""
        from .resources.partner_links import PartnerLinksResource  # noqa: PLC0415

        return PartnerLinksResource(self._transport)

    @cached_property
    def partners(self) -> PartnersResource:
        """Partners: those who bring customers, and earn on their sales."""
        from .resources.partners import PartnersResource  # noqa: PLC0415

        return PartnersResource(self._transport)

    @cached_property
    def payouts(self) -> PayoutsResource:
        """Payout requests: what partners are owed, on its way to them."""
        from .resources.payouts import PayoutsResource  # noqa: PLC0415

        return PayoutsResource(self._transport)

    @cached_property
    def program(self) -> ProgramResource:
        """The program that the API key belongs to."""
        from .resources.program import ProgramResource  # noqa: PLC0415

        return ProgramResource(self._transport)

    @cached_property
    def promotion_codes(self) -> PromotionCodesResource:
        """Promotion codes: each gives a coupon to whoever enters it."""
        from .resources.promotion_codes import PromotionCodesResource  # noqa: PLC0415

        return PromotionCodesResource(self._transport)

    @cached_property
    def referrals(self) -> ReferralsResource:
        """Customers of a refer-a-friend program, who refer others."""
        from .resources.referrals import ReferralsResource  # noqa: PLC0415

        return ReferralsResource(self._transport)

    @cached_property
    def rewards(self) -> RewardsResource:
        """Rewards of a newsletter program."""
        from .resources.rewards import RewardsResource  # noqa: PLC0415

        return RewardsResource(self._transport)

    @cached_property
    def settings(self) -> SettingsResource:
        """Settings, in the way of the vendor's old library: prefer `program`."""
        from .resources.settings import SettingsResource  # noqa: PLC0415

        return SettingsResource(self._transport)

    @cached_property
    def subscribers(self) -> SubscribersResource:
        """Subscribers of a newsletter program."""
        from .resources.subscribers import SubscribersResource  # noqa: PLC0415

        return SubscribersResource(self._transport)

    @cached_property
    def transactions(self) -> TransactionsResource:
        """Transactions: sales, and what they earn."""
        from .resources.transactions import TransactionsResource  # noqa: PLC0415

        return TransactionsResource(self._transport)

    @cached_property
    def webhooks(self) -> WebhooksResource:
        """Webhooks: subscriptions to what happens in a program."""
        from .resources.webhooks import WebhooksResource  # noqa: PLC0415

        return WebhooksResource(self._transport)
