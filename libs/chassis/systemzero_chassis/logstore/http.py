"""Posts to a witness over HTTP, bounded in time and size, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from systemzero_core.errors import Unavailable

_TIMEOUT: Final = 10.0
_MAX_BODY: Final = 65_536


class Answer(NamedTuple):
    """What a witness answered: an HTTP status, and the start of the body."""

    status: int
    body: str


async def post(url: str, body: bytes) -> Answer:
    """Post `body` to an `http:` or `https:` URL; no redirect is followed.

    Raises:
        Unavailable: there is no answer within ten seconds, or none that can be read.
    """
    opened: list[socket.socket] = []
    try:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        async with asyncio.timeout(_TIMEOUT):
            return await asyncio.to_thread(_post, connection, parts.path, body, opened)
    except TimeoutError as error:
        for each in opened:  # the time-out of a socket is that of each byte
            _cut(each)
        raise Unavailable("the witness does not answer in time") from error
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"the witness does not answer: {error}") from error


def _post(
    connection: HTTPConnection, path: str, body: bytes, opened: list[socket.socket]
) -> Answer:
    try:
        connection.connect()
        opened.append(connection.sock)
        connection.request("POST", path, body, {"Content-Type": "text/plain"})
        response = connection.getresponse()
        return Answer(response.status, response.read(_MAX_BODY).decode())
    finally:
        connection.close()


def _cut(connected: socket.socket) -> None:
    """End what a thread still waits for."""
    with suppress(OSError):  # it is closed by now
        connected.shutdown(socket.SHUT_RDWR)
