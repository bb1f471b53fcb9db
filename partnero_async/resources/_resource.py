"""What every resource starts from: the way down to the transport."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from .._programs import Bound
from .._transport import Transport
from ..models.pages import Page
from ..pages import Pages

T = TypeVar("T")


class Resource:
    """A noun of the API, bound to the client that it sends through.

    A class that not every type of program has names those that do:
    ``class PartnersResource(Resource, programs=["affiliate"])``. A call that is refused
    in a program of another type raises `WrongProgramError`.
    """

    _bound: ClassVar[Bound | None] = None

    def __init_subclass__(cls, *, programs: Sequence[str] = ()) -> None:
        super().__init_subclass__()
        noun = cls.__module__.rpartition(".")[2]
        cls._bound = Bound(noun, frozenset(programs)) if programs else None

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._call = partial(transport.call, bound=self._bound)

    def _pages(
        self, page: type[Page[T]], operation: str, *, limit: int, **rest: Any
    ) -> Pages[T]:
        bound = self._bound
        return Pages(self._transport, page, operation, limit=limit, bound=bound, **rest)
