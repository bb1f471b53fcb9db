from decimal import Decimal
from typing import Any

import pytest

from partnero_async.sandbox.checks import Fields, Refusal


def refused(fields: Fields) -> dict[str, list[str]]:
    """Settle fields that must be refused; return the errors."""
    with pytest.raises(Refusal) as caught:
        fields.settle()
    assert caught.value.status == 422
    return caught.value.errors


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        pytest.param(64, "64", id="integer"),
        pytest.param(Decimal("149.50"), "149.5", id="decimal"),
        pytest.param("149.50", "149.5", id="text"),
        pytest.param("-3", "-3", id="negative"),
        pytest.param(Decimal("1E+3"), "1000", id="exponent"),
    ],
)
def test_number_is_read_exactly(value: Any, amount: str) -> None:
    """Amounts come as numbers or texts and lose nothing but trailing zeros."""
    fields = Fields({"amount": value})
    number = fields.number("amount")
    fields.settle()
    assert number == Decimal(amount)
    assert str(number) == amount


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("NaN", id="nan"),
        pytest.param("1_000", id="underscore"),
        pytest.param(" 5", id="blank"),
        pytest.param("\u0665", id="foreign digit"),
        pytest.param("", id="empty"),
        pytest.param(True, id="boolean"),
        pytest.param([], id="list"),
        pytest.param(Decimal("1E+400"), id="huge"),
        pytest.param(Decimal("1E-400"), id="tiny"),
    ],
)
def test_number_is_refused(value: Any) -> None:
    """What is no amount, or too long to stay exact, is named."""
    fields = Fields({"amount": value})
    assert fields.number("amount") is None
    assert list(refused(fields)) == ["amount"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1772476800, id="unix seconds"),
        pytest.param("2026-03-02T18:40:00Z", id="iso"),
        pytest.param("2026-03-02T20:40:00+02:00", id="offset"),
        pytest.param("2026-03-02T18:40:00", id="naive means UTC"),
    ],
)
def test_moment_is_read_as_utc(value: Any) -> None:
    """Moments go in as Unix seconds or ISO text and come out in one form."""
    fields = Fields({"created_at": value})
    assert fields.moment("created_at") == "2026-03-02T18:40:00.000000Z"
    fields.settle()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("yesterday", id="text"),
        pytest.param(True, id="boolean"),
        pytest.param(10**30, id="far"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before year 1"),
        pytest.param([], id="list"),
    ],
)
def test_moment_is_refused(value: Any) -> None:
    """What is no moment is named."""
    fields = Fields({"created_at": value})
    assert fields.moment("created_at") is None
    assert list(refused(fields)) == ["created_at"]


@pytest.mark.parametrize(
    ("password", "reasons"),
    [
        pytest.param(None, 0, id="absent"),
        pytest.param("Quartz7lantern", 0, id="good"),
        pytest.param("Quartz7", 1, id="short"),
        pytest.param("quartz7lantern", 1, id="no upper case"),
        pytest.param("QUARTZ7LANTERN", 1, id="no lower case"),
        pytest.param("Quartzlantern", 1, id="no digit"),
        pytest.param("short", 3, id="everything"),
    ],
)
def test_password_names_every_weakness(password: str | None, reasons: int) -> None:
    """A password has 8 characters or more, with lower, upper case and a digit."""
    fields = Fields({"password": password})
    fields.password("password")
    if reasons:
        assert len(refused(fields)["password"]) == reasons
    else:
        fields.settle()


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("a", id="no at"),
        pytest.param("a@b", id="no dot"),
        pytest.param("a b@c.de", id="blank"),
        pytest.param("a@b@c.de", id="two ats"),
    ],
)
def test_email_is_refused(email: str) -> None:
    """An e-mail address has to be complete."""
    fields = Fields({"email": email})
    assert fields.email("email") is None
    assert list(refused(fields)) == ["email"]


def test_nested_mistakes_have_dotted_names() -> None:
    """Mistakes inside objects and lists are named by path, all in one answer."""
    fields = Fields({"tags": ["a", 7], "partner": {"key": 5}, "options": "x", "n": {}})
    fields.texts("tags")
    fields.texts("n")
    fields.nested("partner").text("key")
    fields.nested("options")
    fields.nested("absent").text("key", required=True)
    fields.flag("tags", default=False)
    assert sorted(refused(fields)) == [
        "absent.key",
        "n",
        "options",
        "partner.key",
        "tags",
        "tags.1",
    ]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        pytest.param([], ["items"], id="empty"),
        pytest.param(None, ["items"], id="absent"),
        pytest.param([{}, 7, None], ["items.1", "items.2"], id="not objects"),
    ],
)
def test_items_need_objects(value: Any, names: list[str]) -> None:
    """A list of objects needs one, and names those that are none."""
    fields = Fields({"items": value})
    fields.items("items")
    assert list(refused(fields)) == names


def test_empty_list_is_an_empty_object() -> None:
    """PHP writes an empty map as a list."""
    fields = Fields({"options": []})
    assert fields.nested("options").text("referral_url") is None
    fields.settle()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        pytest.param(None, 15, id="absent"),
        pytest.param("", 15, id="empty"),
        pytest.param(7, 7, id="number"),
        pytest.param("7", 7, id="text"),
    ],
)
def test_integer_is_read(value: Any, number: int) -> None:
    """Whole numbers come as numbers in bodies and as texts in queries."""
    assert Fields({"limit": value}).integer("limit", default=15) == number


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("7.5", id="fraction"),
        pytest.param(Decimal("7.5"), id="decimal"),
        pytest.param(True, id="boolean"),
        pytest.param("9" * 40, id="long"),
    ],
)
def test_integer_is_refused(value: Any) -> None:
    """What is no whole number is named."""
    fields = Fields({"limit": value})
    assert fields.integer("limit", default=15) is None
    assert list(refused(fields)) == ["limit"]
