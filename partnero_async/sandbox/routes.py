"""The route table: what is served to a key of which type under which path."""

from collections.abc import Sequence

from . import referral_sales, sales
from .calls import ProgramType
from .nouns import NOUNS
from .routing import EVERY, Route

#: Where `transactions.create` becomes `transactions.create_batch`.
BATCHES: dict[ProgramType, Route] = {
    "affiliate": sales.BATCH,
    "refer_a_friend": referral_sales.BATCH,
}

ROUTES = [route for noun in NOUNS for route in noun.ROUTES]

Shape = tuple[str, ...]
Table = dict[Shape, dict[str, tuple[Route, str]]]


def _shape(template: str) -> Shape:
    return tuple("{}" if "{" in part else part for part in template.split("/")[1:])


def _table(kind: ProgramType) -> Table:
    served: Table = {}
    for route in ROUTES:
        for path in route.paths if kind in route.programs else ():
            served.setdefault(_shape(path), {})[route.method] = (route, path)
    return served


_TABLES = {kind: _table(kind) for kind in EVERY}


def main_forms() -> dict[str, str]:
    """Map every operation to its main form, as `METHOD /path/{template}`."""
    return {
        route.operation: f"{route.method} {route.paths[0]}"
        for route in [*ROUTES, *BATCHES.values()]
    }


def methods(kind: ProgramType, parts: Sequence[str]) -> dict[str, tuple[Route, str]]:
    """Return the routes by method for the segments of a path; literals win.

    A resource that programs of this *kind* do not have is not there at all.
    """
    served = _TABLES[kind]
    literal = served.get(tuple(parts))
    if literal is not None:
        return literal
    return served.get((*parts[:1], "{}", *parts[2:]), {})
