"""What every resource starts from: the way down to the transport."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from .._programs import Bound
from .._transport import Transport
from .._wire import next_page, request
from ..errors import UsageError
from ..models.pages import Page
from ..pages import Pages
from ..retries import Kind

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

    @staticmethod
    def _returns_existing(if_exists: str) -> bool:
        """Read what to do about a record that is there already."""
        if if_exists not in ("raise", "return"):
            raise UsageError(f'if_exists={if_exists!r}: give "raise" or "return"')
        return if_exists == "return"

    async def _whole(
        self,
        page: type[Page[T]],
        operation: str,
        *,
        parts: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Sequence[T]:
        """Read a list of which no pages are documented.

        Nothing is asked for that is not documented either; but where the answer names a
        next page after all, that is read too, so that nothing is missed in silence.
        """
        asked = request(operation, parts=parts)
        base = self._transport.settings.base_url
        items: list[T] = []
        number: int | None = None
        while True:
            found = await self._call(
                page,
                Kind.READ,
                operation,
                parts=parts,
                query={**(query or {}), "page": number},
            )
            items += found.items
            if not found.link:
                return items
            number = next_page(found.link, base, asked, number or 1)
