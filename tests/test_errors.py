"""The errors: their tree, their text, and that they travel."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partnero_async import errors
from partnero_async.errors import (
    AmbiguousWriteError,
    Attempt,
    BadRequestError,
    DeadlineExceededError,
    NotFoundError,
    PartneroError,
    RateLimitError,
    RefusedError,
    Sent,
    ServerError,
    UsageError,
    ValidationError,
    refusal,
)

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PartneroError)
]
EACH = [pytest.param(kind, id=kind.__name__) for kind in CLASSES]

WAYS = [
    pytest.param(copy.copy, id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
    *(
        pytest.param(
            lambda error, n=protocol: pickle.loads(pickle.dumps(error, n)),  # noqa: S301 - our own
            id=f"pickle-{protocol}",
        )
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ),
]


def full(kind: type[PartneroError]) -> PartneroError:
    """Make an error that has everything."""
    error = kind(
        "no luck",
        operation="POST /transactions",
        status=502,
        fields={"amount": ["Too small.", "Not a number."]},
        attempts=[
            Attempt("GET /x", 0.0, 0.1, "502", "retry"),
            Attempt("GET /x", 0.5, 0.1, "502", "raise", 0.4, "a repeat"),
        ],
        elapsed=0.6,
        key="inv-1",
        request_id="req-9",
        maybe_applied=True,
        retry_at=datetime(2026, 3, 4, tzinfo=UTC),
    )
    error.add_note("noted")
    return error


# --- the tree --------------------------------------------------------------------


def drawn() -> dict[str, str | None]:
    """Read the tree out of the module's docstring: each class with its parent."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"    ((?:[│├└─ ]{4})*)([A-Z]\w+)\b.*", line)
        if found:
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            parents[found[2]] = above[depth - 1] if depth else None
    return parents


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    """Every class is drawn, below the class it derives from."""
    real = {
        kind.__name__: next(
            (base.__name__ for base in kind.__bases__ if base in CLASSES), None
        )
        for kind in CLASSES
    }
    assert drawn() == real


def test_every_class_is_public() -> None:
    """What is raised can be caught by name."""
    assert {kind.__name__ for kind in CLASSES} <= set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_a_public_name_is_there(name: str) -> None:
    """``__all__`` promises nothing that is missing."""
    assert hasattr(errors, name)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        pytest.param(UsageError, ValueError, id="usage"),
        pytest.param(DeadlineExceededError, TimeoutError, id="deadline"),
    ],
)
def test_an_error_is_also_the_builtin_that_one_expects(
    kind: type[PartneroError], builtin: type[Exception]
) -> None:
    """Callers who know only the standard library catch them too."""
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (405, "RefusedError"),
        (409, "ConflictError"),
        (410, "RefusedError"),
        (418, "RefusedError"),
        (422, "ValidationError"),
        (429, "RateLimitError"),
        (499, "RefusedError"),
        (500, "ServerError"),
        (503, "ServerError"),
        (599, "ServerError"),
        (999, "ServerError"),
    ],
)
def test_the_class_of_a_status(status: int, name: str) -> None:
    """Each documented status has its class; others have the family's."""
    assert refusal(status).__name__ == name


# --- copies ----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", EACH)
def test_an_error_travels(
    kind: type[PartneroError], way: Callable[[PartneroError], PartneroError]
) -> None:
    """A task queue passes on the same type, text and attributes."""
    error = full(kind)
    twin = way(error)
    assert type(twin) is kind
    assert twin is not error
    assert str(twin) == str(error)
    assert twin.args == error.args
    assert vars(twin) == vars(error)


ATTEMPTS = st.builds(
    Attempt,
    operation=st.text(max_size=9),
    at=st.floats(allow_nan=False),
    took=st.floats(allow_nan=False),
    came_back=st.text(max_size=9),
    then=st.text(max_size=9),
    waited=st.floats(allow_nan=False),
    waited_for=st.text(max_size=9),
)
SENT = st.builds(
    Sent, method=st.text(max_size=9), url=st.text(), body=st.none() | st.binary()
)
DETAILS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "operation": st.none() | st.text(),
        "status": st.none() | st.integers(),
        "fields": st.dictionaries(st.text(), st.lists(st.text(), max_size=3)),
        "attempts": st.lists(ATTEMPTS, max_size=3),
        "elapsed": st.none() | st.floats(allow_nan=False),
        "key": st.none() | st.text(),
        "request_id": st.none() | st.text(),
        "maybe_applied": st.booleans(),
        "retry_at": st.none() | st.datetimes(timezones=st.timezones()),
    },
)


