"""The route table: every operation with the paths it is served under."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import customers, partners, sales
from .calls import Answer, Call, data

Handler = Callable[[Call], Answer]


class Route(NamedTuple):
    """An operation: its name in the API's list, main form first in *paths*."""

    operation: str
    method: str
    paths: Sequence[str]
    handler: Handler


def _test(call: Call) -> Answer:
    return data({"program": {"pub_id": call.program.id}})


def _routes(table: Sequence[tuple[str, str, str, Handler]]) -> list[Route]:
    return [
        Route(operation, method, paths.split(), handler)
        for operation, method, paths, handler in table
    ]


# Singular paths are the legacy ones of the vendor's PHP library.
ROUTES = _routes(
    [
        ("account.test", "GET", "/test", _test),
        ("partners.list", "GET", "/partners", partners.list_partners),
        ("partners.search", "GET", "/partners:search", partners.search_partners),
        ("partners.get", "GET", "/partners/{id}", partners.get_partner),
        ("partners.find", "GET", "/partner", partners.find_partner),
        ("partners.create", "POST", "/partners /partner", partners.create_partner),
        (
            "partners.update",
            "PUT",
            "/partners/{id} /partners /partner",
            partners.update_partner,
        ),
        (
            "partners.delete",
            "DELETE",
            "/partners/{id} /partners /partner",
            partners.delete_partner,
        ),
        (
            "partners.archive",
            "POST",
            "/partners/{id}/archive",
            partners.archive_partner,
        ),
        (
            "partners.restore",
            "POST",
            "/partners/{id}/revoke-archive",
            partners.restore_partner,
        ),
        (
            "partners.sign_in_url",
            "POST",
            "/partners:sign-in-url",
            partners.sign_in_url,
        ),
        (
            "partners.add_reward",
            "POST",
            "/partners/{id}/reward",
            partners.reward_partner,
        ),
        ("customers.list", "GET", "/customers", customers.list_customers),
        ("customers.search", "GET", "/customers:search", customers.search_customers),
        (
            "customers.get",
            "GET",
            "/customers/{key} /customer",
            customers.get_customer,
        ),
        (
            "customers.create",
            "POST",
            "/customers /customer",
            sales.create_customer_and_sale,
        ),
        (
            "customers.update",
            "PUT",
            "/customers/{key} /customers /customer",
            customers.update_customer,
        ),
        (
            "customers.delete",
            "DELETE",
            "/customers/{key} /customers /customer",
            customers.delete_customer,
        ),
        (
            "customers.suspend",
            "POST",
            "/customers/{key}/suspend",
            customers.suspend_customer,
        ),
        (
            "customers.approve",
            "POST",
            "/customers/{key}/approve",
            customers.approve_customer,
        ),
        (
            "customers.archive",
            "POST",
            "/customers/{key}/archive",
            customers.archive_customer,
        ),
        (
            "customers.restore",
            "POST",
            "/customers/{key}/revoke-archive",
            customers.restore_customer,
        ),
        (
            "customers.transactions",
            "GET",
            "/customers/{key}/transactions",
            sales.list_sales_of_customer,
        ),
        ("transactions.list", "GET", "/transactions", sales.list_sales),
        ("transactions.get", "GET", "/transactions/{key}", sales.get_sale),
        ("transactions.create", "POST", "/transactions", sales.create_sale),
        (
            "transactions.delete",
            "DELETE",
            "/transactions/{key} /transactions",
            sales.delete_sale,
        ),
        (
            "transactions.archive",
            "POST",
            "/transactions/{key}/archive",
            sales.archive_sale,
        ),
        (
            "transactions.restore",
            "POST",
            "/transactions/{key}/revoke-archive",
            sales.restore_sale,
        ),
    ]
)

#: Shares its URL with `transactions.create`; the member `transactions` of the body
#: tells them apart.
BATCH = Route(
    "transactions.create_batch", "POST", ["/transactions"], sales.create_sales
)

Shape = tuple[str, ...]


def _shape(template: str) -> Shape:
    return tuple("{}" if "{" in part else part for part in template.split("/")[1:])


_TABLE: dict[Shape, dict[str, tuple[Route, str]]] = {}
for _route in ROUTES:
    for _path in _route.paths:
        _TABLE.setdefault(_shape(_path), {})[_route.method] = (_route, _path)


def main_forms() -> dict[str, str]:
    """Map every operation to its main form, as `METHOD /path/{template}`."""
    return {
        route.operation: f"{route.method} {route.paths[0]}"
        for route in [*ROUTES, BATCH]
    }


def methods(parts: Sequence[str]) -> dict[str, tuple[Route, str]]:
    """Return the routes by method for the segments of a path; literals win.

    In every template the value, if there is one, is the second segment.
    """
    literal = _TABLE.get(tuple(parts))
    if literal is not None:
        return literal
    return _TABLE.get((*parts[:1], "{}", *parts[2:]), {})
