import json
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "api" / "examples"
NOUNS = ("partners.", "customers.", "transactions.", "account.test")

# Answers that the sandbox cannot give, and why.
UNREACHABLE = {
    "account.test--more-members": "members beyond the known one",
    "customers.get--without-status-and-tags": "old form",
    "customers.list--deleted-and-full-items": "two kinds of item in one list",
    "partners.create--no-tags-member": "old form",
    "partners.get--amounts-as-strings": "deviates from the schema on purpose",
    "partners.get--multi-currency-custom-fields-object": "no custom fields",
    "partners.list--custom-fields-object": "no custom fields",
    "partners.list--legacy-key-without-id": "oldest form",
    "partners.list--unknown-fields": "members no source mentions",
    "transactions.create--refer-a-friend": "another program type",
    "transactions.get--amounts-as-strings": "deviates from the schema on purpose",
    "transactions.list--empty-array-product-unknown-reward-status": "PHP's empty map",
    "transactions.list--refer-a-friend": "another program type",
}
# Published with a success code that differs from the chosen one.
OTHER_STATUS = {
    "partners.create--email-only-status-200": 201,
    "customers.create--minimal-status-201": 200,
}
BEFORE = {
    "customers.get--suspended": ("POST", "/customers/acct-20418/suspend", None),
    "customers.restore": ("POST", "/customers/acct-20418/archive", None),
    "partners.restore": ("POST", "/partners/pt_B4xWn1/archive", None),
    "transactions.get--archived": (
        "POST",
        "/transactions/inv-2026-00731/archive",
        None,
    ),
    "transactions.restore": ("POST", "/transactions/inv-2026-00731/archive", None),
    "400-already-archived": ("POST", "/partners/pt_R8dLs3/archive", None),
}
PARTNERS = [
    {
        "id": "pt_7Q2mK9",
        "key": "marisol-hl",
        "email": "marisol.okafor@example.org",
        "name": "Marisol",
        "surname": "Okafor",
        "tags": ["travel-blog"],
    },
    {"id": "pt_B4xWn1", "email": "henrik.vasquez@example.net", "name": "Henrik"},
    {"id": "pt_R8dLs3", "email": "odile.ferro@example.com", "name": "Odile"},
    {
        "id": "pt_Zk5Tq0",
        "key": "ines-hl",
        "email": "ines.dragomir@example.net",
        "tags": ["podcast", "emea"],
    },
]
CUSTOMER = {
    "key": "acct-20418",
    "email": "tomasz.lindqvist@example.com",
    "name": "Tomasz",
    "surname": "Lindqvist",
    "tags": ["annual-plan"],
    "partner": {"key": "marisol-hl"},
}
PRODUCT = {"product_id": "cabin-42", "product_type": "weekend"}
SALES = [
    {"key": "inv-2026-00702", "amount": 64, "action": "sale", "rewardable": False},
    {"key": "inv-2026-00731", "amount": 149.5, "action": "sale", **PRODUCT},
]


def load(*folders: str) -> dict[str, Any]:
    """Read the example files of the operations that the sandbox serves."""
    files = [path for folder in folders for path in (EXAMPLES / folder).glob("*.json")]
    examples = {path.stem: json.loads(path.read_text()) for path in files}
    return {
        name: example
        for name, example in sorted(examples.items())
        if example["operation"].startswith(NOUNS)
    }


@pytest.fixture
async def prepared(serve: Any) -> Any:
    """Start a sandbox in the state that an example needs."""

    async def prepare(name: str, example: Any) -> Any:
        _, api = await serve(currency="EUR", website="https://harborlight.example")
        operation = example["operation"]
        for partner in PARTNERS[: 3 if operation == "partners.create" else 4]:
            assert (await api("POST", "/partners", partner))[0] == 201
        if operation != "customers.create":
            assert (await api("POST", "/customers", CUSTOMER))[0] == 200
            for sale in SALES:
                body = {"customer": {"key": "acct-20418"}, **sale}
                assert (await api("POST", "/transactions", body))[0] == 200
        if name in BEFORE:
            assert (await api(*BEFORE[name]))[0] == 200
        return api

    return prepare


def mismatches(expected: Any, found: Any, where: str = "") -> list[str]:
    """List members that differ in name or JSON type; null fits where it may stand."""
    if expected is None or found is None:
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        if where.endswith("product_type_data"):
            return []
        names = set(expected) ^ set(found)
        inner = [
            mismatch
            for name in set(expected) & set(found)
            for mismatch in mismatches(expected[name], found[name], f"{where}.{name}")
        ]
        return [f"{where}.{name}" for name in names] + inner
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected[:1], found[:1], strict=False)
        return [inner for pair in pairs for inner in mismatches(*pair, f"{where}[]")]
    return [] if kind(expected) == kind(found) else [where]


def kind(value: Any) -> str:
    """Name the JSON type; whole and other numbers are one type."""
    if isinstance(value, bool | str | dict | list):
        return type(value).__name__
    return "number"


@pytest.mark.parametrize(
    ("name", "example"),
    [
        pytest.param(name, example, id=name)
        for name, example in load("", "assumed").items()
        if name not in UNREACHABLE
    ],
)
async def test_answers_have_the_published_members(
    prepared: Any, name: str, example: Any
) -> None:
    """Same status, same members, same types as the example of the exchange."""
    api = await prepared(name, example)
    request, response = example["request"], example["response"]
    status, body = await api(
        request["method"], request["path"], request["body"], params=request["query"]
    )
    assert status == OTHER_STATUS.get(name, response["status"]), body
    assert mismatches(response["body"], body) == []


def test_unreachable_examples_exist() -> None:
    """No exception is kept longer than its example."""
    assert set(UNREACHABLE) <= set(load(""))


@pytest.mark.parametrize(
    "name",
    [
        "400-already-archived",
        "400-not-archived",
        "400-unknown-partner-key",
        "404-partner",
        "422-status-message-errors",
    ],
)
async def test_refusals_are_the_default_form(prepared: Any, name: str) -> None:
    """Code and whole body are those of the example."""
    example = load("errors")[name]
    request, response = example["request"], example["response"]
    known = name.startswith("422")
    api = await prepared(name, {"operation": "any"} if known else example)
    answer = await api(request["method"], request["path"], request["body"])
    assert answer == (response["status"], response["body"])


def test_a_difference_is_found() -> None:
    """The comparison sees missing, added and retyped members at any depth."""
    expected = {"a": [{"b": 1, "c": "x"}], "d": None, "e": True}
    found = {"a": [{"b": "1", "f": 0}], "d": 5, "e": 1}
    assert sorted(mismatches(expected, found)) == [".a[].b", ".a[].c", ".a[].f", ".e"]