@st.composite
def errors_of_all_kinds(draw: st.DrawFn) -> PartneroError:
    """Draw an error with any attributes."""
    error = draw(st.sampled_from(CLASSES))(draw(st.text()), **draw(DETAILS))
    error.sent = draw(st.none() | SENT)
    for note in draw(st.lists(st.text(), max_size=2)):
        error.add_note(note)
    return error


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=200, deadline=None)
@given(error=errors_of_all_kinds())
def test_an_error_travels_with_whatever_it_has(
    way: Callable[[PartneroError], PartneroError], error: PartneroError
) -> None:
    """No value of any attribute is lost, changed, or in the way; and it goes on."""
    twin = way(way(error))
    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert vars(twin) == vars(error)


def test_a_deep_copy_shares_nothing_that_changes() -> None:
    """What is done to the one does not show in the other."""
    error = full(ServerError)
    twin = copy.deepcopy(error)
    twin.fields["amount"].append("more")
    twin.add_note("more")
    assert error.fields == {"amount": ["Too small.", "Not a number."]}
    assert error.__notes__ == ["noted"]


def test_an_error_travels_without_details() -> None:
    """An error with nothing but its text travels too, and says so."""
    twin = copy.copy(NotFoundError("gone"))
    assert (str(twin), twin.attempts, twin.fields) == ("gone", (), {})


# --- text ------------------------------------------------------------------------


def test_the_text_says_what_happened_and_what_to_do() -> None:
    """Operation, status, message, reasons, facts, advice: on one line."""
    assert str(full(ServerError)) == (
        "POST /transactions: 502 no luck (amount: Too small. Not a number.)"
        " (key inv-1, attempts 2, request id req-9). Try again later."
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(PartneroError("x"), "x", id="bare"),
        pytest.param(BadRequestError("x", status=400), "400 x", id="status"),
        pytest.param(RefusedError("x", key="k"), "x (key k)", id="key"),
        pytest.param(
            RefusedError("x", attempts=[Attempt("GET /x", 0, 0, "400", "raise")]),
            "x",
            id="one-attempt-goes-without-saying",
        ),
        pytest.param(
            ValidationError("x", fields={"": ["why"]}), "x (: why)", id="unnamed-field"
        ),
    ],
)
def test_the_text_leaves_out_what_is_not_known(error: PartneroError, text: str) -> None:
    """No empty brackets, no None."""
    assert str(error) == text


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param("no luck", "no luck.", id="words"),
        pytest.param("No luck.", "No luck.", id="sentence"),
        pytest.param("No luck!", "No luck!", id="cry"),
        pytest.param("no luck, and...", "no luck, and...", id="cut"),
    ],
)
def test_the_text_stops_before_its_advice(message: str, said: str) -> None:
    """Once, where what the API has said does so itself."""
    assert str(ServerError(message)) == f"{said} Try again later."
    stop = said.removeprefix(message)
    text = f"{message} (key k){stop} Try again later."
    assert str(ServerError(message, key="k")) == text
    assert str(PartneroError(message)) == message


def test_an_error_in_doubt_warns_of_sending_again() -> None:
    """The advice on a write in doubt is to look first."""
    assert "look it up first" in str(AmbiguousWriteError("x"))
    assert "retry_at" in str(RateLimitError("x"))


FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, line ends, and what turns the direction of text."""


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(CLASSES),
    message=st.text(),
    fields=st.dictionaries(st.text(), st.lists(st.text(), max_size=3), max_size=3),
    key=st.none() | st.text(),
    request_id=st.none() | st.text(),
)
def test_the_text_is_one_line_whatever_came(
    kind: type[PartneroError],
    message: str,
    fields: dict[str, list[str]],
    key: str | None,
    request_id: str | None,
) -> None:
    """Nothing a server sends moves a cursor, forges a log line or reorders text."""
    error = kind(message, fields=fields, key=key, request_id=request_id)
    assert not FORBIDDEN.search(str(error))
    assert not FORBIDDEN.search(error.message)
    assert len(str(error).splitlines()) <= 1


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("\n", id="line-feed"),
        pytest.param("\r", id="carriage-return"),
        pytest.param("\x1b", id="escape"),
        pytest.param("\x9b", id="csi"),
        pytest.param("\u2028", id="line-separator"),
        pytest.param("\u202e", id="right-to-left"),
    ],
)
def test_a_control_character_becomes_a_blank(character: str) -> None:
    """The words around it stay apart and readable."""
    error = ValidationError(f"a{character}b", fields={f"c{character}d": [character]})
    assert str(error) == "a b (c d:)"


def test_fields_are_copies() -> None:
    """An error does not change with what it was made from."""
    reasons: dict[str, Any] = {"email": ["taken"]}
    error = ValidationError("x", fields=reasons)
    reasons["email"].append("bad")
    assert error.fields == {"email": ["taken"]}
