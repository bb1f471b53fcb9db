"""What a model keeps of an answer that it has no field for."""

from typing import Any


def no_extra() -> dict[str, Any]:
    """Return nothing yet: ``dict[str, Any]()`` is the same, and six times slower."""
    return {}
