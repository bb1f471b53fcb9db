import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App, CycloptsError

from partnero_async.cli.sandbox import sandbox as cli_command
from partnero_async.sandbox import Sandbox, read_ledger
from partnero_async.sandbox import __main__ as program

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*options: str, **environment: str) -> Iterator[Any]:
    """Start the program; give it with the line it printed."""
    command = [sys.executable, "-m", "partnero_async.sandbox", "--port", "0", *options]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def call(line: str, method: str, path: str, body: Any = None) -> Any:
    """Call the program that printed *line*."""
    told = json.loads(line)
    request = urllib.request.Request(  # noqa: S310 - our own address
        told["url"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {told['api_key']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(number: signal.Signals) -> None:
    """One line of JSON once ready, exit code 0 on SIGTERM and SIGINT."""
    with started("--json") as (process, line):
        assert sorted(json.loads(line)) == ["api_key", "url"]
        assert call(line, "GET", "/test")["status"] == 1
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_killed_process_loses_nothing(tmp_path: Path) -> None:
    """What was answered is there after SIGKILL; the key is the same."""
    db = tmp_path / "sandbox.db"
    with started("--json", "--db", str(db)) as (process, line):
        for number in range(20):
            partner = {"email": f"{number}@example.com", "id": f"p{number}"}
            call(line, "POST", "/partners", partner)
        process.kill()
        process.wait(10)
    assert [effect.key for effect in read_ledger(db)] == [f"p{n}" for n in range(20)]
    with started("--json", "--db", str(db)) as (_, again):
        assert json.loads(again)["api_key"] == json.loads(line)["api_key"]
        assert len(call(again, "GET", "/partners?limit=250")["data"]) == 20


def test_key_from_the_environment() -> None:
    """PARTNERO_SANDBOX_KEY is the key, never an argument."""
    with started("--json", PARTNERO_SANDBOX_KEY="my-key") as (_, line):
        assert json.loads(line)["api_key"] == "my-key"
        assert call(line, "GET", "/test")["status"] == 1


def test_several_programs() -> None:
    """The line lists them; the first key is the one that is told as before."""
    options = ("--json", "--program", "affiliate", "--program", "newsletter")
    with started(*options) as (process, line):
        told = json.loads(line)
        assert [each["type"] for each in told["programs"]] == [
            "affiliate",
            "newsletter",
        ]
        assert told["api_key"] == told["programs"][0]["api_key"]
        newsletter = json.dumps({**told, "api_key": told["programs"][1]["api_key"]})
        program_id = told["programs"][1]["id"]
        assert call(newsletter, "GET", "/program")["data"]["id"] == program_id
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sandbox, bool]]:
    """Collect what the commands would serve, instead of serving for ever."""
    calls: list[tuple[Sandbox, bool]] = []

    def run(sandbox: Sandbox, *, as_json: bool) -> None:
        calls.append((sandbox, as_json))

    for module in ("partnero_async.sandbox.__main__", "partnero_async.cli.sandbox"):
        monkeypatch.setattr(f"{module}.run", run)
    return calls


def test_program_options(served: Any, tmp_path: Path) -> None:
    """Every option reaches the sandbox."""
    db = tmp_path / "x.db"
    options = "--port 1 --commission 0.2 --rate-limit 1/60 --no-rate-limit-headers"
    more = "--unique-keys --latency 0.5 --json"
    deliveries = "--deliver-to public --delivery-body php --delivery-wait 1"
    program.main(["--db", str(db), *f"{options} {more} {deliveries}".split()])
    ((sandbox, as_json),) = served
    assert (sandbox._db, sandbox._port, as_json) == (db, 1, True)
    assert sandbox._commission == Decimal("0.2")
    assert sandbox._assumptions.unique_transaction_keys is True
    assert sandbox.latency == 0.5
    assert sandbox._deliver_to == "public"
    assert sandbox._assumptions.delivery_body == "php"
    assert sandbox._assumptions.delivery_waits == [1]
    assert sandbox.rate_limit.check(0) == (True, {})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(["--rate-limit", "x"], "not a rate limit", id="rate limit"),
        pytest.param(["--rate-limit", "1.9/60"], "part of a request", id="part"),
        pytest.param(["--rate-limit", "bucket:1/1.5"], "part of a", id="part of burst"),
        pytest.param(["--port", "99999"], "not a port", id="port"),
        pytest.param(["--port", "-1"], "not a port", id="port below zero"),
        pytest.param(["--latency", "nan"], "a latency is", id="latency"),
        pytest.param(["--latency", "-1"], "a latency is", id="latency below zero"),
        pytest.param(["--commission", "x"], "not a number", id="no number"),
        pytest.param(["--commission", "2"], "share", id="share"),
        pytest.param(["--program", "x"], "no type of program: 'x'", id="program"),
        pytest.param(["--delivery-wait", "nan"], "a wait is", id="wait"),
    ],
)
def test_program_refuses(
    served: Any, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error is exit code 2 with the reason."""
    with pytest.raises(SystemExit) as caught:
        program.main(options)
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err
    assert served == []


def test_command_options(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of the CLI builds the same sandbox."""
    monkeypatch.setenv("MY_KEY", "from-env")
    cli_command(port=0, api_key_env="MY_KEY", rate_limit="bucket:1/1", unique_keys=True)
    cli_command(json=True)
    (one, first), (two, second) = served
    assert (one._specs[0].api_key, first) == ("from-env", False)
    assert one.rate_limit.check(0).headers["X-RateLimit-Limit"] == "1"
    assert (two._port, two.rate_limit, second) == (8089, None, True)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"rate_limit": "x"}, "not a rate limit", id="rate limit"),
        pytest.param({"commission": Decimal(2)}, "share", id="commission"),
    ],
)
def test_command_refuses(served: Any, settings: Any, reason: str) -> None:
    """What cannot be served ends the command with the reason, not with a traceback."""
    with pytest.raises(SystemExit, match=f"sandbox: .*{reason}"):
        cli_command(**settings)
    assert served == []


