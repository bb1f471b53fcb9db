"""The `partnero` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .._version import __version__
from ..errors import PartneroError, one_line

if TYPE_CHECKING:
    from cyclopts import App

__all__ = ["main"]

# Help of what is not imported just to be listed.
IMPORT = "Import partners, customers, sales and more from a file."
RECONCILE = "Compare a file of sales with what the program holds."
EXPORT = "Export a list to CSV, JSON lines or Parquet."
DRIFT = "Report what the API sends that this version does not know."
WEBHOOKS = "Try webhooks on this machine: listen, replay, verify."
SANDBOX = "Serve the Partnero API on this machine."
COMPLETION = "Teach a shell what can be typed: write a script, and load it at start."

USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell makes of a program that its reader has left."""


def main(tokens: Sequence[str] | None = None) -> NoReturn:
    """Run the command that *tokens* name, those of the process when left out.

    Ends the process: with 2 and one line on standard error for what cannot work.
    """
    _open_what_is_closed()
    _write_anything()
    try:
        import cyclopts  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.exit(
            complain(
                f"the command needs {error.name}:"
                " install it with pip install 'partnero-async[cli]'"
            )
        )
    try:
        code = _run(tokens)
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:
        drop_output()
        sys.exit(BROKEN_PIPE)
    except cyclopts.CycloptsError as error:
        sys.exit(complain(f"{error} (--help shows how)"))
    except (PartneroError, OSError) as error:
        sys.exit(complain(str(error)))
    except SystemExit as ended:
        # Where nobody reads its tables, rich ends with 1.
        if isinstance(ended.__context__, BrokenPipeError):
            sys.exit(BROKEN_PIPE)
        # A command that ends with a text ends with a reason.
        sys.exit(complain(ended.code) if isinstance(ended.code, str) else ended.code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _open_what_is_closed() -> None:
    """Let a command write to a stream that it was started without."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end


def drop_output() -> None:
    """Write standard output nowhere: nobody reads it any more.

    The interpreter flushes it once again at its end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_anything() -> None:
    """Let the output take any key: a report must not fail on a narrow encoding."""
    for stream in (sys.stdout, sys.stderr):
        # Whoever calls this from a program may have put something else there.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(tokens: Sequence[str] | None) -> int:
    code = app()(
        sys.argv[1:] if tokens is None else tokens,
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
    )
    return code if isinstance(code, int) else 0


def app() -> App:
    """Build the command; what a subcommand needs is imported when it is used."""
    from cyclopts import App  # noqa: PLC0415

    partnero = App(
        name="partnero",
        version=__version__,
        help="Move affiliates, customers and sales into Partnero, and out of it.\n\n"
        "The API key comes from PARTNERO_API_KEY; PARTNERO_BASE_URL leads elsewhere"
        " than to the live API, such as to `partnero sandbox`.",
        suppress_keyboard_interrupt=False,
    )
    partnero.command(f"{__name__}.imports:app", name="import", help=IMPORT)
    partnero.command(f"{__name__}.reconcile:app", name="reconcile", help=RECONCILE)
    partnero.command(f"{__name__}.export:app", name="export", help=EXPORT)
    partnero.command(f"{__name__}.drift:drift", name="drift", help=DRIFT)
    partnero.command(f"{__name__}.webhooks:app", name="webhooks", help=WEBHOOKS)
    partnero.command(f"{__name__}.sandbox:sandbox", name="sandbox", help=SANDBOX)
    partnero.register_install_completion_command(help=COMPLETION)  # pyright: ignore[reportUnknownMemberType] - its options have no types
    return partnero


def complain(reason: str) -> int:
    """Say on one line of standard error what is wrong; return the exit code of it."""
    sys.stderr.write(f"partnero: {one_line(reason)}\n")
    return USAGE
