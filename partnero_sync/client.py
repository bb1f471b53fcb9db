"""The client: settings, resources, lifetime."""

from __future__ import annotations

import ssl
import threading
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from partnero_async import Partnero as AsyncPartnero
from partnero_async import Rate
from partnero_async._settings import OnAmbiguous

from ._portal import OnRunningLoop, Portal

if TYPE_CHECKING:
    from partnero_async._transport import Stats

    from .resources.account import AccountResource
    from .resources.customers import CustomersResource
    from .resources.partners import PartnersResource
    from .resources.transactions import TransactionsResource


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
    may record it twice. *settle* is the time in seconds before it is looked up, and
    twice that again before the second look.

    *on_running_loop* says what to do about a call inside a running event loop, which
    it blocks: ``"warn"`` once, or ``"raise"`` a `UsageError`. In such code
    `partnero_async` is the better choice.

    One client serves any number of threads. Its calls run in a thread of its own,
    started by the first of them, or by ``with``. A client that nobody closes is closed
    when the program ends. After a fork, make a new one in the child.

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
        settle: float = 1.0,
        tls: ssl.SSLContext | None = None,
        on_running_loop: OnRunningLoop = "warn",
    ) -> None:
        self._async = AsyncPartnero(
            api_key,
            base_url=base_url,
            timeout=timeout,
            max_connections=max_connections,
            rate_limit=rate_limit,
            on_ambiguous=on_ambiguous,
            settle=settle,
            tls=tls,
        )
        self._portal = Portal(self._async.aclose, on_running_loop=on_running_loop)
        # Two threads at a cached property may both compute it (Python 3.12 and later),
        # and the calls of one client must not go through two transports.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        """Show where it sends to, and not the key."""
        return repr(self._async)

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

        Calls after this raise `ClientClosedError`. Calls of other threads that are
        under way are cancelled, and raise `NoAnswerError`.
        """
        self._portal.close()

    @property
    def stats(self) -> Stats:
        """How many requests were sent so far, and how many the rate limit refused."""
        with self._lock:
            return self._async.stats

    # --- resources -----------------------------------------------------------

    @cached_property
    def account(self) -> AccountResource:
        """The API key itself."""
        from .resources.account import AccountResource  # noqa: PLC0415 - on use

        with self._lock:
            return AccountResource(self._async.account, self._portal)

    @cached_property
    def customers(self) -> CustomersResource:
        """Customers: those whom a partner brought."""
        from .resources.customers import CustomersResource  # noqa: PLC0415 - on use

        with self._lock:
            return CustomersResource(self._async.customers, self._portal)

    @cached_property
    def partners(self) -> PartnersResource:
        """Partners: those who bring customers, and earn on their sales."""
        from .resources.partners import PartnersResource  # noqa: PLC0415 - on use

        with self._lock:
            return PartnersResource(self._async.partners, self._portal)

    @cached_property
    def transactions(self) -> TransactionsResource:
        """Transactions: sales, and what they earn."""
        from .resources.transactions import (  # noqa: PLC0415 - on use
            TransactionsResource,
        )

        with self._lock:
            return TransactionsResource(self._async.transactions, self._portal)
