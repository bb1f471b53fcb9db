"""`partnero drift`: what the API sends that this version does not know."""

from __future__ import annotations

import asyncio
import json as codec
import sys
from collections.abc import Awaitable
from typing import Annotated, Any

from cyclopts import Parameter

from ..client import Partnero
from ..errors import NoAnswerError, RefusedError
from ..pages import Pages
from ._program import kind_of

LISTS = {
    "affiliate": (
        "partners customers transactions payouts coupons promotion_codes leads webhooks"
    ),
    "refer_a_friend": "referrals transactions coupons promotion_codes webhooks",
    "newsletter": "subscribers rewards webhooks",
}
"""Resources that are read, by the type of the program."""


def drift(
    *, json: Annotated[bool, Parameter(negative="", show_default=False)] = False
) -> int:
    """Read a page of each list, and report what is not as it was published.

    Nothing is changed, and nothing is sent anywhere but to the API. The report names
    members and values, not people: it is made to be passed on. Exit code 1 when there
    is something to report.

    Parameters
    ----------
    json
        Print the findings as one line of JSON.
    """
    return asyncio.run(_drift(as_json=json))


async def _drift(*, as_json: bool) -> int:
    async with Partnero() as client:
        await client.account.test()
        await _tried(client.program.get())
        for name in LISTS[await kind_of(client)].split():
            await _tried(_first_page(getattr(client, name).list()))
        found = client.drift
    if as_json:
        findings = [
            {"what": f.what, "where": f.where, "detail": f.detail, "times": times}
            for f, times in sorted(found.counts.items())
        ]
        sys.stdout.write(codec.dumps({"findings": findings}) + "\n")
    else:
        sys.stdout.write(found.report() + "\n")
    return 1 if found else 0


async def _first_page(listed: Pages[Any] | Awaitable[object]) -> None:
    # A list whose pages nobody has documented is read whole.
    await (listed.page(1) if isinstance(listed, Pages) else listed)


async def _tried(read: Awaitable[object]) -> None:
    try:
        await read
    except RefusedError:
        return  # not of this type of program, or not for this key
    except NoAnswerError as error:
        # An answer that does not fit at all is news too, and the others go on.
        sys.stderr.write(f"{error}\n")
