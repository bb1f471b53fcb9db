"""What every resource starts from: the way down to the transport."""

from typing import Any, TypeVar

from .._transport import Transport
from ..models.pages import Page
from ..pages import Pages

T = TypeVar("T")


class Resource:
    """A noun of the API, bound to the client that it sends through."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._call = transport.call

    def _pages(
        self, page: type[Page[T]], operation: str, *, limit: int, **rest: Any
    ) -> Pages[T]:
        return Pages(self._transport, page, operation, limit=limit, **rest)
