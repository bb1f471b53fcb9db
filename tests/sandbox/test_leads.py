import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from partnero_async.sandbox import Assumptions, Sandbox

LEAD = {
    "name": "Dagny Moreau",
    "email": "dagny@example.com",
    "partner": {"key": "mk"},
    "cfields": {"1": "Harbour", "2": ["one", "many"], "99": "kept"},
}


@pytest.fixture
async def lead(api: Any) -> Any:
    """Submit a lead for partner pt1."""
    status, body = await api("POST", "/leads", LEAD)
    assert status == 201
    return body["data"]


async def test_submitted_lead(api: Any, lead: Any, sandbox: Any) -> None:
    """The form shows name, e-mail and answers; unknown questions by their id."""
    assert lead == {
        "id": 1,
        "status": "submitted",
        "created_at": "2026-03-04",
        "lead_info": {"name": "Dagny Moreau", "email": "dagny@example.com"},
        "converted_to": None,
        "submitter": {"id": "pt1", "name": "", "email": "Marisol@example.org"},
        "submission_form": [
            {"question": "Name", "answer": "Dagny Moreau"},
            {"question": "Email address", "answer": "dagny@example.com"},
            {"question": "Company", "answer": "Harbour"},
            {"question": "Interests", "answer": ["one", "many"]},
            {"question": "99", "answer": "kept"},
        ],
        "can_be_converted": True,
        "can_be_rejected": True,
    }
    assert (await api("GET", "/leads/1"))[1]["data"] == lead
    assert sandbox.ledger[-1].operation == "leads.create"


@pytest.mark.parametrize(
    ("changes", "status", "fields"),
    [
        pytest.param(
            dict.fromkeys(LEAD), 422, ["name", "email", "partner.key"], id="nothing"
        ),
        pytest.param({"email": "dagny"}, 422, ["email"], id="email"),
        pytest.param({"cfields": "x"}, 422, ["cfields"], id="cfields"),
        pytest.param({"cfields": {"1": 5}}, 422, ["cfields.1"], id="answer"),
        pytest.param({"cfields": {"2": ["a", 5]}}, 422, ["cfields.2"], id="answers"),
        pytest.param({"partner": {"id": "pt9"}}, 404, [], id="unknown partner"),
    ],
)
async def test_creation_is_refused(
    api: Any, changes: dict[str, Any], status: int, fields: list[str]
) -> None:
    """Name, e-mail and a partner there is are needed."""
    answer = await api("POST", "/leads", {**LEAD, **changes})
    assert (answer[0], list(answer[1].get("errors", {}))) == (status, fields)
    assert (await api("GET", "/leads"))[1]["data"] == []


