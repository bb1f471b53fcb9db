"""One page of a list."""

from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.define(kw_only=True)
class Page(Generic[T]):
    """One page of a list, as it came."""

    items: list[T]
    number: int = 0
    """Counted from 1."""
    link: str | None = attrs.field(default=None, repr=False)
    """``links.next`` as it came; None on the last page, ``""`` without links."""
