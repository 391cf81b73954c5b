"""Addresses to listen on: `host:port`, with an IPv6 host in brackets."""

from __future__ import annotations

import ipaddress

from systemzero_chassis.config import ConfigError


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
