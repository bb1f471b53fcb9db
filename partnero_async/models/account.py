"""Who the API key belongs to."""

from typing import Any

import attrs

from ._model import Model, no_extra


@attrs.define(kw_only=True)
class ProgramId(Model):
    """The program that an API key belongs to: one key, one program."""

    pub_id: str | None = None
    """Public id of the program; the program read calls it ``public_id``."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class Account(Model):
    """What the key check answers; only the program's id is known of it."""

    program: ProgramId | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)
