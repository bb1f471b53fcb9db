# What the examples of coupons and promotion codes need; see ../test_examples.py.

from typing import Any

from partnero_async.sandbox import Assumptions

UNREACHABLE = {
    "coupons.list--older-item-metadata-object": "old form",
}
OTHER_STATUS = {"coupons.create--static-with-active": 200}
SETTINGS = {
    "promotion_codes.list--newer-item-metadata-object": {
        "assumptions": Assumptions(full_promotion_codes=True)
    },
}

Calls = list[tuple[str, str, dict[str, Any] | None]]

_COUPON = {
    "name": "Early harbour",
    "uuid_code": "EARLY-HARBOUR-15",
    "coupon_discount_type": "percent",
    "coupon_discount_amount": 15,
    "coupon_duration_type": "days",
    "coupon_duration_value": 45,
    "redemption_times_status": True,
    "redemption_times_value": 300,
}
_CODE = {
    "coupon_uuid": "EARLY-HARBOUR-15",
    "code": "HARBOUR-ANNA",
    "minimum_order_status": True,
    "minimum_order_value": 40,
}
_METADATA = {"metadata": {"season": "spring"}}
_PARTNER: Calls = [
    ("POST", "/partners", {"email": "marisol.okafor@example.org", "key": "mk"}),
    ("POST", "/customers", {"key": "acct-20418", "partner": {"key": "mk"}}),
]
_SALES: Calls = [
    (
        "POST",
        "/transactions",
        {"key": key, "amount": 9, "customer": {"key": "acct-20418"}},
    )
    for key in ("inv-2026-00731", "inv-2026-00732")
]
_COUPONS: Calls = [("POST", "/coupons", _COUPON)]
_CODES: Calls = [*_COUPONS, ("POST", "/promotion-codes", _CODE)]
_NAMED = {"code": "HARBOUR-ANNA", "redeem": True, "metadata": {"channel": "x"}}

SETUP: dict[str, Calls] = {
    "coupons": _COUPONS,
    "coupons.create": [],
    "coupons.delete": [("POST", "/coupons", {**_COUPON, "uuid_code": "HL-FLAT-8"})],
    "coupons.get": _CODES,
    "coupons.update": [*_PARTNER, *_SALES, *_COUPONS],
    "coupons.update--metadata-merged": [("POST", "/coupons", {**_COUPON, **_METADATA})],
    "promotion_codes": _CODES,
    "promotion_codes.create": _COUPONS,
    "promotion_codes.update": [*_PARTNER, *_SALES, *_CODES],
}
BEFORE: dict[str, Calls] = {
    "promotion_codes.list--newer-item-metadata-object": [
        ("PUT", "/promotion-codes", _NAMED)
    ],
}
