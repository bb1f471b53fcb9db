"""The sandbox's description of itself, OpenAPI 3.1, made from its route table.

It says what the sandbox serves to the keys of one program: paths, methods, identifiers,
pages, the envelope of each answer, and every status. Bodies are objects without a list
of members, as the sandbox accepts every form of a request that a source shows.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .calls import ProgramType
from .routes import ROUTES
from .routing import Route

_PAGED = ("list", "search", "domains", "transactions")
#: Lists that were published without pages; `data` of the others is a page's items.
_UNPAGED = ("rewards.list",)
_LISTS = (*_PAGED, "referred")
_REFUSALS = {
    "400": "The call does not fit the state of things, or its body is not JSON.",
    "401": "The key is not recognised.",
    "403": "The key may not use this resource.",
    "404": "There is no such object.",
    "409": "A key, id or e-mail is taken, where this is not answered with 422.",
    "413": "The body is longer than 1 MiB.",
    "422": "Some values were not accepted.",
    "429": "Too many requests.",
    "500": "Unexpected failure.",
}
_REFUSAL = {
    "type": "object",
    "properties": {
        "status": {"const": 0},
        "message": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_PAGE = {
    "links": {
        "type": "object",
        "required": ["first", "last", "prev", "next"],
        "properties": {
            "first": {"type": "string"},
            "last": {"type": "null"},
            "prev": {"type": ["string", "null"]},
            "next": {"type": ["string", "null"]},
        },
    },
    "meta": {
        "type": "object",
        "required": ["current_page", "from", "path", "per_page", "to"],
        "properties": {
            "current_page": {"type": "integer"},
            "from": {"type": ["integer", "null"]},
            "path": {"type": "string"},
            "per_page": {"type": "integer"},
            "to": {"type": ["integer", "null"]},
        },
    },
}


def describe(kind: ProgramType, *, server: str) -> dict[str, Any]:
    """Describe what is served to a key of this *kind* under the base URL *server*."""
    paths: dict[str, dict[str, Any]] = {}
    forms: Counter[str] = Counter()
    for route in ROUTES:
        for path in route.paths if kind in route.programs else ():
            forms[route.operation] += 1
            operation = _operation(route, path, forms[route.operation])
            paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Partnero sandbox, {kind} program", "version": "1"},
        "servers": [{"url": server}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Refusal": _REFUSAL},
        },
    }


def _operation(route: Route, path: str, form: int) -> dict[str, Any]:
    """Describe a route under one path; further forms of it have further ids."""
    described: dict[str, Any] = {
        "operationId": f"{route.operation}.{form}" if form > 1 else route.operation,
        "tags": [route.operation.partition(".")[0]],
        "parameters": [*_identifier(path), *_page(route)],
        "responses": _responses(route),
    }
    if route.method in {"POST", "PUT", "DELETE"}:
        schema = {"schema": {"type": "object"}}
        described["requestBody"] = {"content": {"application/json": schema}}
    if form > 1:
        described["deprecated"] = True
    return described


def _identifier(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": part[1:-1],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for part in path.split("/")
        if part.startswith("{")
    ]


def _page(route: Route) -> list[dict[str, Any]]:
    if route.operation.partition(".")[2] not in _PAGED or route.operation in _UNPAGED:
        return []
    number = {"type": "integer", "minimum": 1}
    order = {"type": "string", "enum": ["asc", "desc"]}
    schemas: Mapping[str, Any] = {"limit": number, "page": number, "sort": order}
    return [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in schemas.items()
    ]


def _responses(route: Route) -> dict[str, Any]:
    success = {"description": "Done.", "content": _json(_envelope(route))}
    refusal = _json({"$ref": "#/components/schemas/Refusal"})
    described: dict[str, Any] = {"200": success}
    if route.method == "POST":
        described["201"] = success
    if route.method == "DELETE":
        described["204"] = {"description": "Done, without a body (by a switch)."}
    for status, text in _REFUSALS.items():
        described[status] = {"description": text, "content": refusal}
    return described


def _envelope(route: Route) -> dict[str, Any]:
    """Describe an answer around its data; a few have no `status`, as published."""
    is_list = route.operation.partition(".")[2] in _LISTS
    data = {"type": "array" if is_list else ["object", "array"]}
    members: dict[str, Any] = {
        "data": data,
        "status": {"const": 1},
        "message": {"type": "string"},
    }
    return {"type": "object", "properties": members | (_PAGE if is_list else {})}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
