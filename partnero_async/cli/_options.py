"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

__all__ = ["Concurrency", "Limit", "Seconds", "Switch"]

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
Concurrency = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=256))]
Seconds = Annotated[float, Parameter(validator=validators.Number(gte=0))]
Limit = Annotated[str | None, Parameter(metavar="N/TIME")]
