"""What the documentation asks of the values of a row, beyond what one cell shows.

Each rule takes the arguments of the create method, and returns why the API would refuse
them; None where nothing is known against them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

Arguments = Mapping[str, Any]

PASSWORD: Final = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,}", re.DOTALL)
COUNTED: Final = ("hours", "days", "months", "years")
LONGEST_CODE: Final = 100
MOST_PERCENT: Final = Decimal(100)


def none(_: Arguments) -> str | None:
    """Accept anything."""
    return None


def partner(arguments: Arguments) -> str | None:
    """Check the password, and do not quote it."""
    if PASSWORD.fullmatch(arguments.get("password", "Unused00")):
        return None
    return (
        "password: 8 characters or more are needed, with a lower-case letter, an"
        " upper-case letter and a digit"
    )


def coupon(arguments: Arguments) -> str | None:
    """Check the discount, how long it lasts, and its limits."""
    amount = arguments["coupon_discount_amount"]
    lasts = arguments["coupon_duration_type"]
    if amount < 0:
        return "coupon_discount_amount: 0 or more is needed"
    if arguments["coupon_discount_type"] == "percent" and amount > MOST_PERCENT:
        return "coupon_discount_amount: a percentage is 100 at most"
    if lasts in COUNTED and not arguments.get("coupon_duration_value"):
        return f"coupon_duration_value: needed where coupon_duration_type is {lasts}"
    return _unfinished(arguments)


def promotion_code(arguments: Arguments) -> str | None:
    """Check the code, and its limits."""
    if len(arguments["code"]) > LONGEST_CODE:
        return f"code: {LONGEST_CODE} characters at most"
    return _unfinished(arguments)


def _unfinished(arguments: Arguments) -> str | None:
    """Name what is needed by a limit that is turned on."""
    for switch in (name for name, value in arguments.items() if value is True):
        value = switch.removesuffix("_status") + "_value"
        if switch.startswith("limit_to_"):
            value = switch.replace("limit_to", "coupon") + "s"
        elif not switch.endswith("_status"):
            continue
        if arguments.get(value) is None:
            return f"{value}: needed where {switch} is true"
    return None


def partner_link(arguments: Arguments) -> str | None:
    """Check that a link on an additional domain says so."""
    if arguments.get("domain_id") is None or arguments.get("is_additional"):
        return None
    return "is_additional: true is needed with domain_id"
