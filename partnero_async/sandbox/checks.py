"""Reading what a caller sent: types, formats, and what is refused with which text."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeGuard, cast

from .amounts import plain

# No source gives bounds; these keep every sum and product exact (see amounts).
_WHOLE_DIGITS = 15
_DECIMAL_PLACES = 12

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PASSWORD_LENGTH = 8
_PASSWORD_RULES = (
    (re.compile(r"[a-z]"), "A lower-case letter is needed."),
    (re.compile(r"[A-Z]"), "An upper-case letter is needed."),
    (re.compile(r"\d"), "A digit is needed."),
)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Refusal(Exception):  # noqa: N818 - the API's word for it, not a fault of ours
    """End a call with a status other than success."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Mapping[str, list[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors: dict[str, list[str]] = dict(errors or {})


def invalid(errors: Mapping[str, list[str]], *, status: int = 422) -> Refusal:
    """Make the refusal for values that were not accepted."""
    return Refusal(status, "Some values were not accepted.", errors=errors)


def timestamp(moment: datetime) -> str:
    """Write *moment* the way the API does: UTC, microseconds, a trailing Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def timestamp_of(seconds: float) -> str:
    """Write Unix *seconds* the way the API does."""
    return timestamp(datetime.fromtimestamp(seconds, UTC))


def as_list(value: object) -> list[Any] | None:
    """Return *value* if it is a list, else None."""
    return value if _is_list(value) else None


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def as_object(value: object) -> dict[str, Any] | None:
    """Return *value* if it is an object, else None; PHP writes an empty one as []."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    return {} if value == [] else None


class Fields:
    """Read the members of one JSON object, collecting what is wrong with them.

    Readers return None for a member that is absent, null, or not acceptable; nothing
    is raised before `settle`, so that one answer names every mistake.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        prefix: str = "",
        errors: dict[str, list[str]] | None = None,
    ) -> None:
        self._values = values
        self._prefix = prefix
        self._errors = {} if errors is None else errors

    def settle(self) -> None:
        """Raise a 422 if anything read so far was not acceptable."""
        if self._errors:
            raise invalid(self._errors)

    def refuse(self, name: str, reason: str) -> None:
        """Note that the member *name* is not acceptable because of *reason*."""
        self._errors.setdefault(self._prefix + name, []).append(reason)

    def value(self, name: str) -> Any:
        """Return the member as it was sent; None when absent."""
        return self._values.get(name)

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Read a text; a required one may not be empty."""
        value = self._values.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, "This value is needed.")
            return value
        if not isinstance(value, str):
            self.refuse(name, "Text expected.")
            return None
        return value

    def email(self, name: str, *, required: bool = False) -> str | None:
        """Read an e-mail address."""
        value = self.text(name, required=required)
        if value and not _EMAIL.fullmatch(value):
            self.refuse(name, "Give a complete e-mail address.")
            return None
        return value

    def password(self, name: str) -> None:
        """Check a password: 8 or more, with lower case, upper case and a digit."""
        value = self.text(name)
        if value is None:
            return
        if len(value) < _PASSWORD_LENGTH:
            self.refuse(name, "At least eight characters are needed.")
        for pattern, reason in _PASSWORD_RULES:
            if not pattern.search(value):
                self.refuse(name, reason)

    def texts(self, name: str) -> list[str] | None:
        """Read a list of texts; mistakes are named by position (`tags.0`)."""
        value = self._values.get(name)
        if value is None:
            return None
        items = as_list(value)
        if items is None:
            self.refuse(name, "A list of texts is expected.")
            return None
        for position, item in enumerate(items):
            if not isinstance(item, str):
                self.refuse(f"{name}.{position}", "Text expected.")
        return items

    def flag(self, name: str, *, default: bool) -> bool:
        """Read a boolean."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, "True or false is expected.")
            return default
        return value

    def integer(self, name: str, *, default: int) -> int | None:
        """Read a whole number; one written as text is tolerated."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, "A whole number is expected.")
            return None
        return value

    def number(self, name: str) -> Decimal | None:
        """Read an amount exactly; one written as text is tolerated."""
        value = self._values.get(name)
        if value is None:
            return None
        number = _decimal(value)
        if number is None:
            self.refuse(name, "A number is expected.")
        elif not _manageable(number):
            self.refuse(name, "This number has too many digits.")
        else:
            return plain(number)
        return None

    def moment(self, name: str) -> str | None:
        """Read Unix seconds or ISO 8601 text; text without an offset means UTC."""
        value = self._values.get(name)
        if value is None:
            return None
        moment = _moment(value)
        if moment is None:
            self.refuse(name, "Unix seconds or an ISO 8601 text is expected.")
        return moment

    def nested(self, name: str) -> "Fields":
        """Step into an object; an absent one has no members."""
        value = self._values.get(name)
        members = as_object(value)
        if members is None and value is not None:
            self.refuse(name, "An object is expected.")
        return Fields(
            members or {}, prefix=f"{self._prefix}{name}.", errors=self._errors
        )

    def only(self, *names: str) -> "Fields":
        """Return the same object as if it had no other members."""
        return Fields(
            {name: value for name, value in self._values.items() if name in names},
            prefix=self._prefix,
            errors=self._errors,
        )

    def items(self, name: str) -> "list[Fields]":
        """Step into each object of a list that needs at least one."""
        items = as_list(self._values.get(name))
        if not items:
            self.refuse(name, "A list with at least one object is expected.")
            return []
        numbered = Fields(
            {str(n): 0 if item is None else item for n, item in enumerate(items)},
            prefix=f"{self._prefix}{name}.",
            errors=self._errors,
        )
        return [numbered.nested(str(position)) for position in range(len(items))]


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    return Decimal(value)


def _manageable(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return (
        number.adjusted() < _WHOLE_DIGITS
        and isinstance(exponent, int)
        and exponent >= -_DECIMAL_PLACES
    )


def _moment(value: object) -> str | None:
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return timestamp(datetime.fromtimestamp(value, UTC))
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return timestamp(
                moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            )
    except (ValueError, OverflowError, OSError):
        pass
    return None
