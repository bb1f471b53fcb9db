"""T: mistakes that are easily made, planted one by one: each has to be caught.

A mistake is an exact replacement in a copy of this checkout. The tests that guard
against it are run there, without it and with it: they have to pass, and then to fail.
A replacement that fits no longer, or fits twice, is a failure by its name.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from xml.etree import ElementTree as ET

import attrs

from tests.bench.figures import Figure

COUNTS: Final = {"small": 5, "full": 1_000}
"""How many are planted; there are fewer than a thousand."""
ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("partnero_async", "partnero_sync", "tests", "pyproject.toml")
PATIENCE: Final = 300.0
"""Seconds for the tests of one mistake; most take three."""


@attrs.frozen
class Plant:
    """One mistake, and the tests that have to see it."""

    name: str
    file: str
    was: str
    becomes: str
    nodes: Sequence[str]

    def applied(self, text: str) -> str:
        """Plant it in the text of its file; raise `LookupError` where it does not fit.

        So no refactoring turns a mistake into nothing.
        """
        if (times := text.count(self.was)) != 1:
            raise LookupError(f"{self.name}: fits {times} times in {self.file}")
        return text.replace(self.was, self.becomes)


SESSION: Final = "partnero_async/_session.py"
CALL: Final = "partnero_async/_call.py"
WIRE: Final = "partnero_async/_wire.py"
TEST_SESSION: Final = "tests/test_session.py"
TEST_TRANSPORT: Final = "tests/test_transport.py"
TEST_SEND: Final = "tests/bulk/test_send.py"
TEST_SIGNATURE: Final = "tests/webhooks/test_signature.py"
TEST_RECEIVER: Final = "tests/webhooks/test_receiver.py"
TEST_CLAIMS: Final = "tests/webhooks/test_claims.py"
TEST_RUN: Final = "tests/bulk/test_run.py"
TEST_IMPORTS: Final = "tests/bench/test_imports.py::test_kills_around_a_sale"

EARLY: Final = (
    "            with intent:\n"
    "                finding = await self._create(entry, newcomer)\n"
)
LATE: Final = (
    "            if True:\n"
    "                finding = await self._create(entry, newcomer)\n"
    "                await intent._write()\n"
)

RECEIVER: Final = "partnero_async/webhooks/receiver.py"
SQLITE_CLAIMS: Final = "partnero_async/webhooks/sqlite_claims.py"
BEFORE: Final = """\
        claim = self._claims.claim(event.id, lease=self._lease)
        if isinstance(claim, Taken):
            return attrs.evolve(TAKEN[claim], event=event)
        try:
            for function in functions:
                if task and task.cancelling():
                    yield asyncio.sleep(0)  # it raises there, and nothing more is begun
                result = function(event)
                if inspect.isawaitable(result):
                    yield result
        except BaseException:
            self._claims.release(claim)
            raise
"""
AFTER: Final = """\
        for function in functions:
            result = function(event)
            if inspect.isawaitable(result):
                yield result
        claim = self._claims.claim(event.id, lease=self._lease)
        if isinstance(claim, Taken):
            return attrs.evolve(TAKEN[claim], event=event)
