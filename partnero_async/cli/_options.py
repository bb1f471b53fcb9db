"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from .._limits import Rate

__all__ = ["Concurrency", "Limit", "Port", "Seconds", "Switch"]


def _check_rate(_: object, text: str | None) -> None:
    """Raise `ValueError`, which becomes a message that names the option."""
    if text is not None:
        Rate.parse(text)


Switch = Annotated[bool, Parameter(negative="", show_default=False)]
Concurrency = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=256))]
Seconds = Annotated[float, Parameter(validator=validators.Number(gte=0))]
Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
Limit = Annotated[str | None, Parameter(metavar="N/TIME", validator=_check_rate)]
