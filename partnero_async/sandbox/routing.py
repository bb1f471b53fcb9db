"""What a route is: the form in which every noun's module lists its operations."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .calls import Answer, Call, ProgramType

__all__ = [
    "AFFILIATE",
    "EVERY",
    "NEWSLETTER",
    "REFER_A_FRIEND",
    "SELLING",
    "Handler",
    "ProgramType",
    "Route",
    "table",
]

Handler = Callable[[Call], Answer]

AFFILIATE: tuple[ProgramType, ...] = ("affiliate",)
REFER_A_FRIEND: tuple[ProgramType, ...] = ("refer_a_friend",)
NEWSLETTER: tuple[ProgramType, ...] = ("newsletter",)
SELLING: tuple[ProgramType, ...] = AFFILIATE + REFER_A_FRIEND
EVERY: tuple[ProgramType, ...] = SELLING + NEWSLETTER


class Route(NamedTuple):
    """An operation: its name in the API's list, main form first in *paths*."""

    operation: str
    method: str
    paths: Sequence[str]
    handler: Handler
    programs: Sequence[ProgramType]


def table(
    programs: Sequence[ProgramType], rows: Iterable[tuple[str, str, str, Handler]]
) -> list[Route]:
    """Make routes of *rows*: operation, method, paths with blanks between, handler.

    In every template the value, if there is one, is the second segment.
    """
    return [
        Route(operation, method, paths.split(), handler, programs)
        for operation, method, paths, handler in rows
    ]
