from typing import Any

import aiohttp
import pytest

from partnero_async.sandbox.routes import ROUTES
from partnero_async.sandbox.routing import EVERY


async def described(sandbox: Any, *, key: str | None = None) -> Any:
    """Fetch the description, with a key or without."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = sandbox.url.replace("/v1", "/openapi.json")
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await session.get(url)
        assert answer.status == 200
        return await answer.json()


@pytest.mark.parametrize("kind", EVERY)
async def test_it_has_every_route(serve: Any, kind: str) -> None:
    """Methods, paths and operations are those of the route table, and no others."""
    sandbox, _ = await serve(programs=[kind])
    body = await described(sandbox)
    assert (body["openapi"], body["servers"]) == ("3.1.0", [{"url": sandbox.url}])
    found = {
        (method.upper(), path, operation["operationId"].partition(".")[0])
        for path, methods in body["paths"].items()
        for method, operation in methods.items()
    }
    assert found == {
        (route.method, path, route.operation.partition(".")[0])
        for route in ROUTES
        for path in route.paths
        if kind in route.programs
    }


async def test_it_is_about_the_program_of_the_key(serve: Any) -> None:
    """Without a key it is about the first program."""
    sandbox, _ = await serve(programs=["affiliate", "newsletter"])
    body = await described(sandbox, key=sandbox.programs[1].api_key)
    assert "/subscribers" in body["paths"]
    assert "/partners" in (await described(sandbox))["paths"]


async def test_operations_have_one_id_each(serve: Any) -> None:
    """A further path of an operation is another operation to OpenAPI."""
    sandbox, _ = await serve()
    body = await described(sandbox)
    operations = [each for path in body["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    assert {"partners.update", "partners.update.2", "partners.update.3"} <= set(names)


async def test_pages_and_identifiers(serve: Any) -> None:
    """What a path and a page need is there, and nothing where there are no pages."""
    sandbox, _ = await serve(programs=["newsletter"])
    paths = (await described(sandbox))["paths"]
    names = [each["name"] for each in paths["/subscribers"]["get"]["parameters"]]
    assert names == ["limit", "page", "sort"]
    assert paths["/rewards"]["get"]["parameters"] == []
    (identifier,) = paths["/rewards/{id}"]["get"]["parameters"]
    assert (identifier["name"], identifier["in"]) == ("id", "path")
    assert "requestBody" not in paths["/rewards"]["get"]
    assert "requestBody" in paths["/rewards"]["post"]
