"""The command as a whole: what it says when it cannot work."""

from __future__ import annotations

import io
import runpy
import sys
from pathlib import Path

import pytest

from partnero_async import __version__
from partnero_async.cli import main


def ended(*tokens: str) -> int:
    """Run the command here; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(tokens)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the version."""
    assert ended("--version") == 0
    assert capsys.readouterr().out.strip() == __version__


def test_the_process_arguments_are_the_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console script passes nothing."""
    monkeypatch.setattr(sys, "argv", ["partnero", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        pytest.param(["--help"], ["import", "sandbox", "webhooks"], id="all"),
        pytest.param(["import", "--help"], ["partners", "resolve", "130"], id="import"),
        pytest.param(
            ["import", "transactions", "--help"],
            ["customer.partner.key", "--map", "--rejects", "--concurrency"],
            id="transactions",
        ),
        pytest.param(["import", "resolve", "--help"], ["--send-absent"], id="resolve"),
        pytest.param(["sandbox", "--help"], ["--port"], id="sandbox"),
        pytest.param(
            ["webhooks", "--help"], ["listen", "replay", "verify"], id="webhooks"
        ),
    ],
)
def test_help(
    tokens: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The help names what there is."""
    assert ended(*tokens) == 0
    out = capsys.readouterr().out
    assert [word for word in words if word not in out] == []


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        pytest.param(["bogus"], "Unknown command", id="unknown command"),
        pytest.param(["import", "sales", "x.csv"], "Unknown command", id="no resource"),
        pytest.param(["import", "partners"], "FILE", id="no file"),
        pytest.param(
            ["import", "partners", "x.csv", "--concurrency", "0"],
            "Must be >= 1",
            id="no concurrency",
        ),
        pytest.param(
            ["import", "partners", "x.csv", "--nope"], "Unknown option", id="no option"
        ),
        pytest.param(["sandbox", "--rate-limit", "x"], "not a rate limit", id="value"),
        pytest.param(
            ["sandbox", "--db", "/nowhere/x.db"],
            "/nowhere/x.db: unable to open",
            id="no database",
        ),
    ],
)
def test_what_cannot_work_is_one_line(
    tokens: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong call is one line on standard error and exit code 2."""
    assert ended(*tokens) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("partnero: ")
    assert captured.err.count("\n") == 1
    assert reason in captured.err


def test_a_narrow_encoding_takes_any_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an encoding does not have is written as an escape, and nothing is lost."""
    raw = io.BytesIO()
    narrow = io.TextIOWrapper(raw, encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", narrow)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    ended("--version")
    narrow.write("\u043a-1")
    narrow.flush()
    assert raw.getvalue().endswith(b"\\u043a-1")


def test_without_the_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what the command is built on it says what to install."""
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    assert ended("--version") == 2
    assert "pip install 'partnero-async[cli]'" in capsys.readouterr().err


def test_completion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell can be taught what there is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    script = tmp_path / "partnero"
    assert ended("--install-completion", "--shell", "bash", "-o", str(script)) == 0
    assert "retry-rejects" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
    assert str(script) in capsys.readouterr().out


@pytest.mark.parametrize("module", ["partnero_async", "partnero_async.cli"])
def test_as_a_module(
    module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m` runs the same command."""
    monkeypatch.setattr(sys, "argv", [module, "--version"])
    monkeypatch.delitem(sys.modules, f"{module}.__main__", raising=False)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module(module, run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


def test_interrupted_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it is still starting is an interruption too."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("partnero_async.cli.app", interrupted)
    assert ended("--version") == 130
