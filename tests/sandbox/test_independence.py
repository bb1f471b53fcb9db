import ast
import sys
from pathlib import Path

import pytest

import partnero_async.sandbox

FOLDER = Path(partnero_async.sandbox.__file__).parent
ALLOWED = {"aiohttp", "attrs", "msgspec", *sys.stdlib_module_names}


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem
)
def test_nothing_of_the_client_is_imported(path: Path) -> None:
    """The sandbox knows the facts about the API, never the client's idea of them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.module or "").split(".")[0] in ALLOWED
        elif isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= ALLOWED
