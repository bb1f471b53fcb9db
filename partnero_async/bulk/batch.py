"""Sales of one customer after another: in batches, and with the customer itself.

The API takes several sales of one customer in one call, and creates the customer with
them. What the documentation shows of a sale in a batch is its key, its amount and its
action, and then comes an ellipsis: sales with more go singly, unless whoever imports
says that the program takes them. Even then the first batch with a field goes alone, and
is compared with what the API shows of it.

A batch whose outcome is not known is in doubt as a whole, and looked up sale by sale.
The sales of one that is refused go singly, so that each has a reason of its own; but
nobody says that a batch is taken as a whole or not at all, so each is looked up before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Literal, cast, get_args

import attrs

from ..errors import AmbiguousWriteError, PartneroError
from ..models.transactions import BatchTransaction
from .doubt import TRIED, UNLIKE, Doubts
from .halt import HaltedError, each
from .lookup import Finding, look_closely
from .newcomers import Newcomers, introduced, names_of
from .plan import Entry
from .send import Intent, Sender
from .stops import ImportStopError, JournalWriteError
from .store import Row, Store

__all__ = ["Batch", "Batches", "batches_of", "checked_batch"]

Batch = Literal["no", "documented", "all-fields"]
"""Which sales go together: none, those that have what is documented, or all."""

DOCUMENTED: Final = frozenset({"key", "amount", "action"})
SHARED: Final = frozenset({"customer", "create_customer", "referral_url"})
"""Arguments of the call, which all sales of a batch have in common."""

LARGEST: Final = 100
"""Sales in a batch: no limit is documented, and this many stay far below any body's."""

TOGETHER: Final = 500
"""Buyers that are taken from the journal at once."""


def checked_batch(given: object) -> Batch:
    """Return *given*; raise `ImportStopError` where it says no way to batch."""
    known = get_args(Batch)
    if given not in known:
        near = get_close_matches(str(given), known, n=1) or known
        raise ImportStopError(f"--batch {given}: did you mean {' or '.join(near)}?")
    return cast("Batch", given)


@attrs.frozen
class Sale:
    """A row of the journal, and the call that it stands for."""

    row: Row
    entry: Entry

    @property
    def shared(self) -> dict[str, Any]:
        """What it has in common with the sales of its batch."""
        arguments = self.entry.arguments
        return {name: arguments[name] for name in SHARED & arguments.keys()}

    @property
    def item(self) -> dict[str, Any]:
        """What it has of its own."""
        arguments = self.entry.arguments
        return {name: arguments[name] for name in arguments.keys() - SHARED}

    def may_share(self, how: Batch) -> bool:
        """Say whether it may be one of several in a call."""
        names = self.item.keys()
        # A batch has no place for the old form of naming a partner beside the customer.
        return "amount" in names and (
            names <= DOCUMENTED or (how == "all-fields" and "partner" not in names)
        )


def batches_of(sales: Iterable[Sale], how: Batch) -> Iterator[list[Sale]]:
    """Yield sales of one customer that go together, in their order."""
    batch: list[Sale] = []
    for sale in sales:
        fits = sale.may_share(how) and how != "no"
        if batch and not (
            fits and batch[-1].may_share(how) and batch[-1].shared == sale.shared
        ):
            yield batch
            batch = []
        batch.append(sale)
    if batch:
        yield batch


@attrs.define
class _Buyer:
    """Whose sales are sent, one call after another."""

    name: str
    newcomer: Mapping[str, Any] | None
    """What creates this customer with the next sale; None for one who is there."""


