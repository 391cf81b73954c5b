"""A port that several processes listen on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from systemzero_base.settings.addresses import split


@contextmanager
def shared_port(address: str) -> Iterator[str]:
    """`address` with its port settled, which several processes then listen on.

    Raises:
        OSError: somebody has the port already.
    """
    host, port = split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as alone:
        # connections of a server that was killed stay in TIME_WAIT for a minute: they may
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind((host, port))  # fails where somebody has it, who may share it or not
        port = alone.getsockname()[1]
    with socket.socket(family, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _hold(held, (host, port))  # never listens: it keeps the port for those who do
        yield f"{address.rpartition(':')[0]}:{port}"


def _hold(held: socket.socket, address: tuple[str, int]) -> None:
    """Bind `held`, for no other supervisor to pass: SO_REUSEADDR would let it.

    Needed nevertheless where connections are left of a server that did not share its port.
    """
    try:
        held.bind(address)
    except OSError:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
