"""The programs of a sandbox: each with a memory, keys and rights of its own."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import attrs

from .calls import Program, ProgramType
from .checks import Refusal, timestamp_of
from .deliveries import Deliveries
from .limits import RateLimit
from .nouns import SCHEMA
from .routes import main_forms
from .routing import EVERY
from .state import Effect, State, digest, generated_key, settle_key

_KNOWN = {*main_forms(), *(name.partition(".")[0] for name in main_forms())}


def _type(text: str) -> ProgramType:
    """Read a type, with hyphens as people write it or as the API's lists do."""
    name = text.replace("-", "_")
    if name not in EVERY:
        raise ValueError(f"no type of program: {text!r} (there are {', '.join(EVERY)})")
    return name


def _names(names: Iterable[str]) -> frozenset[str]:
    known = frozenset(names)
    unknown = ", ".join(sorted(known - _KNOWN))
    if unknown:
        raise ValueError(f"neither a resource nor an operation: {unknown}")
    return known


def _some_names(names: Iterable[str] | None) -> frozenset[str] | None:
    return None if names is None else _names(names)


@attrs.frozen
class ProgramSpec:
    """A program to play: *type* is affiliate, refer_a_friend or newsletter.

    *permissions* are the resources (`webhooks`) and operations (`partners.list`) that
    its key may use, all of them when left out. *api_key* is a key of your own.
    """

    type: ProgramType = attrs.field(converter=_type)
    permissions: Collection[str] | None = attrs.field(
        default=None, kw_only=True, converter=_some_names
    )
    api_key: str | None = attrs.field(default=None, kw_only=True, repr=False)


@attrs.frozen(kw_only=True)
class Rights:
    """What a key may do: what is *allowed*, or all, except what is *denied*."""

    allowed: frozenset[str] | None
    denied: frozenset[str] = frozenset()

    def check(self, operation: str) -> None:
        """Refuse an operation with 403, in the words of the published example.

        Asking whether the key works is always possible: nothing is shown by it.
        """
        noun = operation.partition(".")[0]
        names = {operation, noun}
        allowed = self.allowed is None or not names.isdisjoint(self.allowed)
        if noun != "account" and not (allowed and names.isdisjoint(self.denied)):
            thing = noun.replace("_", " ")
            raise Refusal(403, f"This key may not manage {thing}.")


@attrs.define(kw_only=True, eq=False)
class ServedProgram:
    """A program of a running sandbox: its *type*, its *id*, and its *api_key*."""

    type: ProgramType
    id: str
    api_key: str = attrs.field(repr=False)
    state: State = attrs.field(repr=False)
    _start: Program = attrs.field(alias="start", repr=False)
    #: What is sent to its webhooks.
    deliveries: Deliveries = attrs.field(init=False, repr=False)
    _now: Program = attrs.field(init=False, repr=False)
    _seen: int = attrs.field(init=False, default=-1, repr=False)

    def __attrs_post_init__(self) -> None:
        """Give it deliveries, which ask what the program is now."""
        self.deliveries = Deliveries(
            self.state, lambda: self.program, reach=self._start.deliver_to
        )

    @property
    def ledger(self) -> tuple[Effect, ...]:
        """Every effect on this program so far; nothing is ever removed from it."""
        return self.state.ledger()

    @property
    def program(self) -> Program:
        """The program as it is after what the API changed about it."""
        if self._seen != self.state.settings_version:
            self._seen = self.state.settings_version
            self._now = attrs.evolve(
                self._start,
                currency=self.state.setting("currency") or self._start.currency,
                website=self.state.setting("website") or self._start.website,
                deleted=self.state.setting("deleted") is not None,
            )
        return self._now


@attrs.define(kw_only=True, eq=False)
class Access:
    """What a key opens; *limit* is its own count under the rule *rule*."""

    program: ServedProgram
    rights: Rights
    rule: RateLimit | None = None
    limit: RateLimit | None = None


def specs_of(
    programs: Sequence[str | ProgramSpec], *, api_key: str | None
) -> list[ProgramSpec]:
    """Read what is asked for; *api_key* is the key of the first program."""
    specs = [
        spec if isinstance(spec, ProgramSpec) else ProgramSpec(spec)
        for spec in programs
    ]
    if not specs:
        raise ValueError("a sandbox needs a program")
    first = attrs.evolve(specs[0], api_key=api_key or specs[0].api_key)
    return [first, *specs[1:]]


def open_programs(
    specs: Sequence[ProgramSpec],
    stack: ExitStack,
    *,
    db: Path | str | None,
    start: Callable[[ProgramType], Program],
) -> tuple[list[ServedProgram], dict[str, Access]]:
    """Open every program, to be closed with *stack*; return them with all keys.

    *start* says what a program is where its memory says nothing else.
    """
    programs: list[ServedProgram] = []
    keys: dict[str, Access] = {}
    for number, spec in enumerate(specs, start=1):
        served, opened = _open(spec, db=_file(db, number), start=start(spec.type))
        stack.callback(served.state.close)
        if not keys.keys().isdisjoint(opened):
            raise ValueError("two programs cannot have the same key")
        programs.append(served)
        keys |= opened
    return programs, keys


def _file(db: Path | str | None, number: int) -> Path | str | None:
    """Name the file of a program; further programs have theirs beside the first."""
    if db is None or number == 1:
        return db
    path = Path(db)
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _open(
    spec: ProgramSpec, *, db: Path | str | None, start: Program
) -> tuple[ServedProgram, dict[str, Access]]:
    state = State(db, SCHEMA)
    try:
        return _settle(spec, state=state, start=start)
    except BaseException:
        state.close()
        raise


def _settle(
    spec: ProgramSpec, *, state: State, start: Program
) -> tuple[ServedProgram, dict[str, Access]]:
    kept = state.setting("program_type") or spec.type
    if kept != spec.type:
        raise ValueError(f"this database belongs to a program of type {kept}")
    key = settle_key(state, spec.api_key)
    created_at = state.setting("created_at") or timestamp_of(start.clock())
    with state.write():
        state.keep("program_type", spec.type)
        state.keep("created_at", created_at)
    served = ServedProgram(
        type=spec.type,
        id=key.program_id,
        api_key=key.api_key,
        state=state,
        start=attrs.evolve(start, id=key.program_id, created_at=created_at),
    )
    rights = Rights(allowed=cast("frozenset[str] | None", spec.permissions))
    first = {digest(key.api_key): Access(program=served, rights=rights)}
    return served, first | _further_keys(served)


def make_key(served: ServedProgram, *, deny: Collection[str]) -> tuple[str, Access]:
    """Make a further key; only its digest is kept, so nobody can show it again."""
    denied = _names(deny)
    key = f"sandbox_{generated_key(40)}"
    with served.state.write():
        served.state.run(
            "INSERT INTO keys VALUES (?, ?, ?)",
            (digest(key), key[:4], json.dumps(sorted(denied))),
        )
    return key, Access(program=served, rights=Rights(allowed=None, denied=denied))


def _further_keys(served: ServedProgram) -> dict[str, Access]:
    rows = served.state.rows("SELECT sha256, denied FROM keys")
    return {
        row["sha256"]: Access(
            program=served,
            rights=Rights(allowed=None, denied=frozenset(json.loads(row["denied"]))),
        )
        for row in rows
    }
