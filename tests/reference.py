"""The oracle: the operations, written from the published facts, not from the code.

Whoever changes the client or the sandbox does not change this file with it: it follows
``api/operations.json`` (ids, methods, routes, evidence) and the retry rules of
``reliability.md``, section 2 (letters), which stand beside the checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

API = Path(__file__).parents[1].parent / "shared" / "api"
"""The compilation of facts. A test that does not find it fails; it never skips."""

RESOURCES = ("account", "customers", "partners", "transactions")
"""The nouns that are built so far."""


class Operation(NamedTuple):
    """One operation, as published."""

    id: str
    method: str
    route: str
    evidence: str
    """How well method and route are attested."""
    retry: str
    """A read, B sets a state, C unique key, D key that is not unique, E relative."""

    @property
    def line(self) -> str:
        """Name it in a message: id, method and route."""
        return f"{self.id}: {self.method} {self.route}"


OPERATIONS = tuple(
    Operation(*line.split())
    for line in """
account.test              GET    /test                               vendor-sdk  A
partners.list             GET    /partners                           documented  A
partners.search           GET    /partners:search                    documented  A
partners.get              GET    /partners/{id}                      documented  A
partners.find             GET    /partner                            vendor-n8n  A
partners.create           POST   /partners                           documented  C
partners.update           PUT    /partners/{id}                      documented  B
partners.delete           DELETE /partners/{id}                      documented  B
partners.archive          POST   /partners/{id}/archive              documented  B
partners.restore          POST   /partners/{id}/revoke-archive       documented  B
partners.sign_in_url      POST   /partners:sign-in-url               vendor-n8n  E
partners.add_reward       POST   /partners/{id}/reward               vendor-n8n  E
customers.list            GET    /customers                          documented  A
customers.search          GET    /customers:search                   vendor-sdk  A
customers.get             GET    /customers/{key}                    documented  A
customers.create          POST   /customers                          documented  C
customers.update          PUT    /customers/{key}                    documented  B
customers.delete          DELETE /customers/{key}                    documented  B
customers.suspend         POST   /customers/{key}/suspend            documented  B
customers.approve         POST   /customers/{key}/approve            documented  B
customers.archive         POST   /customers/{key}/archive            vendor-n8n  B
customers.restore         POST   /customers/{key}/revoke-archive     vendor-n8n  B
customers.transactions    GET    /customers/{key}/transactions       documented  A
transactions.list         GET    /transactions                       documented  A
transactions.get          GET    /transactions/{key}                 documented  A
transactions.create       POST   /transactions                       documented  D
transactions.create_batch POST   /transactions                       old-docs    D
transactions.delete       DELETE /transactions/{key}                 documented  B
transactions.archive      POST   /transactions/{key}/archive         documented  B
transactions.restore      POST   /transactions/{key}/revoke-archive  documented  B
""".strip().splitlines()
)

BY_ID = {operation.id: operation for operation in OPERATIONS}
