"""The program itself: what it is, how it does, its settings, and its end."""

import hmac
import json
from typing import Any, cast

import attrs

from . import figures
from .calls import DONE, Answer, Call, data
from .checks import Fields, Refusal, as_object, invalid
from .routing import EVERY, SELLING, table
from .state import generated_key

# Everything about a program is kept as settings, which every memory has.
SCHEMA = ""

_CODE_LENGTH = 8
_CODE_SECONDS = 20
_NAME_LENGTH = 255
_WEBSITE_LENGTH = 250
_CURRENCY_LENGTH = 3
_LIFETIMES = range(1, 10_000_000)
_FLAGS = (
    "welcome_email_enabled",
    "onboarding_enabled",
    "partner_email_notifications_enabled",
    "referral_portal_enabled",
    "rewards_notification_enabled",
)
_PORTAL = {
    "registration_disabled": False,
    "program_page_enabled": True,
    "widget_enabled": False,
}
_TITLES = {
    "affiliate": "Affiliate",
    "refer_a_friend": "Referral",
    "newsletter": "Newsletter",
}


def get_program(call: Call) -> Answer:
    """Serve `program.get`: three shapes, by the type of the program."""
    match call.program.type:
        case "affiliate":
            return data(_affiliate(call))
        case "refer_a_friend":
            return data(_refer_a_friend(call))
        case _:
            return data(_newsletter(call))


def get_overview(call: Call) -> Answer:
    """Serve `program.overview`, deprecated; for refer-a-friend `program.get` again."""
    if call.program.type == "refer_a_friend":
        return data(_refer_a_friend(call))
    settings = _settings(call)
    own = {
        "program_initials": _name(call)[:1],
        "program_type_title": _TITLES[call.program.type],
        "program_name": _name(call),
        "partner_portal_url": _portal_url(call),
        "commission_description": settings["commission_description"],
        "cookie_lifetime": int(settings["cookie_lifetime"]),
        "payout_threshold": settings["payout_threshold"],
        "currency": settings["currency"],
    }
    counts = figures.affiliate_overview(call)
    return data({**counts, "overview_program_current_settings": own})


def update_program(call: Call) -> Answer:
    """Serve `program.update`; a refusal has no message, as the one published case."""
    try:
        changes = _read(call.fields)
    except Refusal as refusal:
        if call.assumptions.program_errors == "full":
            raise
        raise Refusal(refusal.status, "", errors=refusal.errors) from refusal
    for name, value in changes.items():
        call.state.keep(name, value)
    call.state.keep("edited_at", call.now)
    call.state.note("program.update", call.program.id)
    return Answer(200, {"status": 1, "message": "Program saved."})


def delete_program(call: Call) -> Answer:
    """Serve `program.delete`: the first call gives a code, the second one takes it.

    Afterwards no key of the program is recognised any more (assumption).
    """
    given = call.fields.text("confirmation_code")
    call.fields.settle()
    if given is None:
        code = generated_key(_CODE_LENGTH)
        call.state.keep("confirmation_code", code)
        call.state.keep("confirmation_until", str(call.program.clock() + _CODE_SECONDS))
        return Answer(200, {"data": {"confirmation_code": code}})
    if not _is_confirmed(call, given):
        texts = ["This code is wrong or has expired."]
        status = call.assumptions.wrong_code
        raise invalid({"confirmation_code": texts}, status=status)
    call.state.keep("deleted", call.now)
    call.state.note("program.delete", call.program.id)
    return Answer(200, {"status": 1, "message": "Program removed."})


def update_settings(call: Call) -> Answer:
    """Serve `settings.update`: any object is accepted, as no key is known."""
    settings = call.fields.nested("settings")
    if call.fields.value("settings") is None:
        call.fields.refuse("settings", "An object is expected.")
    settings.settle()
    call.state.note("settings.update", call.program.id)
    return DONE


