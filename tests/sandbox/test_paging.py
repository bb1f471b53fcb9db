from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.fixture
async def many(api: Any) -> Any:
    """Record 17 sales of customer c1."""
    sales = [{"key": f"t{number}", "amount": 1} for number in range(17)]
    batch = {"customer": {"key": "c1"}, "transactions": sales}
    assert (await api("POST", "/transactions", batch))[0] == 200
    return api


def keys(answer: Any) -> list[str]:
    """List the keys of a page."""
    return [item["key"] for item in answer["data"]]


async def test_default_page_is_15_newest_first(many: Any, sandbox: Any) -> None:
    """Links are absolute, there is neither a last page nor a total."""
    _, answer = await many("GET", "/transactions")
    path = f"{sandbox.url}/transactions"
    assert keys(answer) == [f"t{number}" for number in range(16, 1, -1)]
    assert answer["links"] == {
        "first": f"{path}?page=1",
        "last": None,
        "prev": None,
        "next": f"{path}?page=2",
    }
    assert answer["meta"] == {
        "current_page": 1,
        "from": 1,
        "path": path,
        "per_page": 15,
        "to": 15,
    }
    assert answer["status"] == 1


async def test_next_links_walk_through_everything(many: Any, sandbox: Any) -> None:
    """Limit and filters stay in the links, encoded."""
    path, seen, pages = "/transactions?limit=5&customer.key=c1&sort=asc", [], 0
    while path:
        _, answer = await many("GET", path)
        pages += 1
        seen += keys(answer)
        following = answer["links"]["next"] or ""
        path = following.removeprefix(sandbox.url)
    assert seen == [f"t{number}" for number in range(17)]
    assert pages == 4
    assert answer["meta"]["from"] == 16
    assert answer["meta"]["to"] == 17
    assert urlsplit(answer["links"]["prev"]).query == (
        "page=3&limit=5&customer.key=c1&sort=asc"
    )


@pytest.mark.parametrize(
    ("query", "items"),
    [
        pytest.param("limit=17", 17, id="exactly all"),
        pytest.param("limit=250", 17, id="the most"),
        pytest.param("limit=1", 1, id="the least"),
        pytest.param("limit=17&page=2", 0, id="behind the end"),
        pytest.param(f"page={2**53}", 0, id="far behind the end"),
    ],
)
async def test_range(many: Any, query: str, items: int) -> None:
    """1 to 250 items; an empty page has no from and to and is no error."""
    status, answer = await many("GET", f"/transactions?{query}")
    assert (status, len(answer["data"])) == (200, items)
    assert (answer["meta"]["to"] is None) == (items == 0)
    assert (answer["links"]["next"] is None) == (items != 1)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("limit=0", id="limit 0"),
        pytest.param("limit=251", id="limit 251"),
        pytest.param("limit=x", id="no number"),
        pytest.param("page=0", id="page 0"),
        pytest.param("page=-1", id="negative"),
        pytest.param(f"page={2**53 + 1}", id="too far"),
        pytest.param("sort=up", id="sort"),
    ],
)
@pytest.mark.parametrize("path", ["/partners", "/customers", "/transactions"])
async def test_range_is_checked(api: Any, path: str, query: str) -> None:
    """Limit, page and sort outside their range are 422."""
    status, answer = await api("GET", f"{path}?{query}")
    assert (status, list(answer["errors"])) == (422, [query.partition("=")[0]])


async def test_arguments_in_a_json_body(many: Any, sandbox: Any) -> None:
    """The PHP library sends a body with GET; the query wins where both have a say."""
    _, answer = await many("GET", "/transactions", {"limit": 2, "page": 2})
    assert keys(answer) == ["t14", "t13"]
    assert answer["links"]["first"] == f"{sandbox.url}/transactions?page=1"
    _, answer = await many("GET", "/transactions?limit=1", {"limit": 2, "page": None})
    assert keys(answer) == ["t16"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("/partners:search?email=MARISOL", 1, id="part, any case"),
        pytest.param("/partners%3Asearch?id=pt1", 1, id="encoded colon"),
        pytest.param("/partners:search?key=m", 1, id="partner key"),
        pytest.param("/partners:search?name=x", 0, id="name never given"),
        pytest.param("/partners:search?id=pt1&key=no", 0, id="all have to match"),
        pytest.param("/partners:search?id=%25", 0, id="no wildcard"),
        pytest.param("/customers:search?email=tomasz", 1, id="customer e-mail"),
        pytest.param("/customers:search?key=c", 1, id="customer key"),
        pytest.param("/customers:search?id=c1", 1, id="customer id"),
        pytest.param("/customers:search?key=zz", 0, id="nobody"),
    ],
)
async def test_search(api: Any, path: str, found: int) -> None:
    """Criteria match in part, whatever the case, and all of them."""
    status, answer = await api("GET", path)
    assert (status, len(answer["data"])) == (200, found)
    assert answer["meta"]["path"].endswith(":search")


@pytest.mark.parametrize("path", ["/partners:search", "/customers:search?email="])
async def test_search_needs_a_criterion(api: Any, path: str) -> None:
    """Without any criterion it is 422."""
    assert (await api("GET", path))[0] == 422
