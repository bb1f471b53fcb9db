"""`python -m partnero_async.sandbox`: the sandbox as a program, without extras."""

import argparse
import os
import sqlite3
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import get_args

from .assumptions import Assumptions, DeliveryBody
from .destinations import Reach
from .limits import parse_rate_limit
from .server import Sandbox
from .serving import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and serve until told to stop."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        limit = options.rate_limit and parse_rate_limit(
            options.rate_limit, headers=options.rate_limit_headers
        )
        sandbox = Sandbox(
            programs=options.program or ("affiliate",),
            db=options.db,
            port=options.port,
            api_key=os.environ.get("PARTNERO_SANDBOX_KEY") or None,
            commission=options.commission,
            rate_limit=limit,
            unique_transaction_keys=options.unique_keys,
            latency=options.latency,
            deliver_to=options.deliver_to,
            assumptions=Assumptions(
                delivery_body=options.delivery_body,
                delivery_waits=options.delivery_wait or Assumptions().delivery_waits,
            ),
        )
        run(sandbox, as_json=options.json)
    except sqlite3.Error as error:
        parser.exit(2, f"{parser.prog}: {options.db}: {error}\n")
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m partnero_async.sandbox",
        description="Serve the Partnero API on this machine. The API key can be "
        "chosen with the environment variable PARTNERO_SANDBOX_KEY.",
    )
    parser.add_argument(
        "--program",
        action="append",
        help="affiliate (default), refer-a-friend or newsletter; once for each program",
    )
    parser.add_argument("--db", type=Path, help="file that survives restarts")
    parser.add_argument("--port", type=int, default=8089, help="0 takes a free one")
    parser.add_argument(
        "--commission",
        type=_share,
        default=Decimal("0.10"),
        help="share of a sale that its partner earns (0.10)",
    )
    parser.add_argument("--rate-limit", help="120/60, or bucket:10/20")
    parser.add_argument(
        "--rate-limit-headers", action=argparse.BooleanOptionalAction, default=True
    )
    parser.add_argument(
        "--unique-keys", action="store_true", help="refuse a second sale under one key"
    )
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds before every effect"
    )
    parser.add_argument(
        "--deliver-to",
        choices=get_args(Reach),
        default="loopback",
        help="where webhooks are delivered: this machine, or public addresses too",
    )
    parser.add_argument(
        "--delivery-body", choices=get_args(DeliveryBody), default="plain"
    )
    parser.add_argument(
        "--delivery-wait",
        action="append",
        type=float,
        help="seconds before a failed delivery is repeated; once for each repeat",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser


def _share(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"not a number: {text!r}") from error


if __name__ == "__main__":
    main()
