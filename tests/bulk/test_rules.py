"""Rules: what the documentation says of several cells of a row."""

from __future__ import annotations

from typing import Any

import pytest

from partnero_async.bulk import ResourceName, Source
from partnero_async.bulk.plan import RowError, plan_of

COUPON = {
    "uuid_code": "TEN",
    "coupon_discount_type": "percent",
    "coupon_discount_amount": "100",
    "coupon_duration_type": "once",
}
CODE = {"code": "HI", "coupon_uuid": "TEN"}
LINK = {"key": "l1", "partner.key": "p1"}

BROKEN = [
    pytest.param(
        "coupons",
        {**COUPON, "coupon_discount_amount": "-0.01"},
        "coupon_discount_amount: 0 or more is needed",
        id="negative discount",
    ),
    pytest.param(
        "coupons",
        {**COUPON, "coupon_discount_amount": "100.01"},
        "coupon_discount_amount: a percentage is 100 at most",
        id="more than all",
    ),
    pytest.param(
        "coupons",
        {**COUPON, "coupon_duration_type": "days"},
        "coupon_duration_value: needed where coupon_duration_type is days",
        id="days without a number",
    ),
    pytest.param(
        "coupons",
        {**COUPON, "active": "true", "redemption_times_status": "true"},
        "redemption_times_value: needed where redemption_times_status is true",
        id="limit without a number",
    ),
    pytest.param(
        "promotion_codes",
        {**CODE, "code": "H" * 101},
        "code: 100 characters at most",
        id="long code",
    ),
    pytest.param(
        "promotion_codes",
        {**CODE, "limit_to_specific_partner": "true"},
        "coupon_specific_partners: needed where limit_to_specific_partner is true",
        id="limited to nobody",
    ),
    pytest.param(
        "promotion_codes",
        {**CODE, "expiration_date_status": "true"},
        "expiration_date_value: needed where expiration_date_status is true",
        id="expires some day",
    ),
    pytest.param(
        "partner_links",
        {**LINK, "domain_id": "1", "is_additional": "false"},
        "is_additional: true is needed with domain_id",
        id="domain",
    ),
    pytest.param(
        "partners",
        {"email": "a@example.com", "password": "Secret1"},
        "password: 8 characters or more are needed, with a lower-case letter, an"
        " upper-case letter and a digit",
        id="short password",
    ),
    pytest.param(
        "partners",
        {"email": "a@example.com", "password": "secretsecret1"},
        "password: 8 characters or more are needed, with a lower-case letter, an"
        " upper-case letter and a digit",
        id="password in one case",
    ),
]


def read(resource: ResourceName, row: dict[str, str]) -> dict[str, Any]:
    """Read a row."""
    plan = plan_of(resource, Source(path="f.csv"), tuple(row))
    return plan.read(list(row.values())).arguments


@pytest.mark.parametrize(("resource", "row", "reason"), BROKEN)
def test_what_the_api_would_refuse(
    resource: ResourceName, row: dict[str, str], reason: str
) -> None:
    """A row that cannot be taken is rejected before anything is sent."""
    with pytest.raises(RowError) as caught:
        read(resource, row)
    assert (caught.value.code, caught.value.reason) == ("invalid", reason)


FINE = [
    pytest.param("coupons", COUPON, id="all of it"),
    pytest.param(
        "coupons",
        {
            **COUPON,
            "coupon_discount_type": "static",
            "coupon_discount_amount": "250",
            "coupon_duration_type": "years",
            "coupon_duration_value": "2",
            "redemption_times_status": "true",
            "redemption_times_value": "0",
        },
        id="limits with values",
    ),
    pytest.param(
        "promotion_codes",
        {
            **CODE,
            "code": "H" * 100,
            "first_time_order": "true",
            "limit_to_specific_customer": "true",
            "coupon_specific_customers.id": "7",
            "minimum_order_status": "false",
        },
        id="limited to somebody",
    ),
    pytest.param(
        "partner_links", {**LINK, "domain_id": "1", "is_additional": "true"}, id="link"
    ),
    pytest.param("partner_links", {**LINK, "is_additional": "true"}, id="flag alone"),
    pytest.param(
        "partners", {"email": "a@example.com", "password": "Secret12"}, id="password"
    ),
]


@pytest.mark.parametrize(("resource", "row"), FINE)
def test_what_the_api_takes(resource: ResourceName, row: dict[str, str]) -> None:
    """Nothing is refused that is documented."""
    assert read(resource, row)
