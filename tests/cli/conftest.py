"""What the tests of the command share."""

from tests.bulk.conftest import shop as shop  # noqa: PLC0414 - a fixture, passed on
