"""Forks, ends and Ctrl-C, and proof that a broken promise would be seen."""

from __future__ import annotations

import pytest

from tests.bench import processes
from tests.bench.figures import assert_met
from tests.bench.processes import FORKING, PROMISED, forked


@pytest.mark.timeout(240)
def test_forks_ends_and_interruptions(seed: int) -> None:
    """Nothing hangs, and nothing is used that belongs to another process."""
    assert_met(processes.run(full=False, seed=seed))


@pytest.mark.parametrize(
    ("was", "planted", "told"),
    [
        pytest.param(
            "            warm.account.test()\n        except",
            "            pass\n        except",
            PROMISED[1],
            id="not-refused",
        ),
        pytest.param(
            "            code = 3\n",
            "            renewed.account.test()\n            code = 3\n",
            "requests came",
            id="one-request-more",
        ),
        pytest.param("code = 4\n", "os.abort()\n", "hung or broke", id="broken"),
    ],
)
def test_broken_promise_is_caught(was: str, planted: str, told: str) -> None:
    """What a child finds gets through to the figure."""
    program = FORKING.replace(was, planted)
    assert program != FORKING
    assert any(told in text for text in forked(2, program))
