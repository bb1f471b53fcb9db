"""How a model is made of an object: by the members that came, in the order they came.

The API answers a model in a few shapes, each of them thousands of times. A shape that
has come a few times gets a function of its own, written for exactly its members, as
attrs and cattrs write theirs: nothing is looked for, and what is left out costs next
to nothing (measured: 1.1 us for a partner of a list, one by one 2.5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from ._json import is_object
from .drift import Hook, Inspector, watching
from .models._model import MADE_LATE, Sparse

T = TypeVar("T")

OFTEN: Final = 8
"""Times that a shape has come when it gets a function: to write one takes longer."""
MOST: Final = 100
"""Shapes of a model that are told apart: a hostile answer does not fill the memory."""
STRANGE: Final = 50
"""Members more than a model has that a function is written for, for the same reason."""


def misfit(expected: str, value: Any) -> TypeError:
    """Return the error for a value of another kind."""
    return TypeError(f"expected {expected}, got {type(value).__name__}")


class Exactly:
    """A hook that passes values of a few types on, and no others."""

    __slots__ = ("kinds",)

    def __init__(self, *kinds: type) -> None:
        self.kinds: tuple[type, ...] = kinds

    def __call__(self, value: Any, _: Any) -> Any:
        """Return *value*; raise TypeError where it is of another type."""
        if type(value) in self.kinds:
            return value
        names = " or ".join(kind.__name__ for kind in self.kinds)
        raise misfit(names, value)


def moment(value: Any, _: Any) -> datetime:
    """Read a time; one without a zone is in UTC."""
    if type(value) is not str:
        raise misfit("a time", value)
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def shaped(
    kind: type[T], members: Mapping[str, Hook], inspector: Inspector
) -> Callable[[Any, Any], T]:
    """Return the hook of a model; members that it does not know go to its ``extra``.

    Each of *members* has the hook for a value; any of them may be None.
    """
    written: dict[tuple[str, ...], Callable[[dict[str, Any]], T]] = {}
    came: Counter[tuple[str, ...]] = Counter()
    slots = _slots(kind, members)

    def structure(value: Any, _: Any) -> T:
        if not is_object(value):
            raise misfit("an object", value)
        shape = tuple(value)
        make = written.get(shape)
        if make is None:
            make = one_by_one
            if len(came) < MOST or shape in came:
                came[shape] += 1
                if came[shape] == OFTEN and len(shape) <= len(members) + STRANGE:
                    written[shape] = _write(kind, members, shape, inspector)
        return make(value)

    def one_by_one(value: dict[str, Any]) -> T:
        model = _blank(kind, slots)
        for name, given in value.items():
            if name in members:
                read = None if given is None else members[name](given, None)
                setattr(model, name, read)
            else:
                model.extra[name] = given
        found = watching.get()
        if found is not None:
            found += inspector.unknown(model.extra)
            found += inspector.missing(value.keys())
        return cast("T", model)

    return structure


def _slots(kind: type[Any], members: Iterable[str]) -> list[str]:
    """Return the *members* with a slot; the others are None until they are set."""
    return [name for name in members if not isinstance(getattr(kind, name), Sparse)]


def _blank(kind: type[Any], slots: Iterable[str]) -> Any:
    """Return what ``kind()`` does, without the work for members without a slot."""
    model: Any = object.__new__(kind)
    for name in slots:
        setattr(model, name, None)
    return model


def _write(
    kind: type[T],
    members: Mapping[str, Hook],
    shape: tuple[str, ...],
    inspector: Inspector,
) -> Callable[[dict[str, Any]], T]:
    """Write the function for one shape.

    A model's other members are None; an empty map is made when it is asked for. Names
    that the model does not know are the server's: they are values that the function
    has, and no part of its text.
    """
    known: dict[str, Any] = {"new": object.__new__, "kind": kind, "watching": watching}
    known |= {"parsed": datetime.fromisoformat, "UTC": UTC}
    given = ", ".join(f"given_{place}" for place in range(len(shape)))
    lines = ["def make(came):", f" [{given}] = came.values()", " model = new(kind)"]
    extra, news = list[str](), list[str]()
    for place, name in enumerate(shape):
        if name in members:
            known[f"hook_{place}"] = members[name]
            lines += _set(name, f"given_{place}", f"hook_{place}", members[name])
        else:
            known[f"name_{place}"], known[f"news_{place}"] = name, inspector.news(name)
            extra.append(f"name_{place}: given_{place}")
            news.append(f"news_{place}(type(given_{place}))")
    lines += [
        f" model.{name} = None" for name in _slots(kind, members) if name not in shape
    ]
    if extra:
        lines.append(f" model.extra = {{{', '.join(extra)}}}")
    known["missing"] = inspector.missing(shape)
    if news or known["missing"]:
        lines += [" found = watching.get()", " if found is not None:"]
        lines.append(f"  found += [{', '.join([*news, '*missing'])}]")
    lines.append(" return model")
    exec("\n".join(lines), known)  # noqa: S102 - its names are those of our own models
    return cast("Callable[[dict[str, Any]], T]", known["make"])


def _set(name: str, given: str, hook_name: str, hook: Hook) -> list[str]:
    """Write how a value becomes the member *name*."""
    read = [f"  {line}" for line in _read(given, hook_name, hook)]
    where = f"if {given} != {{}}: " if name in MADE_LATE else ""
    return [f" if {given} is not None:", *read, f" {where}model.{name} = {given}"]


def _read(given: str, name: str, hook: Hook) -> list[str]:
    """Write how a value that is not None is read; *name* is that of its *hook*."""
    if isinstance(hook, Exactly):
        return [f"if type({given}) not in {name}.kinds:", f" {name}({given}, None)"]
    if hook is moment:  # most objects have two, and a call for each would show
        utc = f"{given} = {given}.replace(tzinfo=UTC)"
        return [f"{given} = parsed({given})", f"if {given}.tzinfo is None:", f" {utc}"]
    return [f"{given} = {name}({given}, None)"]
