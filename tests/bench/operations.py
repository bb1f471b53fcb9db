"""Every operation of the API: how it is called, and how a server answers well.

Both come from the published exchanges, and its class from the table of the retry rules:
nothing here is read from the client's code.
"""

from __future__ import annotations

import json
import re
from functools import cache
from inspect import isawaitable
from typing import Any, Final

import attrs

from partnero_async import Partnero
from tests.reference import BY_ID, OPERATIONS
from tests.test_examples import CONFIRMED_IN_DATA, EXAMPLES, PLAIN, arguments, load

CONFIRM: Final = "K7WQHARB"
"""The public id that the published program has, and that its deletion confirms."""

CLASSES: Final = {
    # Where the client is more careful than the table, or less; said in test_reference.
    "program.delete": "E",
    "partners.sign_in_url": "A",
    "transactions.delete": "E",
    "transactions.create_batch": "E",
}

LOOKED_UP: Final = {"transactions.delete"}
"""What is never sent again, but can be looked up: a deletion has happened when nothing
is found."""

FEW: Final = (
    *("partners.get", "partners.list", "customers.create", "customers.update"),
    *("customers.delete", "partners.create", "partners.archive", "transactions.create"),
    *("transactions.delete", "referrals.credit", "payouts.create", "leads.reject"),
)
"""Twelve that stand for all: each class, method and shape of answer."""


@attrs.frozen
class Subject:
    """One operation under test."""

    id: str
    letter: str
    """Its class in the table: A read, B sets a state, C, D and E create."""
    method: str
    path: str
    given: dict[str, Any]
    well: dict[str, Any]
    """The answer to it, as published."""
    status: int

    async def call(self, client: Partnero, *, window: int = 1) -> Any:
        """Call it; a list is walked to its end."""
        noun, _, name = self.id.partition(".")
        result = getattr(getattr(client, noun), name)(**self.given)
        if isawaitable(result):
            return await result
        return [item async for item in result.items(window=window)]

    def is_main(self, method: str, path: str) -> bool:
        """Tell its own request from its look-ups."""
        return (method, path) == (self.method, self.path)

    @property
    def typed(self) -> bool:
        """Whether its ``data`` is a record: what was never published is as it comes."""
        data = self.well.get("data")
        return isinstance(data, dict) and self.id not in PLAIN | CONFIRMED_IN_DATA

    @property
    def listed(self) -> bool:
        """Whether it answers a list with links."""
        return "links" in self.well


@cache
def subject(name: str) -> Subject:
    """Return an operation, with the main one of its published exchanges."""
    operation = BY_ID[name]
    folder = EXAMPLES if (EXAMPLES / f"{name}.json").exists() else EXAMPLES / "assumed"
    example = load(folder / f"{name}.json")
    well = json.loads(json.dumps(example.response["body"]))
    if "links" in well:
        well["links"]["next"] = None
    given = {"confirm": CONFIRM} if name == "program.delete" else arguments(example)
    return Subject(
        name,
        CLASSES.get(name, operation.retry),
        operation.method,
        example.request["path"],
        given,
        well,
        example.response["status"],
    )


@cache
def subjects(*, full: bool) -> tuple[Subject, ...]:
    """Return all operations, or the few that stand for them."""
    names = [operation.id for operation in OPERATIONS] if full else FEW
    return tuple(subject(name) for name in names)


# --- what a server answers to anything else ------------------------------------------


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    def literal_first(operation: Any) -> bool:
        return "{" in operation.route

    return [
        (
            operation.method,
            re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation.route))),
            operation.id,
        )
        for operation in sorted(OPERATIONS, key=literal_first)
    ]


def known(method: str, path: str) -> str | None:
    """Return the id of the operation at a path."""
    return next(
        (
            name
            for verb, route, name in _routes()
            if verb == method and route.fullmatch(path)
        ),
        None,
    )


@attrs.frozen
class Well:
    """A good answer."""

    status: int
    body: bytes


def _well(status: int, body: Any) -> Well:
    return Well(status, json.dumps(body).encode())


def answered(
    about: Subject, method: str, path: str, body: bytes, *, applied: bool
) -> Well:
    """Answer a request well; *applied*: what *about* writes has taken effect."""
    if about.id == "program.delete":
        return _of_deletion(method, body)
    if about.is_main(method, path):
        return _well(about.status, about.well)
    name = known(method, path)
    if method != "GET" or name is None:
        return _well(404, {"status": 0, "message": "no such route"})
    there = applied != (about.id in LOOKED_UP)
    return _record(about, subject(name), there=there)


def _record(about: Subject, asked: Subject, *, there: bool) -> Well:
    """Show what *about* has written, or that it is not there."""
    data = about.well.get("data")
    record = data if isinstance(data, dict) else asked.well.get("data", {})
    record = record[0] if isinstance(record, list) else record
    if asked.listed or isinstance(asked.well.get("data"), list):
        links = {"links": {"next": None}}
        return _well(200, {"data": [record] if there else [], **links, "status": 1})
    if not there:
        return _well(404, {"status": 0, "message": "not found"})
    return _well(200, {"data": record, "status": 1})


def _of_deletion(method: str, body: bytes) -> Well:
    if method == "GET":
        return _well(200, subject("program.get").well)
    name = "program.delete--step-two" if body else "program.delete"
    return _well(200, load(EXAMPLES / f"{name}.json").response["body"])
