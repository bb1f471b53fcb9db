"""What callers were told about their writes, held against what the server has done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from partnero_async import AmbiguousWriteError, PartneroError


@attrs.frozen
class Told:
    """What one caller was told about the write of one key."""

    key: str
    error: BaseException | None = None
    """What was raised; None where the call returned."""
    returned: str | None = None
    """The key of what the call returned."""


def check(history: Iterable[Told], effects: Mapping[str, int]) -> list[str]:
    """Return each way in which a caller was told what is not so, or paid twice."""
    return [
        f"{told.key}: {wrong}"
        for told in history
        for wrong in _wrong(told, effects.get(told.key, 0))
    ]


def _wrong(told: Told, effects: int) -> list[str]:
    wrong = [f"took effect {effects} times"] if effects > 1 else []
    error = told.error
    match error:
        case None if (effects, told.returned) != (1, told.key):
            wrong.append(f"returned {told.returned}, and took effect {effects} times")
        case None:
            pass
        case PartneroError() if effects and not error.maybe_applied:
            wrong.append(f"took effect, and was said not to have: {error}")
        case AmbiguousWriteError() if error.key != told.key:
            wrong.append(f"in doubt, and named {error.key}")
        case PartneroError():
            pass
        case _:
            wrong.append(f"raised {error!r}")
    return wrong
