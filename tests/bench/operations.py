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

DELETED: Final = {"transactions.delete", "program.delete"}
"""What has happened when nothing is found, and is never sent again."""

LOOKED_UP: Final = DELETED | {"leads.convert"}
"""What has no key of its own and is never sent again, but can be looked up."""

GONE: Final = "2026-03-01T10:00:00.000000Z"

SHOWN: Final[dict[str, dict[str, Any]]] = {
    "partners.archive": {"status": "archived"},
    "partners.restore": {"status": "active"},
    "referrals.archive": {"status": "archived"},
    "referrals.restore": {"status": "active"},
    "transactions.archive": {"deleted_at": GONE},
    "transactions.restore": {"deleted_at": None},
    "payouts.approve": {"status": "approved"},
    "payouts.mark_as_paid": {"status": "finished"},
    "leads.reject": {"status": "rejected"},
}
"""What is refused when it is repeated, and how a record shows that it was done."""

NOT_SHOWN: Final = {"customers.archive", "customers.restore"}
"""What is refused when it is repeated, and no record shows whether it was done."""

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

    def is_main(self, method: str, path: str, *, has_body: bool = True) -> bool:
        """Tell its own request from its look-ups, and from the first of two steps."""
        last = has_body or self.id != "program.delete"
        return last and (method, path) == (self.method, self.path)

    @property
    def typed(self) -> bool:
        """Whether its ``data`` is a record: what was never published is as it comes."""
        data = self.well.get("data")
        other = PLAIN | CONFIRMED_IN_DATA | {"program.delete"}  # its first step's
        return isinstance(data, dict) and self.id not in other

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
    for member in [m for m in well if m.startswith("synchronization_")]:
        del well[member]  # beside the record, in the answer to a write alone
    given = {"confirm": CONFIRM} if name == "program.delete" else arguments(example)
    if name == "webhooks.create":  # its look-up finds no key but that which was sent
        given = {**given, "key": well["data"]["key"]}
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
    about: Subject,
    method: str,
    path: str,
    body: bytes,
    *,
    applied: bool,
    repeated: bool = False,
) -> Well:
    """Answer a request well; *applied*: what *about* writes has taken effect.

    *repeated*: it had done so before this request came.
    """
    if about.is_main(method, path, has_body=bool(body)):
        return _repeated(about) if repeated else _of_main(about)
    name = known(method, path)
    if about.id == "program.delete" and method == "DELETE":
        return _well(200, load(EXAMPLES / "program.delete.json").response["body"])
    if method != "GET" or name is None:
        return _well(404, {"status": 0, "message": "no such route"})
    there = applied != (about.id in DELETED)
    return _record(about, subject(name), there=there)


def _of_main(about: Subject) -> Well:
    if about.id == "program.delete":
        step = load(EXAMPLES / "program.delete--step-two.json")
        return _well(200, step.response["body"])
    return _well(about.status, about.well)


def _repeated(about: Subject) -> Well:
    """Answer what was done before as the API does: what is unique is refused."""
    if about.letter == "C":
        return _well(422, {"status": 0, "message": "taken", "errors": {"key": ["no"]}})
    if about.method == "DELETE":
        return _well(404, {"status": 0, "message": "not found"})
    if about.id in SHOWN or about.id in NOT_SHOWN:
        return _well(400, {"status": 0, "message": "it is in that state already"})
    return _of_main(about)


def _record(about: Subject, asked: Subject, *, there: bool) -> Well:
    """Show what *about* has written, or that it is not there."""
    record: Any = asked.well.get("data", {})
    if isinstance(about.well.get("data"), dict) and about.id != "program.delete":
        record = about.well["data"]
    record = record[0] if isinstance(record, list) else record
    record = {**record, **(SHOWN.get(about.id, {}) if there else {})}
    if asked.listed or isinstance(asked.well.get("data"), list):
        links = {"links": {"next": None}}
        return _well(200, {"data": [record] if there else [], **links, "status": 1})
    if not there:
        return _well(404, {"status": 0, "message": "not found"})
    return _well(200, {"data": record, "status": 1})
