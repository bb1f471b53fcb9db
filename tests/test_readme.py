from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, README.read_text(), re.DOTALL | re.MULTILINE)


def test_ten_lines_work_as_pasted() -> None:
    """What the README shows first runs as it stands, and prints the commission."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks("python")[0]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "amount=Decimal('4.9')" in done.stdout


def test_code_of_the_readme_compiles() -> None:
    """Every block of Python is Python; what awaits stands in a coroutine."""
    for block in blocks("python"):
        body = "".join(f"    {line}\n" for line in block.splitlines())
        compile(f"async def main():\n{body}", str(README), "exec")