"""

PLANTS: Final = (
    Plant(
        "sale sent again after a timeout",
        "partnero_async/retries.py",
        "    Kind.MONEY: Action.SETTLE,\n",
        "    Kind.MONEY: Action.RETRY,\n",
        [f"{TEST_SESSION}::test_sale_without_an_answer_is_sent_once"],
    ),
    Plant(
        "no proof asked for that a request was not sent",
        SESSION,
        "    flying.get().left = True\n",
        "    flying.get().left = False\n",
        [f"{TEST_SESSION}::test_sale_without_an_answer_is_sent_once"],
    ),
    Plant(
        "aiohttp's own second send is back",
        SESSION,
        "        raise dropped\n",
        "        raise aiohttp.ServerDisconnectedError\n",
        [f"{TEST_SESSION}::test_nothing_is_sent_a_second_time_in_secret"],
    ),
    Plant(
        "a sale in doubt is looked up once, and at once",
        "partnero_async/_doubt.py",
        "    for pause in (settings.settle, settings.settle * 2):\n",
        "    for pause in (0.0,):\n",
        [f"{TEST_TRANSPORT}::test_call_that_ends_well"],
    ),
    Plant(
        "a second record of a sale is overlooked",
        "partnero_async/_doubt.py",
        "        if len(same) > 1:\n",
        "        if len(same) > 2:\n",
        [f"{TEST_TRANSPORT}::test_call_that_ends_in_an_error"],
    ),
    Plant(
        "a proxy's 404 proves that a record is not there",
        "partnero_async/_doubt.py",
        "        if child.heard_the_api:\n",
        "        if True:\n",
        [f"{TEST_TRANSPORT}::test_a_proxy_that_finds_nothing_proves_nothing"],
    ),
    Plant(
        "a sale of another month taken for the one that was sent",
        "partnero_async/_lookup.py",
        "    return sent is None or int(sent) == int(shown.timestamp())\n",
        "    return True\n",
        [f"{TEST_TRANSPORT}::test_a_sale_that_was_there_before_is_another"],
    ),
    Plant(
        "intent written after the row was sent",
        "partnero_async/bulk/send.py",
        EARLY,
        LATE,
        ["tests/bulk/test_kill.py::test_killed_at_a_point"],
    ),
    Plant(
        "intent written after the row was sent, in a run that is killed",
        "partnero_async/bulk/send.py",
        EARLY,
        LATE,
        [TEST_IMPORTS],
    ),
    Plant(
        "a row that stands in line is sent after the signal",
        "partnero_async/bulk/send.py",
        "        if sender.halt:\n            raise HaltedError\n",
        "",
        [f"{TEST_SEND}::test_what_stands_in_line_is_not_sent_once_it_is_to_end"],
    ),
    Plant(
        "sales sent again without a look",
        "partnero_async/bulk/there.py",
        "        await self.journal.do(Store.forget_program)\n",
        "        if before:\n            return True\n",
        [f"{TEST_RUN}::test_what_came_otherwise_meanwhile_is_not_sent_again"],
    ),
    Plant(
        "a sale in doubt sent again by the next run",
        "partnero_async/bulk/course.py",
        "        await self.doubts.settle_sent()\n",
        '        await self.journal.do(lambda store: store.reopen("sent"))\n',
        [TEST_IMPORTS],
    ),
    Plant(
        "an outcome that is not written down",
        "partnero_async/bulk/journal.py",
        "        self._riding.put(Mark(row, state, code, reason, field=field))\n",
        "        Mark(row, state, code, reason, field=field)\n",
        [TEST_IMPORTS],
    ),
    Plant(
        "a gate for each client",
        "partnero_async/pacing.py",
        "        gate = _gates.known.get((key_digest, origin))\n",
        "        gate = None\n",
        ["tests/test_pacing.py::test_a_key_has_one_gate_at_an_origin"],
    ),
    Plant(
        "inf and nan are numbers of seconds",
        "partnero_async/_limits.py",
        "    if len(text) > _LONGEST_TEXT or not _NUMBER.fullmatch(text):\n"
        "        return None\n"
        "    return float(text)\n",
        "    try:\n"
        "        return float(text)\n"
        "    except ValueError:\n"
        "        return None\n",
        ["tests/test_pacing.py::test_retry_after_is_read_or_ignored"],
    ),
    Plant(
        "a turn that is not given back",
        CALL,
        "            else:\n                line.gate.leave(None, {})\n",
        "",
        [f"{TEST_TRANSPORT}::test_cancellation_leaves_nothing_held"],
    ),
    Plant(
        "a slot that is lost with whoever was cancelled on their turn",
        "partnero_async/_slots.py",
        "                self.give()\n            raise\n",
        "                pass\n            raise\n",
        ["tests/test_slots.py"],
    ),
    Plant(
        "a cancellation in the turn in which the time is over, taken for a timeout",
        "partnero_async/_timeouts.py",
        "        if kind is asyncio.CancelledError and not others:\n",
        "        if kind is asyncio.CancelledError:\n",
        ["tests/test_timeouts.py"],
    ),
    Plant(
        "times of a shape that came often, without a zone",
        "partnero_async/_shapes.py",
        '.replace(tzinfo=UTC)"\n        return [',
        '"\n        return [',
        ["tests/test_shapes.py"],
    ),
    Plant(
        "cancellation taken for a timeout",
        CALL,
        "        except TimeoutError:\n            why =",
        "        except (TimeoutError, asyncio.CancelledError):\n            why =",
        [f"{TEST_TRANSPORT}::test_cancellation_leaves_nothing_held"],
    ),
    Plant(
        "a look-up has a deadline of its own",
        CALL,
        "            deadline=self.deadline,\n",
        "            deadline=self._loop.time() + self.settings.timeout,\n",
        [f"{TEST_TRANSPORT}::test_server_that_never_answers"],
    ),
    Plant(
        "redirects followed",
        SESSION,
        "                allow_redirects=False,\n",
        "",
        [f"{TEST_SESSION}::test_redirect_is_not_followed"],
    ),
    Plant(
        "the key a default of the session",
        SESSION,
        '            hdrs.ACCEPT: "application/json",\n',
        '            hdrs.ACCEPT: "application/json",\n'
        "            hdrs.AUTHORIZATION: settings.api_key._header,\n",
        ["tests/bench/test_hostile.py::test_session_has_no_key_of_its_own"],
    ),
    Plant(
        "the key in the repr of its type",
        "partnero_async/_settings.py",
        '        return "ApiKey(***)"\n',
        '        return f"ApiKey({self._key})"\n',
        ["tests/test_settings.py::test_the_key_is_shown_nowhere"],
    ),
    Plant(
        "cookies kept",
        SESSION,
        "        cookie_jar=aiohttp.DummyCookieJar(),\n",
        "        cookie_jar=aiohttp.CookieJar(unsafe=True),\n",
        [f"{TEST_SESSION}::test_request_says_what_it_accepts_and_who_sends"],
    ),
    Plant(
        "proxies of the environment used",
        SESSION,
        "        trust_env=False,\n",
        "        trust_env=True,\n",
        ["tests/bench/test_hostile.py::test_proxy_of_the_environment_is_not_used"],
    ),
    Plant(
        "any certificate will do",
        SESSION,
        "ssl=settings.tls or True",
        "ssl=settings.tls or False",
        [f"{TEST_SESSION}::test_untrusted_certificate_is_final"],
    ),
    Plant(
        "a bomb read whole",
        SESSION,
        "            if size > LARGEST:\n",
        "            if size > LARGEST * 1_000:\n",
        ["tests/bench/test_hostile.py::test_hostile_input"],
    ),
    Plant(
        "two dots are an id",
        WIRE,
        'in ("", ".", "..")',
        'in ("", ".")',
        ["tests/test_wire.py::test_a_part_that_leads_elsewhere_is_refused"],
    ),
    Plant(
        "a next link to another host followed",
        WIRE,
        " and url.netloc == here.netloc\n",
        "\n",
        ["tests/test_wire.py::test_a_next_link_to_another_place_is_refused"],
    ),
    Plant(
        "== on signatures",
        "partnero_async/webhooks/signature.py",
        "    return hmac.compare_digest(expected.encode(), given.encode())\n",
        "    return expected == given\n",
        [f"{TEST_SIGNATURE}::test_signatures_are_compared_in_constant_time"],
    ),
    Plant(
        "the first good secret ends the look",
        "partnero_async/webhooks/signature.py",
        "    good = [same(_signature(body, key), given) for key in keys]\n",
        "    good = (same(_signature(body, key), given) for key in keys)\n",
        [f"{TEST_SIGNATURE}::test_signatures_are_compared_in_constant_time"],
    ),
    Plant(
        "an event claimed after it was handled",
        RECEIVER,
        BEFORE,
        AFTER,
        [f"{TEST_RECEIVER}::test_an_event_is_handled_once"],
    ),
    Plant(
        "a claim kept by a function that has raised",
        RECEIVER,
        "            self._claims.release(claim)\n",
        "",
        [f"{TEST_RECEIVER}::test_a_function_that_raises"],
    ),
    Plant(
        "a repeat of what is being handled answered with 200",
        RECEIVER,
        "    Taken.BUSY: Reply(503,",
        "    Taken.BUSY: Reply(200,",
        [f"{TEST_RECEIVER}::test_a_repeat_while_it_is_handled"],
    ),
    Plant(
        "an event forgotten while its repeats are still taken",
        RECEIVER,
        "        return self._max_age + 2 * self._skew\n",
        "        return self._max_age / 2\n",
        [f"{TEST_RECEIVER}::test_an_event_is_remembered_until_it_is_too_old"],
    ),
    Plant(
        "a claim finished by whoever had it before",
        SQLITE_CLAIMS,
        "WHERE claims.token = ?2\n",
        "",
        [f"{TEST_CLAIMS}::test_a_claim_runs_out"],
    ),
    Plant(
        "the locks of a file of claims lost",
        SQLITE_CLAIMS,
        "        sql = sqlite3.connect(\n",
        "        os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY))\n"
        "        sql = sqlite3.connect(\n",
        [f"{TEST_CLAIMS}::test_a_connection_that_opens_takes_no_locks_away"],
    ),
    Plant(
        "a claim that others have as well",
        SQLITE_CLAIMS,
        "WHERE claims.until <= ?4\n",
        "WHERE ?4 > 0\n",
        [f"{TEST_CLAIMS}::test_processes_share_a_file"],
    ),
)


# --- the copy -------------------------------------------------------------------------


def copied(folder: str) -> Path:
    """Copy what the tests need."""
    there = Path(folder) / "checkout"
    there.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, there / name, ignore=ignored)
        else:
            shutil.copy(source, there / name)
    return there


def environment(there: Path) -> dict[str, str]:
    """Return an environment in which the packages of a copy come first."""
    # A copy's lines are not those whose coverage is measured.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    # Without compiled files: two versions of one second and size would be the same.
    return kept | {"PYTHONPATH": str(there), "PYTHONDONTWRITEBYTECODE": "1"}


@attrs.frozen
class Result:
    """What came of a run of tests."""

    code: int
    passed: int
    failures: Sequence[str]
    """Why each test failed that did."""
    output: str


def tested(there: Path, nodes: Sequence[str], seed: int) -> Result:
    """Run tests in a copy, with the packages of the copy."""
    report = there / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [f"--seed={seed}", f"--junitxml={report}", *nodes]
    done = subprocess.run(
        command,
        cwd=there,
        env=environment(there),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314 - pytest's
    found = [case.find("failure") for case in cases]
    failures = [one.get("message", "") for one in found if one is not None]
    passed = sum(not list(case.iter("failure")) for case in cases)
    return Result(done.returncode, passed, failures, done.stdout[-2_000:])


ASSERTED: Final = re.compile(
    r"assert |AssertionError|Failed: |partnero_async\.errors\."
)
"""How a test fails that has seen something: not by an import or a time-out."""


def wrong(there: Path, plant: Plant, seed: int) -> list[str]:
    """Plant a mistake; return what shows that it was not caught."""
    file = there / plant.file
    text = file.read_text()
    try:
        file.write_text(plant.applied(text))
        result = tested(there, plant.nodes, seed)
    except LookupError as error:
        return [str(error)]
    except subprocess.TimeoutExpired:
        return [f"{plant.name}: its tests did not end"]
    finally:
        file.write_text(text)
    if result.code == 0:
        return [f"{plant.name}: not caught by {', '.join(plant.nodes)}"]
    seen = any(ASSERTED.match(why) for why in result.failures)
    return [] if seen else [f"{plant.name}: its tests broke: {result.output}"]


def misfits(there: Path) -> list[str]:
    """Return which mistakes cannot be planted as the code is."""
    found: list[str] = []
    for plant in PLANTS:
        try:
            plant.applied((there / plant.file).read_text())
        except (LookupError, OSError) as error:
            found.append(str(error))
    return found


def unplanted(there: Path, plants: Sequence[Plant], seed: int) -> list[str]:
    """Run the tests of all mistakes without one; return why that cannot be trusted."""
    nodes = sorted({node for plant in plants for node in plant.nodes})
    where = "import partnero_async; print(partnero_async.__file__)"
    used = subprocess.run(
        [sys.executable, "-c", where],
        cwd=there,
        env=environment(there),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if not used.startswith(str(there)):
        return [f"the copy is not what is tested, but {used}"]
    result = tested(there, nodes, seed)
    return [f"not green without a mistake: {result.output}"] if result.code else []


def run(*, full: bool, seed: int) -> list[Figure]:
    """Measure T."""
    count = min(COUNTS["full" if full else "small"], len(PLANTS))
    plants = random.Random(seed).sample(PLANTS, count)
    with TemporaryDirectory() as folder:
        there = copied(folder)
        missed = misfits(there) or unplanted(there, plants, seed)
        if not missed:
            missed = [text for plant in plants for text in wrong(there, plant, seed)]
    return [
        Figure(
            "T",
            f"{count} planted mistakes",
            f"{len(missed)} missed",
            "0 missed",
            not missed,
            missed,
        )
    ]
