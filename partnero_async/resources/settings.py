"""Settings, in the way of the vendor's old library."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from ..retries import Kind
from ._resource import Resource


class SettingsResource(Resource):
    """Settings, in the way of the vendor's old library: prefer `program.update`."""

    async def update(self, settings: Mapping[str, Any]) -> None:
        """Change settings.

        Which names *settings* may have was never published, nor what is answered:
        prefer `program.update`. A value of None is not sent.
        Source: the vendor's PHP library only.
        """
        body = {"settings": settings}
        await self._call(NoneType, Kind.STATE, "PUT /settings", json=body)
