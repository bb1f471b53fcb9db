"""What an operation is given and what it gives back."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple

import attrs

from .assumptions import Assumptions
from .checks import Fields, Refusal, as_object, timestamp
from .destinations import Reach
from .state import State

#: Every API key belongs to one program, and its type decides which routes there are.
ProgramType = Literal["affiliate", "refer_a_friend", "newsletter"]


@attrs.frozen(kw_only=True)
class ReferralReward:
    """What a customer gets for a sale to somebody it referred; nobody knows the rule.

    *share* of the amount, never rounded, and *amount* in the currency of the sale on
    top, for each sale or for the first one of every buyer.
    """

    share: Decimal = Decimal("0.10")
    amount: Decimal = Decimal(0)
    first_sale_only: bool = False


@attrs.frozen(kw_only=True)
class Program:
    """The program that the sandbox plays to a key."""

    id: str
    type: ProgramType
    created_at: str
    currency: str
    commission: Decimal
    website: str
    assumptions: Assumptions
    clock: Callable[[], float]
    referral_reward: ReferralReward
    deliver_to: Reach = "loopback"
    deleted: bool = False


class Answer(NamedTuple):
    """A status and the object to write as JSON; None for an empty body."""

    status: int
    body: Any


_ABSENT = 404

DONE = Answer(200, {"status": 1})


@attrs.define(kw_only=True, slots=False)
class Call:
    """One request, taken apart.

    *target* is the value in the path, percent-decoded; *query* and *body* are as sent,
    with `partner[key]` and `partner.key` both spelt `partner_key` in *arguments*.
    """

    state: State
    program: Program
    target: str | None
    query: Mapping[str, str]
    body: dict[str, Any]
    url: str

    @property
    def assumptions(self) -> Assumptions:
        """The readings of what is not known."""
        return self.program.assumptions

    @cached_property
    def now(self) -> str:
        """The moment of the call, the same for everything it changes."""
        return self.later(0)

    def later(self, seconds: float) -> str:
        """Return the moment *seconds* after the call."""
        moment = datetime.fromtimestamp(self.program.clock(), UTC)
        return timestamp(moment + timedelta(seconds=seconds))

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """Filters and page of a read, from query and JSON body; the query wins."""
        given = _flat(self.body)
        for name, value in self.query.items():
            if value:
                given[name.replace(".", "_").replace("[", "_").rstrip("]")] = value
        return given

    @cached_property
    def fields(self) -> Fields:
        """The body, to be checked."""
        return Fields(self.body)


def data(body: Any, *, status: int = 200) -> Answer:
    """Answer with an object in the usual envelope."""
    return Answer(status, {"data": body, "status": 1})


def deletion(handler: Callable[[Call], None]) -> Callable[[Call], Answer]:
    """Make a handler from one that deletes or raises a 404."""

    @functools.wraps(handler)
    def serve(call: Call) -> Answer:
        try:
            handler(call)
        except Refusal as refusal:
            if refusal.status != _ABSENT or call.assumptions.repeated_delete == _ABSENT:
                raise
        if call.assumptions.deletion_status == DONE.status:
            return DONE
        return Answer(204, None)

    return serve


def identifier(fields: Fields, names: Iterable[str]) -> tuple[str, str] | None:
    """Return the first of *names* that is given, with its value."""
    for name in names:
        value = fields.text(name)
        if value:
            return name, value
    return None


def updated_members(call: Call, *, identifiers: Sequence[str]) -> Fields:
    """Return the changes of an update: the envelope, or the flat members.

    The envelope wins over flat members. Without a key in the path, flat *identifiers*
    say what to change and are no changes themselves.
    """
    if call.body.get("update") is not None:
        return call.fields.nested("update")
    if call.target is not None:
        return call.fields
    rest = {n: value for n, value in call.body.items() if n not in identifiers}
    return Fields(rest)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        members = as_object(value)
        if members is not None:
            flat.update({f"{name}_{inner}": v for inner, v in members.items()})
        elif value is not None:
            flat[name.replace(".", "_")] = value
    return flat
