"""`partnero sandbox`: serve the Partnero API on this machine."""

import os
import sqlite3
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter, Token, validators

from partnero_async.sandbox import (
    Assumptions,
    DeliveryBody,
    RateLimit,
    Reach,
    Sandbox,
    parse_rate_limit,
)
from partnero_async.sandbox.serving import run

from ._options import Port


def _decimal(_: type[Decimal], tokens: Sequence[Token]) -> Decimal:
    try:
        return Decimal(tokens[0].value)
    except InvalidOperation:
        raise ValueError(f"{tokens[0].value!r} is no number") from None


def sandbox(
    *,
    program: list[str] | None = None,
    db: Path | None = None,
    port: Port = 8089,
    api_key_env: str = "PARTNERO_SANDBOX_KEY",
    commission: Annotated[Decimal, Parameter(converter=_decimal)] = Decimal("0.10"),
    rate_limit: str | None = None,
    rate_limit_headers: bool = True,
    unique_keys: bool = False,
    latency: Annotated[float, Parameter(validator=validators.Number(gte=0))] = 0.0,
    deliver_to: Reach = "loopback",
    delivery_body: DeliveryBody = "plain",
    delivery_wait: list[Annotated[float, Parameter(validator=validators.Number(gte=0))]]
    | None = None,
    json: bool = False,
) -> None:
    """Serve the Partnero API on this machine, until Ctrl-C.

    Parameters
    ----------
    program
        Type of a program: affiliate, refer-a-friend or newsletter. Each program has
        its own key; give the option once for each. One affiliate program by default.
    db
        File that keeps everything that happened, and the key's identity, across
        restarts. Without it everything is gone at the end. Further programs have files
        of their own beside it: shop-2.db with shop.db.
    port
        Port on 127.0.0.1; 0 takes a free one.
    api_key_env
        Environment variable that holds the API key to accept. Where it is not set, a
        key is made from the id of the program, the same one on every start with the
        same file. It is the key of the first program.
    commission
        Share of a sale that its partner earns: 0.10 for ten per cent. Not rounded.
    rate_limit
        `120/60` allows 120 requests per 60 seconds; `bucket:10/20` allows 10 a second
        with a burst of 20. No limit when left out.
    rate_limit_headers
        Whether answers tell about the limit (X-RateLimit-*, Retry-After).
    unique_keys
        Refuse a second sale under a key with 422, instead of recording and paying it.
    latency
        Seconds to wait before the effect of every call.
    deliver_to
        Where webhooks are delivered: to this machine only, or to public addresses too.
    delivery_body
        Bytes of a delivery: as answers are written, with slashes and letters escaped
        as PHP does, or with slashes escaped alone.
    delivery_wait
        Seconds before a delivery that failed is repeated; give the option once for
        each repeat. 10, 60, 300, 1800 and 7200 by default.
    json
        Print one line of JSON with url and api_key once ready, instead of a text; with
        several programs also programs, a list of type, api_key and id.
    """
    try:
        run(
            Sandbox(
                programs=program or ("affiliate",),
                db=db,
                port=port,
                api_key=os.environ.get(api_key_env) or None,
                commission=commission,
                rate_limit=_limit(rate_limit, headers=rate_limit_headers),
                unique_transaction_keys=unique_keys,
                latency=latency,
                deliver_to=deliver_to,
                assumptions=_assumptions(delivery_body, delivery_wait),
            ),
            as_json=json,
        )
    except sqlite3.Error as error:
        raise SystemExit(f"sandbox: {db}: {error}") from error
    except (ValueError, OSError) as error:
        raise SystemExit(f"sandbox: {error}") from error


def _assumptions(body: DeliveryBody, waits: list[float] | None) -> Assumptions:
    usual = Assumptions(delivery_body=body)
    return usual if waits is None else attrs.evolve(usual, delivery_waits=waits)


def _limit(text: str | None, *, headers: bool) -> RateLimit | None:
    return None if text is None else parse_rate_limit(text, headers=headers)
