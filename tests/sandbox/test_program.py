from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest

from partnero_async.sandbox import Assumptions
from partnero_async.sandbox.figures import formatted

DAY = 86_400


async def sell(api: Any, amount: Any, *, key: str, units: str = "EUR") -> None:
    """Register a partner and a customer of its own, and record a sale."""
    partner = {"email": f"{key}@example.com", "id": f"p{key}"}
    assert (await api("POST", "/partners", partner))[0] == 201
    customer = {"key": f"c{key}", "partner": {"id": f"p{key}"}}
    assert (await api("POST", "/customers", customer))[0] == 200
    sale = {"amount": amount, "amount_units": units, "customer": {"key": f"c{key}"}}
    assert (await api("POST", "/transactions", sale))[0] == 200


async def stats(api: Any) -> Any:
    """Read the statistics of an affiliate program."""
    return (await api("GET", "/program"))[1]["data"]["stats"]


async def test_affiliate_figures(serve: Any, clock: Any) -> None:
    """Counted from what happened; growth is against 30 days earlier."""
    _, api = await serve(currency="EUR")
    await sell(api, 1000, key="1")
    clock.now += 31 * DAY
    await sell(api, "1500.5", key="2")
    found = await stats(api)
    assert (found["total_partners"], found["total_partners_growth"]) == ("2", 100)
    assert (found["total_purchases"], found["total_signups"]) == ("2", "2")
    assert found["total_revenue"] == {"eur": "€2,500.50"}
    assert found["total_revenue_growth"] == 150
    assert found["total_reward"] == {"eur": "€250.05"}
    assert found["net_profit"] == Decimal("2250.45")
    assert found["net_profit_formatted"] == "€2,250.45"
    assert found["average_order_value"] == {"eur": "€1,250.25"}
    assert found["signup_to_sale_conversion"] == "100"


async def test_nothing_yet(serve: Any) -> None:
    """Empty maps of money are arrays; nothing grows from nothing."""
    _, api = await serve()
    found = await stats(api)
    assert (found["total_revenue"], found["total_partners"]) == ([], "0")
    assert (found["total_revenue_growth"], found["net_profit"]) == (0, 0)


async def test_hidden_and_deleted_count_for_nothing(serve: Any) -> None:
    """Sales that are archived, partners and customers that are gone."""
    _, api = await serve()
    await sell(api, 1, key="1")
    await api("DELETE", "/customers/c1")
    await api("DELETE", "/partners/p1")
    found = await stats(api)
    assert (found["total_partners"], found["total_purchases"]) == ("0", "0")
    assert (found["total_signups"], found["total_reward"]) == ("0", [])


async def test_friends_figures(serve: Any, clock: Any) -> None:
    """Whole numbers with what they were before."""
    _, api = await serve(programs=["refer_a_friend"], currency="PLN")
    await api("POST", "/customers", {"key": "a"})
    await api("POST", "/customers", {"key": "b", "referring_customer": {"key": "a"}})
    clock.now += 31 * DAY
    await api("POST", "/customers", {"key": "c"})
    await api("POST", "/transactions", {"amount": 7, "customer": {"key": "b"}})
    _, body = await api("GET", "/program")
    found = body["data"]
    names = ["total_customers", "total_referring_customers", "total_sales"]
    assert [found[name] for name in names] == [3, 1, 1]
    assert [found[f"{name}_before"] for name in names] == [2, 1, 0]
    assert [found[f"{name}_growth"] for name in names] == [50, 0, 0]
    assert (found["participation"], found["participation_growth"]) == (33, -34)
    assert found["total_revenue_from_sales"] == {"pln": "PLN 7.00"}
    assert (await api("GET", "/program/overview"))[1] == body


@pytest.mark.parametrize(
    ("units", "amount", "text"),
    [
        pytest.param("USD", "1234567.895", "$1,234,567.90", id="rounded"),
        pytest.param("GBP", "-0.5", "-£0.50", id="negative"),
        pytest.param("SEK", "3", "SEK 3.00", id="no sign"),
    ],
)
def test_formatted_money(units: str, amount: str, text: str) -> None:
    """Cents, separators, and the sign of the currency where it has one."""
    assert formatted(units, Decimal(amount)) == text


