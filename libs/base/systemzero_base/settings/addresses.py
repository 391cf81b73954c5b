"""Addresses to listen on (`host:port`, with an IPv6 host in brackets), and those of peers."""

from __future__ import annotations

import errno
import ipaddress
import socket
from urllib.parse import unquote

from systemzero_base.settings.config import ConfigError


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        ConfigError: it is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"configuration: {address!r} is no host:port")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches `host`; a name that says nothing is no loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_taken(address: str) -> None:
    """Refuse an address that somebody listens on already; what else is wrong shows at the start.

    Raises:
        ConfigError: it is in use.
    """
    host, port = split(address)
    if not port:
        return
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return
    for family, kind, protocol, _, place in found:
        with socket.socket(family, kind, protocol) as tried:
            # as the server itself does: connections of one that has ended are in nobody's way
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(place)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise ConfigError(
                        f"{address} is in use: is another System//Zero running here?"
                    ) from None


def address_of(peer: str) -> str:
    """The address in gRPC's name of a peer, without its port.

    `ipv4:192.0.2.1:4711` gives `192.0.2.1`; what has no port comes back as it is.
    """
    kind, _, rest = peer.partition(":")
    host, _, port = unquote(rest).rpartition(":")
    return host.strip("[]") if kind in {"ipv4", "ipv6"} and port.isdigit() else peer


def network_of(address: str) -> str:
    """What stands for whoever uses `address`: of IPv6 its /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), 64), strict=False))