@attrs.define(kw_only=True)
class Batches:
    """Sends what is pending, buyer by buyer."""

    sender: Sender
    doubts: Doubts
    newcomers: Newcomers
    how: Batch = attrs.field(converter=checked_batch)
    """A journal may say what this version does not know."""
    concurrency: int
    _trying: asyncio.Lock = attrs.field(init=False, factory=asyncio.Lock)
    _proven: set[str] = attrs.field(init=False, factory=lambda: {*DOCUMENTED})
    """Fields that the API has taken in a batch."""

    async def send(self) -> None:
        """Send all that is pending; the sales of a buyer go in their order."""
        await self.sender.journal.do(Store.by_buyer)
        await each(
            self._buyers(),
            self._send_of,
            concurrency=self.concurrency,
            halt=self.sender.halt,
        )

    async def _buyers(self) -> AsyncIterator[Sequence[str]]:
        after = ""
        while names := await self.sender.journal.do(
            lambda store: store.pending_buyers(after=after, limit=TOGETHER)  # noqa: B023 - awaited at once
        ):
            yield names
            after = names[-1]

    async def _send_of(self, name: str) -> None:
        try:
            await self._send_all_of(name)
        except JournalWriteError as error:
            self.sender.halt.unwritten = error
        except PartneroError as error:  # of a look-up
            self.sender.halt.give_up(error)

    async def _send_all_of(self, name: str) -> None:
        buyer = _Buyer(name, await self.newcomers.of(name))
        after = 0
        while rows := await self.sender.journal.do(
            lambda store: store.pending_of(name, after=after, limit=LARGEST)  # noqa: B023 - awaited at once
        ):
            for batch in batches_of(self._sales(rows), self.how):
                if self.sender.halt:
                    return
                await self._send(batch, buyer)
            after = rows[-1].row

    def _sales(self, rows: Iterable[Row]) -> Iterator[Sale]:
        for row in rows:
            if entry := self.sender.read(row):
                yield Sale(row, entry)

    async def _send(self, batch: Sequence[Sale], buyer: _Buyer) -> None:
        if len(batch) == 1:
            await self._send_alone(batch[0], buyer)
        elif self._unproven(batch):
            await self._try(batch, buyer)
        elif await self._post(batch, buyer):
            self._done(batch)

    async def _send_alone(self, sale: Sale, buyer: _Buyer) -> None:
        if await self.sender.send(sale.row, sale.entry, newcomer=buyer.newcomer):
            await self._met(buyer)
        else:  # the sale may be in doubt, and the customer with it
            await self._look_for(buyer)

    async def _met(self, buyer: _Buyer) -> None:
        if buyer.newcomer:
            names, buyer.newcomer = names_of(buyer.newcomer), None
            await self.newcomers.met(*names)

    # --- together ------------------------------------------------------------------

    async def _post(
        self, batch: Sequence[Sale], buyer: _Buyer, *, code: str | None = None
    ) -> bool:
        """Send a batch; True where the API has taken it."""
        sender = self.sender
        if sender.outcomes:
            await sender.outcomes.room()
        intent = Intent(sender, [sale.row for sale in batch], code)
        try:
            with intent:
                await sender.client.transactions.create_batch(
                    **introduced(batch[0].shared, buyer.newcomer),
                    transactions=[cast("BatchTransaction", s.item) for s in batch],
                )
        except HaltedError:
            intent.withdraw()
            return False
        except JournalWriteError:
            raise
        except PartneroError as error:
            await self._failed(batch, buyer, error, code=code)
            return False
        sender.halt.strikes = 0
        await self._met(buyer)
        return True

    def _done(self, batch: Sequence[Sale]) -> None:
        for sale in batch:
            self.sender.settle(sale.row, "done")

    async def _failed(
        self,
        batch: Sequence[Sale],
        buyer: _Buyer,
        error: PartneroError,
        *,
        code: str | None,
    ) -> None:
        about_all = self.sender.halt.judge(error)
        if error.maybe_applied or isinstance(error, AmbiguousWriteError):
            await self._park(batch, str(error), code=code or "in_doubt")
            await self._look_for(buyer)
        elif about_all:
            for sale in batch:
                self.sender.settle(sale.row, "pending")
        else:
            await self._look_for(buyer)
            for sale in batch:
                await self._send_refused(sale, buyer)

    async def _look_for(self, buyer: _Buyer) -> None:
        if buyer.newcomer:
            buyer.newcomer = await self.newcomers.of(buyer.name, look=True)

    async def _send_refused(self, sale: Sale, buyer: _Buyer) -> None:
        """Send a sale of a batch that was refused, unless it was taken out of it."""
        if self.sender.halt:
            return  # It is written down as sent: the next start looks it up.
        finding = await self._shown(sale)
        if finding.kind == "absent":
            await self._send_alone(sale, buyer)
        else:
            self.doubts.write(sale.row, finding)

    async def _park(self, batch: Sequence[Sale], reason: str, *, code: str) -> None:
        """Park a batch, and see once its time is over which of its sales are there."""
        for sale in batch:
            self.sender.settle(sale.row, "parked", code=code, reason=reason)
        await asyncio.sleep(self.doubts.settle)
        for sale in batch:
            await self.doubts.park(sale.row._replace(state="parked", code=code))

    # --- what is shown of it ---------------------------------------------------------

    def _unproven(self, batch: Sequence[Sale]) -> set[str]:
        return {name for sale in batch for name in sale.item} - self._proven

    async def _try(self, batch: Sequence[Sale], buyer: _Buyer) -> None:
        """Send a batch with fields that none had before, while no other one does."""
        async with self._trying:
            if new := self._unproven(batch):
                if await self._post(batch, buyer, code=TRIED):
                    # Not by the answer, whose form nobody has published.
                    findings = [await self._shown(sale) for sale in batch]
                    self._settle(batch, findings, new)
                return
        # Another batch has proven them, while this one was waiting.
        await self._send(batch, buyer)

    async def _shown(self, sale: Sale) -> Finding:
        return await look_closely(self.sender.referrers, sale.entry)

    def _settle(
        self, batch: Sequence[Sale], findings: Sequence[Finding], new: set[str]
    ) -> None:
        for sale, finding in zip(batch, findings, strict=True):
            if finding.kind == "equal":
                self.sender.settle(sale.row, "done")
                continue
            self.sender.settle(sale.row, "parked", code=UNLIKE, reason=finding.reason)
            self.sender.halt.refused = (
                f"the program does not take all fields in a batch: {finding.reason};"
                " delete the sales that are parked for it, and go on with --batch"
                " documented"
            )
        if all(finding.kind == "equal" for finding in findings):
            self._proven |= new