def _read(fields: Fields) -> dict[str, str]:
    """Read what changes, as the settings that are kept."""
    name, website = fields.text("name"), fields.text("website")
    if name and len(name) > _NAME_LENGTH:
        fields.refuse("name", f"At most {_NAME_LENGTH} characters are possible.")
    if website and not website.startswith(("https://", "http://")):
        fields.refuse("website", "Give a complete web address.")
    if website and len(website) > _WEBSITE_LENGTH:
        fields.refuse("website", f"At most {_WEBSITE_LENGTH} characters are possible.")
    settings = fields.nested("program_settings")
    currency = settings.text("currency")
    if currency and not (len(currency) == _CURRENCY_LENGTH and currency.isalpha()):
        settings.refuse("currency", "A code of three letters is expected.")
    lifetime = settings.integer("cookie_lifetime", default=_LIFETIMES[0])
    if lifetime is not None and lifetime not in _LIFETIMES:
        settings.refuse("cookie_lifetime", "From 1 to 9999999 days are possible.")
    given = settings.value("cookie_lifetime") not in (None, "")
    kept = {
        "name": name,
        "website": website,
        "currency": currency and currency.upper(),
        "cookie_lifetime": str(lifetime) if given else None,
        **_switches(settings, "program", dict.fromkeys(_FLAGS)),
        **_portal_switches(fields),
    }
    fields.settle()
    return {name: value for name, value in kept.items() if value}


def _portal_switches(fields: Fields) -> dict[str, str | None]:
    members = as_object(fields.value("portal_settings")) or {}
    return _switches(fields.nested("portal_settings"), "portal", members)


def _switches(
    fields: Fields, group: str, names: dict[str, Any]
) -> dict[str, str | None]:
    return {
        f"{group}.{name}": json.dumps(fields.flag(name, default=False))
        for name in names
        if fields.value(name) is not None
    }


def _is_confirmed(call: Call, given: str) -> bool:
    code = call.state.setting("confirmation_code") or ""
    until = float(call.state.setting("confirmation_until") or 0)
    same = hmac.compare_digest(given.encode(), code.encode())
    return bool(code) and same and call.program.clock() <= until


def _affiliate(call: Call) -> dict[str, Any]:
    return {
        "program": _info(call),
        "stats": figures.affiliate(call),
        "program_settings": _settings(call),
        "portal_settings": _PORTAL | _kept_switches(call, "portal"),
    }


def _refer_a_friend(call: Call) -> dict[str, Any]:
    # By its values, so that a rule of nothing at all counts as none.
    rule = call.program.referral_reward
    return {
        "program": _info(call),
        "active_rewards": int(any(attrs.astuple(rule)[:2])),
        **figures.refer_a_friend(call),
        "overview_program_current_settings": {
            "partner_portal_url": _portal_url(call),
            "website_url": call.program.website,
        },
    }


def _newsletter(call: Call) -> dict[str, Any]:
    return {
        "id": call.program.id,
        "name": _name(call),
        "esp_type": "custom",
        "esp_type_name": "Custom",
        **figures.newsletter(call),
        "created_at": call.program.created_at,
    }


def _info(call: Call) -> dict[str, Any]:
    program = call.program
    edited_at = call.state.setting("edited_at") or program.created_at
    return {
        # The number has no other use: any that stays the same will do.
        "id": int.from_bytes(program.id.encode()[:3]),
        "public_id": program.id,
        "website": program.website,
        "initial": _name(call)[:1],
        "type": _TITLES[program.type],
        "name": _name(call),
        "created_at": program.created_at[:10],
        "last_edited": edited_at[:10],
    }


def _name(call: Call) -> str:
    return call.state.setting("name") or f"Sandbox {_TITLES[call.program.type]} Program"


def _portal_url(call: Call) -> str:
    return f"{call.program.website}/portal"


def _settings(call: Call) -> dict[str, Any]:
    """Shape the settings: the days of the cookie are a text here."""
    percent = figures.plain_text(call.program.commission * 100)
    return {
        "currency": call.program.currency,
        "cookie_lifetime": call.state.setting("cookie_lifetime") or "30",
        "commission_description": f"{percent}% of every sale",
        "commission_value": percent,
        "has_multiple_commissions": False,
        "payout_threshold": 0,
        **_kept_switches(call, "program"),
    }


def _kept_switches(call: Call, group: str) -> dict[str, bool]:
    rows = call.state.rows(
        "SELECT name, value FROM settings WHERE name GLOB ?", (f"{group}.*",)
    )
    return {
        cast("str", row["name"]).partition(".")[2]: json.loads(row["value"])
        for row in rows
    }


ROUTES = [
    *table(
        EVERY,
        [
            ("program.get", "GET", "/program", get_program),
            ("program.delete", "DELETE", "/program", delete_program),
            ("settings.update", "PUT", "/settings", update_settings),
        ],
    ),
    *table(
        SELLING,
        [
            ("program.overview", "GET", "/program/overview", get_overview),
            ("program.update", "PUT", "/program", update_program),
        ],
    ),
]
