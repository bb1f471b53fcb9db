"""Which type of program the key belongs to, and which resources that type has.

One key belongs to one program, and the type of the program decides which routes there
are. On the others the API answers as if the record did not exist: here such an answer
is explained.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any, Final
from weakref import WeakKeyDictionary

import attrs

from ._call import Call
from ._json import is_object
from ._line import Line
from ._settings import Settings
from ._wire import request
from .errors import PartneroError, RefusedError, WrongProgramError
from .retries import Kind

PATIENCE: Final = 5.0
"""Seconds that the question for the type may take."""

QUIET: Final = 30.0
"""Seconds in which it is not asked again after it had no answer in all that time."""

REFUSALS: Final = frozenset({403, 404, 405})
"""What a route may be refused with that the program's type does not have."""

TYPES: Final = {
    "affiliate": "affiliate",
    "referral": "refer_a_friend",
    "newsletter": "newsletter",
}
"""The types, by what ``program.type`` says in any case."""

NAMES: Final = {
    "affiliate": "an affiliate program",
    "refer_a_friend": "a refer-a-friend program",
    "newsletter": "a newsletter program",
}

INSTEAD: Final = {
    "affiliate": {
        "referrals": "customers",
        "customer_links": "partner_links",
        "subscribers": "customers",
    },
    "refer_a_friend": {
        "customers": "referrals",
        "partners": "referrals",
        "partner_links": "customer_links",
        "subscribers": "referrals",
    },
    "newsletter": {
        "customers": "subscribers",
        "partners": "subscribers",
        "referrals": "subscribers",
    },
}
"""What a type has in place of a resource that it does not have."""


MARKS: Final = {"customers": "key", "referrals": "id"}
"""What only one of two resources at the same URLs has in all of its answers."""


@attrs.frozen
class Bound:
    """A resource that not every type of program has."""

    noun: str
    """Its name on the client."""
    programs: frozenset[str]
    """The types that have it."""

    @property
    def shared(self) -> bool:
        """Whether another type has something else at the same URLs."""
        return self.noun in MARKS

    def is_other(self, value: Any, *, paged: bool) -> bool:
        """Tell an answer that is plainly of what another type has at these URLs."""
        first: Any = next(iter(value.items), None) if paged else value
        is_model = hasattr(first, "extra")  # and no plain data, which has no marks
        return is_model and getattr(first, MARKS[self.noun], "") is None


class OwnProgram:
    """The type of the key's program: asked for once, when it matters, and kept."""

    def __init__(self) -> None:
        self._type: str | None = None
        self._answered = False
        self._quiet_until = -math.inf
        # A lock belongs to the loop in which it was waited for.
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    async def type(self, line: Line, settings: Settings, deadline: float) -> str | None:
        """Return the type; None when it cannot be told.

        What asks for it has a call to make by its *deadline*: half of the time that is
        left is for that.
        """
        if not self._answered:
            await self._learn(line, settings, deadline)
        return self._type

    async def _learn(self, line: Line, settings: Settings, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        patience = min(PATIENCE, (deadline - now) / 2)
        turn = self._turns.setdefault(loop, asyncio.Lock())
        try:
            async with asyncio.timeout(patience), turn:
                if not self._answered and loop.time() >= self._quiet_until:
                    self.know(await _ask(line, settings, now + patience))
        except (PartneroError, TimeoutError) as error:
            if isinstance(error, RefusedError) and error.status in REFUSALS:
                self.know(None)  # a key of few rights is never told
            elif patience >= PATIENCE:
                # A program that does not answer must not make every refusal slow. That
                # a call had little time for the question says nothing about that.
                self._quiet_until = loop.time() + QUIET

    def know(self, kind: str | None) -> None:
        """Take the type as known; None when it cannot be told."""
        self._type, self._answered = kind, True


async def _ask(line: Line, settings: Settings, deadline: float) -> str | None:
    sent = request("GET /program")
    call = Call(line, settings, sent, Kind.READ, deadline=deadline)
    return type_of(await call.run(object))


def type_of(data: object) -> str | None:
    """Read the type out of the ``data`` of ``GET /program``; None when it is unknown.

    Newsletter programs answer a flat object without a type, with the provider that
    sends the newsletter (``esp_type``).
    """
    if not is_object(data):
        return None
    info = data.get("program")
    if is_object(info):
        return TYPES.get(str(info.get("type")).lower())
    return "newsletter" if "esp_type" in data else None


def explained(
    error: RefusedError, bound: Bound, kind: str | None
) -> WrongProgramError | None:
    """Return a better error where the key's program, of this *kind*, has no *bound*."""
    reason = mismatch(bound, kind)
    if reason is None:
        return None
    wrong = WrongProgramError(f"{reason} (the API said: {error.message})")
    vars(wrong).update({**vars(error), "message": wrong.message})
    return wrong


def mismatch(bound: Bound, kind: str | None) -> str | None:
    """Say why a program of this *kind* is the wrong one; None where it is not."""
    if kind is None or kind in bound.programs:
        return None
    own = " or ".join(NAMES[name] for name in sorted(bound.programs))
    instead = INSTEAD[kind].get(bound.noun)
    use = f"client.{instead}, or " if instead else ""
    return (
        f"this key belongs to {NAMES[kind]}, which has no {bound.noun}:"
        f" use {use}the key of {own}"
    )