@pytest.mark.parametrize("name", ["nowhere/x.db", "text.db"])
@pytest.mark.parametrize("module", ["sandbox", "cli"])
def test_a_file_that_is_no_database(tmp_path: Path, name: str, module: str) -> None:
    """Exit code 2, and one line that names the file."""
    (tmp_path / "text.db").write_text("no database " * 100)
    command = ["sandbox"] if module == "cli" else []
    done = subprocess.run(
        [
            *(sys.executable, "-m", f"partnero_async.{module}", *command),
            *("--port", "0", "--db", str(tmp_path / name)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"{tmp_path / name}: " in done.stderr


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(lambda db: cli_command(db=db), id="command"),
        pytest.param(lambda db: program.main(["--db", str(db)]), id="module"),
    ],
)
def test_a_database_that_cannot_be_opened(
    start: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What SQLite says about the file ends both, with the file's name."""
    with pytest.raises(SystemExit) as caught:
        start(tmp_path / "nowhere" / "x.db")
    assert "x.db: unable to open" in f"{caught.value}{capsys.readouterr().err}"


def test_command_line(served: Any) -> None:
    """Names and types of the command's options come from its signature."""
    app = App(result_action="return_value")
    app.command(cli_command, name="sandbox")
    app(
        "sandbox --port 0 --commission 0.2 --no-rate-limit-headers --unique-keys --json"
        " --program newsletter --program refer-a-friend"
        " --deliver-to public --delivery-body slashes"
        " --delivery-wait 1 --delivery-wait 2.5"
    )
    ((sandbox, as_json),) = served
    assert (sandbox._port, sandbox._commission, as_json) == (0, Decimal("0.2"), True)
    types = [spec.type for spec in sandbox._specs]
    assert types == ["newsletter", "refer_a_friend"]
    assert sandbox._deliver_to == "public"
    assert sandbox._assumptions.delivery_body == "slashes"
    assert sandbox._assumptions.delivery_waits == [1, 2.5]
    with pytest.raises(CycloptsError, match="65535"):
        app("sandbox --port 70000", exit_on_error=False, print_error=False)
    with pytest.raises(CycloptsError, match="'abc' is no number"):
        app("sandbox --commission abc", exit_on_error=False, print_error=False)


def test_text_about_a_further_program() -> None:
    """The line about its key is not meant to be pasted along with the others."""
    options = ("--program", "affiliate", "--program", "refer-a-friend")
    with started(*options, PYTHONUNBUFFERED="") as (process, _):
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
    assert re.search(
        r"^  # refer_a_friend: export PARTNERO_API_KEY=\w+$", text, re.MULTILINE
    )


def test_text_for_people() -> None:
    """Without --json the text has the two lines to paste."""
    with started(PARTNERO_SANDBOX_KEY="my-key", PYTHONUNBUFFERED="") as (process, line):
        process.send_signal(signal.SIGINT)
        text = line + process.stdout.read()
        assert re.search(r"export PARTNERO_BASE_URL=http://127.0.0.1:\d+/v1\n", text)
        assert "  export PARTNERO_API_KEY=my-key\n\n" in text
        assert process.wait(10) == 0