async def test_repeated_submission_is_a_second_lead(api: Any, lead: Any) -> None:
    """Nothing of a lead is unique; the newest comes first."""
    assert (await api("POST", "/leads", {**LEAD, "cfields": []}))[0] == 201
    _, body = await api("GET", "/leads")
    assert [item["id"] for item in body["data"]] == [2, lead["id"]]
    _, body = await api("GET", "/leads", params={"sort": "asc", "limit": "1"})
    assert [item["id"] for item in body["data"]] == [1]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_conversion_makes_customer_and_sale(
    api: Any, lead: Any, sandbox: Any, method: str
) -> None:
    """The partner earns by the commission rule; both flags are cleared."""
    members = {"id": lead["id"], "commission_transaction_amount": 1250.5}
    form = {"params": members} if method == "GET" else {"body": members}
    status, body = await api(method, "/leads/convert", **form)
    key = body["data"]["converted_to"]["key"]
    assert (status, len(key)) == (200, 12)
    assert body["data"] == {
        **lead,
        "status": "converted",
        "converted_to": {
            "key": key,
            "name": "Dagny Moreau",
            "email": "dagny@example.com",
        },
        "can_be_converted": False,
        "can_be_rejected": False,
    }
    _, customer = await api("GET", f"/customers/{key}")
    assert (customer["data"]["partner"], customer["data"]["name"]) == (
        "pt1",
        "Dagny Moreau",
    )
    _, sales = await api("GET", f"/customers/{key}/transactions")
    (sale,) = sales["data"]
    assert (sale["amount"], sale["action"]) == (Decimal("1250.5"), "sale")
    assert [reward["amount"] for reward in sale["rewards"]] == [Decimal("125.05")]
    operations = [effect.operation for effect in sandbox.ledger[-3:]]
    assert operations == ["customers.create", "transactions.create", "leads.convert"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_rejection(api: Any, lead: Any, method: str) -> None:
    """A rejected lead is neither rejected again nor converted."""
    form = {"params": {"id": 1}} if method == "GET" else {"body": {"id": 1}}
    status, body = await api(method, "/leads/reject", **form)
    expected = {
        **lead,
        "status": "rejected",
        "can_be_converted": False,
        "can_be_rejected": False,
    }
    assert (status, body["data"]) == (200, expected)
    again = {"id": 1, "commission_transaction_amount": 1}
    for path in ("reject", "convert"):
        status, body = await api("POST", f"/leads/{path}", again)
        assert (status, body["errors"]) == (
            422,
            {"id": ["The lead is rejected already."]},
        )
    _, sales = await api("GET", "/transactions")
    assert sales["data"] == []


async def test_wrong_state_as_a_switch(serve: Any) -> None:
    """400, as for other actions in the wrong state."""
    _, api = await serve(assumptions=Assumptions(lead_wrong_state=400))
    await api("POST", "/partners", {"email": "a@example.com", "key": "mk"})
    await api("POST", "/leads", LEAD)
    statuses = [(await api("POST", "/leads/reject", {"id": 1}))[0] for _ in range(2)]
    assert statuses == [200, 400]


@pytest.mark.parametrize(
    ("params", "status", "fields"),
    [
        pytest.param({}, 422, ["commission_transaction_amount", "id"], id="nothing"),
        pytest.param({"id": "1"}, 422, ["commission_transaction_amount"], id="amount"),
        pytest.param(
            {"id": "x", "commission_transaction_amount": "y"},
            422,
            ["commission_transaction_amount", "id"],
            id="no numbers",
        ),
        pytest.param(
            {"id": "7", "commission_transaction_amount": "1"}, 404, [], id="unknown"
        ),
    ],
)
@pytest.mark.usefixtures("lead")
async def test_conversion_is_refused(
    api: Any, params: dict[str, str], status: int, fields: list[str]
) -> None:
    """Number and amount are needed; nothing happens without them."""
    answer = await api("GET", "/leads/convert", params=params)
    assert (answer[0], list(answer[1].get("errors", {}))) == (status, fields)
    assert (await api("GET", "/leads/1"))[1]["data"]["can_be_converted"]


@pytest.mark.usefixtures("lead")
async def test_failed_conversion_changes_nothing(api: Any, sandbox: Any) -> None:
    """A partner that is gone cannot get a customer."""
    await api("DELETE", "/partners/pt1")
    before = len(sandbox.ledger)
    params = {"id": 1, "commission_transaction_amount": 1}
    assert (await api("GET", "/leads/convert", params=params))[0] == 400
    assert (await api("GET", "/leads/1"))[1]["data"]["status"] == "submitted"
    assert len(sandbox.ledger) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_broken_conversion_changes_nothing(
    serve: Any, tmp_path: Path, method: str
) -> None:
    """Whatever fails after the customer was made: all of it happens or nothing."""
    file = tmp_path / "sandbox.db"
    sandbox, api = await serve(db=file)
    await api("POST", "/partners", {"email": "a@example.com", "key": "mk"})
    await api("POST", "/leads", LEAD)
    before = len(sandbox.ledger)
    with closing(sqlite3.connect(file)) as database:
        database.execute(
            "CREATE TRIGGER stop BEFORE UPDATE ON leads"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    members = {"id": 1, "commission_transaction_amount": 1}
    form = {"params": members} if method == "GET" else {"body": members}
    assert (await api(method, "/leads/convert", **form))[0] == 500
    for path in ("/customers", "/transactions"):
        assert (await api("GET", path))[1]["data"] == []
    assert len(sandbox.ledger) == before


@pytest.mark.usefixtures("lead")
async def test_deleted_lead_is_gone(api: Any, sandbox: Any) -> None:
    """The customer of a converted lead stays."""
    _, body = await api(
        "POST", "/leads/convert", {"id": 1, "commission_transaction_amount": 5}
    )
    key = body["data"]["converted_to"]["key"]
    assert await api("DELETE", "/leads/1") == (200, {"status": 1})
    assert (await api("DELETE", "/leads/1"))[0] == 404
    assert (await api("GET", "/leads/1"))[0] == 404
    assert (await api("GET", "/leads/abc"))[0] == 404
    assert (await api("GET", "/leads"))[1]["data"] == []
    assert (await api("GET", f"/customers/{key}"))[0] == 200
    assert sandbox.ledger[-1][1:3] == ("leads.delete", "1")


async def test_deleted_leads_listed_as_a_switch(serve: Any) -> None:
    """Like everything that was deleted."""
    _, api = await serve(assumptions=Assumptions(deleted_listed=True))
    await api("POST", "/partners", {"email": "a@example.com", "key": "mk"})
    await api("POST", "/leads", LEAD)
    await api("DELETE", "/leads/1")
    assert len((await api("GET", "/leads"))[1]["data"]) == 1


async def test_details(api: Any) -> None:
    """The commission is the program's; no question of the form has to be answered."""
    status, body = await api("GET", "/leads/details")
    assert status == 200
    assert body["data"]["leads_enabled"] == "true"
    assert body["data"]["leads_commission"] == {
        "currency": "USD",
        "commission": 10,
        "commission_type": "percent",
    }
    fields = body["data"]["leads_custom_form_fields"]
    assert [field["required"] for field in fields] == [False, False, False]


def test_documented_forms_are_the_main_ones() -> None:
    """GET is what the documentation shows, although it changes something."""
    assert Sandbox.routes()["leads.convert"] == "GET /leads/convert"
    assert Sandbox.routes()["leads.reject"] == "GET /leads/reject"
