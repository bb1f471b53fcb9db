"""Run the command, and kill it at a point of its n-th page.

``python export_fail_point.py POINT N export transactions ...``
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from partnero_async._records import json_lines
from partnero_async.bulk.draft import Draft
from partnero_async.cli import main

POINT, LAST = sys.argv[1], int(sys.argv[2])

pages = count(1)
add, become, replace = Draft.add, Draft.become, Path.replace


def die() -> None:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def add_and_die(self: Draft[Any], page: int, items: list[Any]) -> None:
    """Die before a page is written, in the middle of it, or once it counts."""
    mine = next(pages) == LAST
    if POINT == "before page" and mine:
        die()
    if POINT == "half a page" and mine:
        whole = json_lines(items)
        self._file.seek(self.whole.size)
        self._file.write(whole[: len(whole) // 2])
        self._file.flush()
        die()
    if POINT == "before it counts" and mine:
        self._file.seek(self.whole.size)
        self._file.write(json_lines(items))
        self._file.flush()
        die()
    add(self, page, items)
    if POINT == "after page" and mine:
        die()


def become_and_die(self: Draft[Any], written: Path) -> None:
    """Die when all is written, before it has its name."""
    if POINT == "before its name":
        die()
    become(self, written)


def replace_and_die(self: Path, target: Path) -> Path:
    """Die when it has its name, before the rest is dropped."""
    replaced = replace(self, target)
    if POINT == "after its name":
        die()
    return replaced


Draft.add = add_and_die  # type: ignore[method-assign]
Draft.become = become_and_die  # type: ignore[method-assign]
Path.replace = replace_and_die  # type: ignore[method-assign,assignment]
main(sys.argv[3:])
