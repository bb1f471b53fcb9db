from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from partnero_async.sandbox import Sandbox
from partnero_async.sandbox.routes import ROUTES
from partnero_async.sandbox.routing import EVERY

ALLOWED = {200, 201, 400, 404, 422}
# Names that mean something, so that random bodies get behind the first check.
NAMES = st.sampled_from(
    [
        "key",
        "id",
        "email",
        "name",
        "tags",
        "partner",
        "customer",
        "update",
        "amount",
        "reward",
        "transactions",
        "transaction",
        "options",
        "create_customer",
        "limit",
        "page",
        "created_at",
        "product_id",
        "expires_in",
        "date",
        "referring_partner",
        "referring_customer",
        "metadata",
        "date_of_birth",
        "amount_units",
        "is_currency",
        "refer_status",
    ]
)
KNOWN = st.sampled_from(["pt1", "mk", "c1", "t1", "a@example.com", "12.5", "", True])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | KNOWN
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)
BODIES = st.none() | st.dictionaries(NAMES, VALUES, max_size=6)
CALLS = st.sampled_from(
    sorted(
        (kind, route.method, path)
        for route in ROUTES
        for kind in route.programs
        for path in route.paths
    )
)
TARGETS = st.sampled_from(["pt1", "c1", "t1", ".", ".."]) | st.text(min_size=1)

PREPARED = [
    ("affiliate", "/partners", {"email": "a@example.com", "id": "pt1", "key": "mk"}),
    ("affiliate", "/customers", {"key": "c1", "partner": {"id": "pt1"}}),
    (
        "affiliate",
        "/transactions",
        {"key": "t1", "reward": 1, "customer": {"id": "c1"}},
    ),
    ("refer_a_friend", "/customers", {"id": "pt1", "key": "mk"}),
    (
        "refer_a_friend",
        "/customers",
        {"key": "c1", "email": "a@example.com", "referring_customer": {"key": "mk"}},
    ),
    (
        "refer_a_friend",
        "/transactions",
        {"key": "t1", "amount": 1, "customer": {"key": "c1"}},
    ),
]


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    """Keep one connection to one sandbox with a partner, a customer and a sale."""
    with Sandbox(programs=EVERY).in_thread() as sandbox:
        host = sandbox.url.removeprefix("http://").removesuffix("/v1")
        connection = HTTPConnection(host)

        keys: dict[str, str] = {
            program.type: program.api_key for program in sandbox.programs
        }

        def call(kind: str, method: str, path: str, body: Any) -> tuple[int, Any]:
            raw = None if body is None else msgspec.json.encode(body)
            headers = {"Authorization": f"Bearer {keys[kind]}"}
            connection.request(method, f"/v1{path}", raw, headers)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "application/json"
            return answer.status, msgspec.json.decode(answer.read())

        for kind, path, body in PREPARED:
            status, answer = call(kind, "POST", path, body)
            assert status < 300, answer
        yield call
        connection.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(call=CALLS, target=TARGETS, body=BODIES, query=st.dictionaries(NAMES, TARGETS))
def test_no_input_is_a_failure(
    connection: Any, call: Any, target: str, body: Any, query: dict[str, str]
) -> None:
    """Whatever is sent, the answer is an object with a documented status."""
    kind, method, template = call
    segments = [
        quote(target, safe="") if "{" in part else part for part in template.split("/")
    ]
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    status, answer = connection(kind, method, f"{'/'.join(segments)}?{pairs}", body)
    assert status in ALLOWED
    # The published list of webhooks has no status.
    assert answer.get("status", 1) == (1 if status < 300 else 0)
