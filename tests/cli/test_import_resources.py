"""`partnero import RESOURCE`: a command for each, whose help names its columns."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from partnero_async import Partnero
from partnero_async.bulk import fields_of
from tests.bulk.catalogue import EXAMPLES, Example, opened
from tests.bulk.shop import environment, run

by_resource = pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: example.resource
)


@by_resource
async def test_a_command_for_each(tmp_path: Path, example: Example) -> None:
    """Each resource is imported by the command of its name."""
    async with opened(Partnero, example.program) as (_, sandbox):
        file = example.write(tmp_path)
        ended = await run(
            "import",
            example.resource.replace("_", "-"),
            file,
            "--json",
            env=environment(sandbox),
        )
    assert ended.code == 0, ended
    report = json.loads(ended.out)
    assert (report["resource"], report["done"]) == (example.resource, 3)


@by_resource
async def test_help_names_the_columns(example: Example) -> None:
    """All columns are in the help of the command."""
    ended = await run(
        "import", example.resource.replace("_", "-"), "--help", env={"COLUMNS": "200"}
    )
    said = re.sub(r"[\s│]+", " ", ended.out)
    assert [name for name in fields_of(example.resource) if name not in said] == []
