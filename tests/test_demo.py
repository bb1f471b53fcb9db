from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from partnero_async.bulk.store import Store
from partnero_async.sandbox import read_ledger

DEMO = Path(__file__).parents[1] / "examples" / "demo.py"


def start_demo(kept: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEMO), str(kept)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def run_demo(kept: Path) -> str:
    done = start_demo(kept)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def test_demo_with_journals_of_a_sandbox_that_is_gone(tmp_path: Path) -> None:
    """One line says what to do, and nothing is moved."""
    journal = Store(tmp_path / "partners.journal", make=True)
    journal.keep(sha256="", resource="partners", program="gone")
    journal.close()
    done = start_demo(tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.splitlines()[-1].endswith(
        f": remove the folder {tmp_path}, then run this again"
    )


@pytest.mark.timeout(300)
def test_demo_moves_everything_once(tmp_path: Path) -> None:
    """The main job moves each row once, and a second run finds it all there."""
    first = run_demo(tmp_path)
    assert "to the cent" in first
    assert "nothing was changed" not in first
    assert "plan: 6,919 of 6,919 sales are new, 0 there already, 0 refused" in first
    page = tmp_path / "report.html"
    assert f"to look at: {page}" in first
    assert "244,091.94" in page.read_text("utf-8")
    ledger = read_ledger(tmp_path / "sandbox.db")
    sales = [
        effect
        for effect in ledger
        if effect.operation.startswith("transactions.create")
    ]
    assert len(ledger) == 40 + 2_357 + 6_919
    assert len({sale.key for sale in sales}) == 6_919
    assert sum(sale.amount or 0 for sale in sales) == Decimal("244091.94")

    second = run_demo(tmp_path)
    assert "plan: 0 of 6,919 sales are new, 6,919 there already" in second
    assert "Everything is there already: nothing was changed." in second
    assert read_ledger(tmp_path / "sandbox.db") == ledger
