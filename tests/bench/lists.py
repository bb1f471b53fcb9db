"""M5: lists that change while they are walked, and next links that lead nowhere."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import product
from typing import Any, Final
from uuid import uuid4

import attrs

from partnero_async import Partnero, UnexpectedBodyError
from partnero_async.sandbox import Sandbox
from tests.awaited import AwaitedClient
from tests.bench.figures import Figure
from tests.faulty import Act, answer, faulty, raw

ROWS: Final = {"small": 600, "full": 5_000}
INSERTED: Final = {"small": 60, "full": 500}
DELETED: Final = {"small": 12, "full": 100}
LIMIT: Final = 50
SIDES: Final[tuple[Any, ...]] = (Partnero, AwaitedClient)


@attrs.define
class Shop:
    """A program whose list of partners changes."""

    sandbox: Sandbox
    client: Partnero
    rng: random.Random
    there: dict[str, str] = attrs.field(factory=dict[str, str])
    """What is there now: e-mail addresses, by id."""
    added: int = 0

    async def add(self) -> None:
        """Add a partner."""
        self.added += 1
        email = f"p{self.added}@example.com"
        partner = await self.client.partners.create(email=email)
        assert partner.id is not None
        self.there[partner.id] = email

    async def delete(self) -> str:
        """Delete one, wherever it stands."""
        chosen = self.rng.choice(list(self.there))
        await self.client.partners.delete(chosen)
        return self.there.pop(chosen)

    async def fill(self, rows: int) -> None:
        """Add as many as are missing."""
        while len(self.there) < rows:
            more = min(rows - len(self.there), 20)
            await asyncio.gather(*(self.add() for _ in range(more)))


@attrs.define
class Seen:
    """What a walk has yielded, and what happened to the list meanwhile."""

    yielded: list[str] = attrs.field(factory=list[str])
    inserted: int = 0
    deleted: set[str] = attrs.field(factory=set[str])

    def wrong(
        self, before: set[str], after: set[str], *, window: int, resumed: bool
    ) -> list[str]:
        """Return where the walk has not kept what its documentation says."""
        once = set(self.yielded)
        missed = (before & after) - once
        # A window asks for pages before those in front of them: what is added then
        # pushes items from the one to the other unseen.
        hidden = len(self.deleted) + (self.inserted if window > 1 else 0)
        twice = len(self.yielded) - len(once)
        never = once - before - after - self.deleted
        found = {
            # What a walk has yielded is not remembered by one that goes on behind it.
            f"{twice} yielded twice": twice > 0 and not resumed,
            f"{len(never)} that never were": bool(never),
            f"{len(missed)} missed, {hidden} may be": len(missed) > hidden,
        }
        return [text for text, is_so in found.items() if is_so]


async def walked(
    shop: Shop, side: Any, window: int, *, inserts: int, deletes: int, resumed: bool
) -> list[str]:
    """Walk the list while it changes; return what is wrong."""
    before, seen, rng = set(shop.there.values()), Seen(), shop.rng
    changes = ["add"] * inserts + ["delete"] * deletes
    rng.shuffle(changes)
    every = max(len(before) // (len(changes) + 1), 1)
    async with side(shop.sandbox.api_key, base_url=shop.sandbox.url) as client:
        listed = client.partners.list(limit=LIMIT)
        walk = listed.items(window=window)
        while True:
            partner = await anext(walk, None)
            if partner is None:
                break
            seen.yielded.append(partner.email)
            if changes and len(seen.yielded) % every == 0:
                if changes.pop() == "add":
                    await shop.add()
                    seen.inserted += 1
                else:
                    seen.deleted.add(await shop.delete())
            if resumed and rng.random() < 0.02:
                checkpoint = walk.checkpoint()
                await walk.aclose()
                walk = listed.items(window=window, resume=checkpoint)
    wrong = seen.wrong(before, set(shop.there.values()), window=window, resumed=resumed)
    how = f"{side.__name__}, window {window}{', resumed' if resumed else ''}"
    return [f"{how}: {text}" for text in wrong]


async def changing(size: str, seed: int) -> list[str]:
    """Walk with both clients, one page at once and eight, whole and resumed."""
    rng, wrong = random.Random(seed), list[str]()
    async with (
        Sandbox() as sandbox,
        Partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        shop = Shop(sandbox, client, rng)
        for side, window, resumed in product(SIDES, (1, 8), (False, True)):
            await shop.fill(ROWS[size])
            wrong += await walked(
                shop,
                side,
                window,
                inserts=INSERTED[size],
                deletes=DELETED[size],
                resumed=resumed,
            )
    return wrong


# --- links ----------------------------------------------------------------------------

PAGES: Final = 3


def _linking(first: list[str], then: str) -> list[Act]:
    """Answer pages that link on well, and then one that does not."""

    def page(link: str, number: int) -> Act:
        items = [{"id": f"p{number}-{n}"} for n in range(2)]
        body = {"data": items, "links": {"next": link}, "status": 1}
        return answer(json.dumps(body).encode())

    good = [page(link, number) for number, link in enumerate(first)]
    return [*good, page(then, len(good))]


async def misled(side: Any, link: str) -> list[str]:
    """Follow *link* from the last of some good pages; return what is wrong."""
    async with faulty([raw(b"")]) as foreign, faulty([raw(b"")]) as server:
        on = [f"{server.url}/partners?page={n + 2}" for n in range(PAGES - 1)]
        where = link.replace("HERE", server.url).replace("THERE", foreign.url)
        server.acts[:] = _linking(on, where)
        async with side(uuid4().hex, base_url=server.url) as client:
            try:
                async for _ in client.partners.list(limit=2):
                    pass
            except UnexpectedBodyError:
                came = "refused"
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                came = repr(error)
            else:
                came = "seemed to end"
        requests, elsewhere = len(server.ledger), len(foreign.ledger)
    found = {
        came: came != "refused",
        f"{requests} requests": requests > PAGES,  # each is refused where it stands
        f"{elsewhere} requests elsewhere": elsewhere > 0,
    }
    return [f"{side.__name__} {link}: {text}" for text, bad in found.items() if bad]


LINKS: Final = (
    *("HERE/partners?page=1", "HERE/partners?page=3", "HERE/partners?page=0"),
    *("HERE/customers?page=4", "HERE/partners", "HERE/partners?page=4&page=5"),
    *("HERE/partners?page=-4", "HERE/partners?page=9999999999999", "?page=4"),
    *("/v1/partners?page=4", "THERE/partners?page=4", "//x.invalid/v1/partners?page=4"),
    *("javascript:alert(1)", "http://[::1", "https://HERE@x.invalid/?page=4", "  "),
)


async def leading_nowhere() -> list[str]:
    """Follow every bad link, with both clients."""
    found = [await misled(side, link) for side in SIDES for link in LINKS]
    return [text for texts in found for text in texts]


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure M5."""
    size = "full" if full else "small"
    changed = asyncio.run(changing(size, seed))
    nowhere = asyncio.run(leading_nowhere())
    meanwhile = f"{INSERTED[size]} inserted, {DELETED[size]} deleted"
    return [
        Figure(
            "M5",
            f"{ROWS[size]} rows, {meanwhile}: once each, and missed as said",
            f"{len(changed)} wrong of 8 walks",
            "0",
            not changed,
            changed,
        ),
        Figure(
            "M5",
            f"{len(LINKS) * 2} bad next links: typed error, and no request more",
            f"{len(nowhere)} wrong",
            "0",
            not nowhere,
            nowhere,
        ),
    ]
