"""What the tests of the command share."""

from __future__ import annotations

import pytest

from partnero_async import Partnero
from tests.bulk.conftest import shop as shop  # noqa: PLC0414 - a fixture, passed on


@pytest.fixture
def partnero() -> type[Partnero]:
    """Return the client that a test prepares with: the command has one of its own."""
    return Partnero
