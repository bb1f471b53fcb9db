from collections.abc import Iterator
from typing import Any

import pytest
from partnero.authentication import Authentication
from partnero.base_api import BaseAPI, PartneroAPIException
from partnero.customer_api import CustomerAPI
from partnero.partner_api import PartnerAPI
from partnero.transaction_api import TransactionAPI

from partnero_async.sandbox import Sandbox


@pytest.fixture
def make() -> Iterator[Any]:
    """Run a sandbox in a thread; make clients of the community SDK for it."""
    clients: list[BaseAPI] = []
    with Sandbox().in_thread() as sandbox:
        Authentication.configure(api_key=sandbox.api_key)

        def client(kind: type[BaseAPI]) -> BaseAPI:
            clients.append(kind(base_url=f"{sandbox.url}/"))
            return clients[-1]

        yield client
        for each in clients:
            each.session.close()
    Authentication.configure(api_key=None)


def test_partners(make: Any) -> None:
    """Create, list, search, update and delete a partner."""
    partners = make(PartnerAPI)
    created = partners.create_partner("a@example.com", "Ada", "Quartz7lantern")["data"]
    assert partners.list_partners()["data"][0]["id"] == created["id"]
    found = partners.get_partner(name="ada")["data"]
    assert [partner["email"] for partner in found] == ["a@example.com"]
    updated = partners.update_partner(created["id"], surname="Novak")["data"]
    assert (updated["name"], updated["surname"]) == ("Ada", "Novak")
    assert partners.delete_partner(created["id"]) == {"status": 1}
    assert partners.list_partners()["data"] == []


def test_customers_and_transactions(make: Any) -> None:
    """Create, list, update and delete a customer and a sale."""
    make(PartnerAPI).create_partner(
        "a@example.com", "Ada", "Quartz7lantern", "p1", "pk"
    )
    customers, sales = make(CustomerAPI), make(TransactionAPI)
    customers.create_customer("pk", "c1", "c@example.com", "Cy")
    assert [item["key"] for item in customers.list_customers(limit=1)["data"]] == ["c1"]
    assert customers.update_customer("c1", name="Cyd")["data"]["name"] == "Cyd"
    sale = sales.create_transaction("c1", "t1", 12.5, "cd", "music", "sale")["data"]
    assert sale["rewards"][0]["amount"] == 1.25
    assert [item["key"] for item in sales.list_transactions()["data"]] == ["t1"]
    assert len(customers.get_customer_transactions("c1")["data"]) == 1
    assert sales.delete_transaction("t1") == {"status": 1}
    assert customers.delete_customer("c1") == {"status": 1}
    with pytest.raises(PartneroAPIException, match="No customer has this key"):
        customers.delete_customer("c1")
