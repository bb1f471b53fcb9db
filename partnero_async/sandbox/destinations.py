"""Where deliveries may go: to this machine, and only on request to public addresses."""

import asyncio
import errno
import socket
from ipaddress import ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

#: To this machine alone, or to public addresses on the internet as well.
Reach = Literal["loopback", "public"]

# NAT64, 6to4 and Teredo: an IPv4 address is inside, which may be a private one.
_CARRIERS = tuple(map(ip_network, ("64:ff9b::/96", "2002::/16", "2001::/32")))


def problem(url: str, reach: Reach) -> str | None:
    """Say why nothing is delivered to *url*; None where something may be.

    A name is not looked up here: what it stands for is decided by `Resolver`, once for
    the look-up and the connection, so that no second look-up can say something else.
    """
    # Parsers disagree about what a backslash is.
    host = "" if "\\" in url else urlsplit(url).hostname or ""
    try:
        allowed = permitted(host, reach)
    except ValueError:
        is_own = host == "localhost" or host.endswith(".localhost")
        allowed = is_own or reach == "public"
    return None if allowed else f"deliveries do not go to {host}"


def permitted(address: str, reach: Reach) -> bool:
    """Say whether deliveries go to an IP address; private networks are never meant.

    Raises ValueError for what is no address.
    """
    ip = ip_address(address)
    carries = any(ip in network for network in _CARRIERS)
    public = ip.is_global and not ip.is_multicast and not carries
    return ip.is_loopback or (reach == "public" and public)


class Resolver(AbstractResolver):
    """Look names up, and keep the addresses that deliveries may go to."""

    def __init__(self, reach: Reach) -> None:
        self._reach: Reach = reach

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*; raise OSError where none is left."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM
        )
        addresses = [(kind, str(where[0])) for kind, _, _, _, where in found]
        allowed = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, address in addresses
            if permitted(address, self._reach)
        ]
        if not allowed:
            where = f"deliveries do not go to where {host} leads"
            raise PermissionError(errno.EACCES, where)
        return allowed

    async def close(self) -> None:
        """Hold nothing that would have to be closed."""
