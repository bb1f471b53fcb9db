"""What coupons and promotion codes have in common: terms, metadata, redemptions."""

import re
import sqlite3
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from .calls import DONE, Answer, Call
from .checks import Fields, as_object
from .state import generated_key

_DECODER = msgspec.json.Decoder(Any, float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CODE = re.compile(r"[A-Za-z0-9_-]+")
_MOST = 2**53
_SALE = (
    "SELECT 1 FROM sales WHERE key = ? AND gone = 0 UNION ALL"
    " SELECT 1 FROM referral_sales WHERE key = ? AND deleted_at ISNULL"
)
_NEEDED = "This value is needed."


def pack(value: Any) -> str:
    """Write a value as JSON to keep it, numbers exactly as they were sent."""
    return _ENCODER.encode(value).decode()


def unpack(text: str) -> Any:
    """Read what `pack` wrote."""
    return _DECODER.decode(text)


def read_code(fields: Fields, name: str, *, longest: int) -> str:
    """Read a code of letters, digits, `_` and `-`; one is made up if there is none."""
    code = fields.text(name) or generated_key()
    if len(code) > longest:
        fields.refuse(name, f"At most {longest} characters are possible.")
    if not _CODE.fullmatch(code):
        fields.refuse(name, "Letters, digits, underscores and hyphens are expected.")
    return code


def read_metadata(fields: Fields) -> dict[str, Any]:
    """Read metadata: an object, or the empty array that PHP makes of an empty one."""
    value = fields.value("metadata")
    members = as_object(value)
    if members is None and value is not None:
        fields.refuse("metadata", "An object is expected.")
    return members or {}


def read_choice(fields: Fields, name: str, choices: Collection[str]) -> str | None:
    """Read one of a few texts, which is needed."""
    value = fields.text(name, required=True)
    if value and value not in choices:
        fields.refuse(name, f"One of {', '.join(choices)} is expected.")
    return value


def read_whole(fields: Fields, name: str) -> int | None:
    """Read a whole number that is not negative."""
    if fields.value(name) in (None, ""):
        return None
    number = fields.integer(name, default=0)
    if number is not None and not 0 <= number <= _MOST:
        fields.refuse(name, "This number is out of range.")
    return number


def read_date(fields: Fields, name: str) -> str | None:
    """Read a day like 2026-03-04."""
    text = fields.text(name) or None
    try:
        if text is None or date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    fields.refuse(name, "A day like 2026-03-04 is expected.")
    return None


def read_limit(
    fields: Fields, stem: str, read: Callable[[Fields, str], Any]
) -> dict[str, Any]:
    """Read a limit and its switch: `<stem>_status` true needs `<stem>_value`."""
    status, name = f"{stem}_status", f"{stem}_value"
    on = fields.flag(status, default=False)
    if on and fields.value(name) in (None, ""):
        fields.refuse(name, _NEEDED)
    return {status: on, name: read(fields, name)}


def redeemed(call: Call, recorded: str) -> str:
    """Return the redemptions with the one that the body asks for, if it counts.

    A transaction key that is unknown or recorded already is ignored. No source says
    that limits or dates are checked, so they are not.
    """
    fields = call.fields
    entries = unpack(recorded)
    if not fields.flag("redeem", default=False):
        return recorded
    entry = {"redeemed_at": call.now}
    key = fields.text("transaction_key")
    if key:
        if call.state.one(_SALE, (key, key)) is None or any(
            each.get("transaction_key") == key for each in entries
        ):
            return recorded
        entry["transaction_key"] = key
    return pack([*entries, entry])


def merged(stored: str, changes: Mapping[str, Any]) -> str:
    """Merge metadata into what is stored."""
    return pack({**unpack(stored), **changes})


def metadata(row: sqlite3.Row) -> Any:
    """Shape metadata: an empty map is an array."""
    return unpack(row["metadata"]) or []


def usage(row: sqlite3.Row) -> dict[str, Any]:
    """Shape the redemptions: an empty array until the first one, then an object."""
    entries = unpack(row["redemptions"])
    return {
        "additional_info": {"redemptions": entries} if entries else [],
        "times_redeemed": len(entries),
    }


def removed(answer: Answer, noun: str) -> Answer:
    """Nest the status of a deletion, as these two resources alone do."""
    if answer != DONE:
        return answer
    return Answer(200, {"data": {"status": 1, "message": f"{noun} removed."}})