async def test_update(serve: Any, tmp_path: Path) -> None:
    """What changes is answered, has its effect, and survives a restart."""
    db = tmp_path / "shop.db"
    first, api = await serve(db=db)
    body = {
        "name": "Harbor",
        "website": "https://harbor.example",
        "program_settings": {
            "currency": "eur",
            "cookie_lifetime": 45,
            "onboarding_enabled": True,
        },
        "portal_settings": {"widget_enabled": True, "any_other": False},
    }
    answer = await api("PUT", "/program", body)
    assert answer == (200, {"status": 1, "message": "Program saved."})
    await sell(api, 1, key="1", units="")
    await first.close()
    _, api = await serve(db=db)
    data = (await api("GET", "/program"))[1]["data"]
    assert (data["program"]["name"], data["program"]["initial"]) == ("Harbor", "H")
    assert data["program_settings"]["cookie_lifetime"] == "45"
    assert data["program_settings"]["onboarding_enabled"] is True
    assert data["portal_settings"] == {
        "registration_disabled": False,
        "program_page_enabled": True,
        "widget_enabled": True,
        "any_other": False,
    }
    assert data["stats"]["total_revenue"] == {"eur": "€1.00"}
    partner = (await api("GET", "/partners/p1"))[1]["data"]
    assert partner["referral_link"].startswith("https://harbor.example?")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        pytest.param({"name": "x" * 256}, "name", id="name"),
        pytest.param({"website": f"https://{'x' * 250}"}, "website", id="length"),
        pytest.param(
            {"program_settings": {"currency": "euro"}},
            "program_settings.currency",
            id="currency",
        ),
        pytest.param(
            {"program_settings": {"cookie_lifetime": 0}},
            "program_settings.cookie_lifetime",
            id="lifetime",
        ),
        pytest.param(
            {"program_settings": {"cookie_lifetime": "x"}},
            "program_settings.cookie_lifetime",
            id="no number",
        ),
        pytest.param(
            {"portal_settings": {"widget_enabled": "yes"}},
            "portal_settings.widget_enabled",
            id="switch",
        ),
    ],
)
async def test_update_refused(serve: Any, body: Any, name: str) -> None:
    """Without a message, the one published case; with one by a switch."""
    forms: list[tuple[Literal["errors", "full"], list[str] | None]] = [
        ("errors", ["status", "errors"]),
        ("full", None),
    ]
    for form, members in forms:
        _, api = await serve(assumptions=Assumptions(program_errors=form))
        status, answer = await api("PUT", "/program", body)
        assert (status, list(answer["errors"])) == (422, [name])
        assert list(answer) == (members or ["status", "message", "errors"])


async def confirmed(api: Any, clock: Any, *, seconds: float) -> int:
    """Ask for a code, wait, and use it."""
    _, body = await api("DELETE", "/program")
    code = body["data"]["confirmation_code"]
    assert (list(body), len(code)) == (["data"], 8)
    clock.now += seconds
    status, _ = await api("DELETE", "/program", {"confirmation_code": code})
    return int(status)


async def test_deletion_in_two_steps(serve: Any, clock: Any) -> None:
    """The code counts for 20 seconds; afterwards the keys open nothing any more."""
    sandbox, api = await serve(programs=["affiliate", "newsletter"])
    wrong = {"confirmation_code": "abcdefgh"}
    assert (await api("DELETE", "/program", wrong))[0] == 422
    assert await confirmed(api, clock, seconds=20.001) == 422
    assert await confirmed(api, clock, seconds=20) == 200
    assert sandbox.ledger[-1].operation == "program.delete"
    assert (await api("GET", "/test"))[0] == 401
    other = sandbox.programs[1].api_key
    assert (await api("GET", "/test", key=other))[0] == 200


async def test_no_code_confirms_nothing(serve: Any, clock: Any) -> None:
    """Not even where the clock stands at the time of no code at all."""
    clock.now = 0.0
    _, api = await serve()
    for code in ({"confirmation_code": ""}, {"confirmation_code": " "}):
        assert (await api("DELETE", "/program", code))[0] == 422


async def test_wrong_code_by_switch(serve: Any, clock: Any) -> None:
    """400 for who prefers it."""
    _, api = await serve(assumptions=Assumptions(wrong_code=400))
    assert await confirmed(api, clock, seconds=21) == 400


async def test_settings(serve: Any) -> None:
    """Any object is accepted; nothing else is."""
    _, api = await serve()
    assert (await api("PUT", "/settings", {"settings": {"a": 1}}))[0] == 200
    for body in ({}, {"settings": 5}):
        assert (await api("PUT", "/settings", body))[0] == 422
