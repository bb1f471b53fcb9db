"""Fail points: places in the course of an import at which it is killed.

They are planted from outside, in a process that was forked to die of it: the importer
itself knows nothing of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from aiohttp.http_writer import StreamWriter

from partnero_async._session import Session
from partnero_async.bulk import course
from partnero_async.bulk.journal import Journal
from partnero_async.bulk.store import Store
from partnero_async.resources.transactions import TransactionsResource

When = Callable[..., bool]


@attrs.define
class Fuse:
    """Ends the process, as a power cut does, the n-th time that it burns."""

    left: int

    def burn(self) -> None:
        """Come one step nearer to the end."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _always(*_: Any, **__: Any) -> bool:
    return True


def _before(owner: Any, name: str, when: When = _always) -> Callable[[Fuse], None]:
    def plant(fuse: Fuse) -> None:
        real = getattr(owner, name)

        def planted(*arguments: Any, **rest: Any) -> Any:
            if when(*arguments, **rest):
                fuse.burn()
            return real(*arguments, **rest)

        setattr(owner, name, planted)

    return plant


def _after(owner: Any, name: str, when: When = _always) -> Callable[[Fuse], None]:
    def plant(fuse: Fuse) -> None:
        real = getattr(owner, name)

        def planted(*arguments: Any, **rest: Any) -> Any:
            value = real(*arguments, **rest)
            if when(*arguments, **rest):
                fuse.burn()
            return value

        setattr(owner, name, planted)

    return plant


def _answered(fuse: Fuse) -> None:
    real: Any = TransactionsResource.create

    async def planted(*arguments: Any, **rest: Any) -> Any:
        value = await real(*arguments, **rest)
        fuse.burn()
        return value

    TransactionsResource.create = planted  # type: ignore[method-assign]


def _head(fuse: Fuse) -> None:
    """Let the head of a request reach the socket, and nothing of its body."""
    real = StreamWriter._writelines

    def planted(self: Any, chunks: Any) -> None:
        if _is_sale(self, chunks):
            if fuse.left == 1:
                self.transport.write(chunks[0])
            fuse.burn()
        real(self, chunks)

    StreamWriter._writelines = planted  # type: ignore[method-assign]


def _is_sale(_: Any, chunks: Any) -> bool:
    return bytes(chunks[0]).startswith(b"POST ")


def _is_post(_: Any, request: Any, *__: Any) -> bool:
    return bool(request.method == "POST")


def _marks(state: str) -> When:
    return lambda _, marks: any(mark.state == state for mark in marks)


def _is_whole(_: Any, **values: str) -> bool:
    return "sha256" in values


def _is_part(path: Path, *_: Any) -> bool:
    return path.name.endswith(".part")


def _by_key(*_: Any, **rest: Any) -> bool:
    return "key" in rest


ONCE: Final = "once a run"
EACH: Final = "once a row"
SOME: Final = "once a commit"

SERVER: Final = "after the effect, before the answer"
"""The one point that the server has to know: it kills who asked."""
AGAIN: Final = "at a look-up while resuming"
"""The one point that is reached only where a run before was killed amid its sales."""

POINTS: Final[Mapping[str, tuple[str, Callable[[Fuse], None]]]] = {
    "amid the scan": (EACH, _before(Store, "add")),
    "before the commit of the scan": (ONCE, _before(Store, "keep", _is_whole)),
    "after the commit of the scan": (ONCE, _after(course, "scan")),
    "amid the survey": (ONCE, _after(Store, "know_customers")),
    "before the intent": (EACH, _before(Journal, "sent")),
    "before the commit of an intent": (SOME, _before(Store, "mark", _marks("sent"))),
    "after the commit of an intent": (SOME, _after(Store, "mark", _marks("sent"))),
    "after the intent, before the send": (EACH, _before(Session, "send", _is_post)),
    "after the head of a request": (EACH, _head),
    "after a whole request": (EACH, _after(StreamWriter, "_writelines", _is_sale)),
    SERVER: (EACH, lambda _: None),
    "after the answer, before its outcome": (EACH, _answered),
    "after the outcome, before its commit": (EACH, _after(Journal, "settled")),
    "after the commit of an outcome": (SOME, _after(Store, "mark", _marks("done"))),
    "before the rename of the rejects file": (ONCE, _before(Path, "replace", _is_part)),
    "after the rename of the rejects file": (ONCE, _after(Path, "replace", _is_part)),
    AGAIN: (ONCE, _before(TransactionsResource, "list", _by_key)),
}
"""How often each is reached, and how it is planted."""


def plant(name: str, nth: int) -> None:
    """Have this process killed the n-th time that it comes to a point."""
    POINTS[name][1](Fuse(nth))
