"""The receivers of the documentation run as they stand, and the sandbox sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from partnero_async.sandbox import Sandbox
from partnero_sync import Partnero

from .frameworks import (
    asgi,
    served_by_aiohttp,
    served_by_django,
    served_by_werkzeug,
)

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")

Serve = Callable[[Any], AbstractContextManager[int]]


def code_of(heading: str) -> str:
    """Return the program under a heading of the page."""
    found = re.search(
        rf"^## {heading}\n+```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE
    )
    assert found
    return found[1]


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize(
    ("heading", "name", "serve"),
    [
        pytest.param("FastAPI and Starlette", "app", asgi, id="fastapi"),
        pytest.param("Django", "urlpatterns", served_by_django, id="django"),
        pytest.param("Flask", "app", served_by_werkzeug, id="flask"),
        pytest.param("aiohttp", "app", served_by_aiohttp, id="aiohttp"),
    ],
)
def test_a_receiver_in_ten_lines(
    heading: str,
    name: str,
    serve: Serve,
    in_a_folder: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It prints each sale once, although one is delivered two times."""
    code = code_of(heading)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    with (
        Sandbox().in_thread() as sandbox,
        Partnero(sandbox.api_key, base_url=sandbox.url) as client,
    ):
        hook = client.webhooks.create(
            name="page", url="http://127.0.0.1/", events=["transaction.created"]
        )
        in_a_folder.setenv("PARTNERO_WEBHOOK_SECRET", hook.signature or "")
        program: dict[str, Any] = {"__name__": __name__}
        exec(compile(code, heading, "exec", dont_inherit=True), program)  # noqa: S102 - it is what is tested
        with serve(program[name]) as port:
            client.webhooks.update(
                hook.key or "", url=f"http://127.0.0.1:{port}/partnero"
            )
            client.partners.create(email="ada@example.com", key="ada")
            client.customers.create("c1", partner={"key": "ada"})
            for key, fault in (("s1", None), ("s2", "duplicate")):
                if fault:
                    sandbox.deliveries.disturb("duplicate")
                client.transactions.create(key=key, amount=49.9, customer={"key": "c1"})
                sandbox.wait_until_delivered()
        statuses = [
            [attempt.status for attempt in delivery.attempts]
            for delivery in sandbox.deliveries.log
        ]
        program["receiver"]._claims.close()
    assert statuses == [[200], [200, 200]]
    assert capsys.readouterr().out == "s1 49.9\ns2 49.9\n"
