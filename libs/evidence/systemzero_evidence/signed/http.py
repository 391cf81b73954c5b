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
    exchange = _Exchange()
    try:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        async with asyncio.timeout(_TIMEOUT):
            return await asyncio.to_thread(exchange.make, connection, parts.path, body)
    except TimeoutError as error:
        raise Unavailable("the witness does not answer in time") from error
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"the witness does not answer: {error}") from error
    finally:
        exchange.cut()  # also where the caller was cancelled: else its process could not end


class _Exchange:
    """One request and its answer, in a thread that can be told to give up."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._is_over = False

    def make(self, connection: HTTPConnection, path: str, body: bytes) -> Answer:
        """Post, and read the answer; blocks."""
        try:
            connection.connect()
            self._socket = connection.sock
            if self._is_over:
                raise ConnectionAbortedError("it was given up")
            connection.request("POST", path, body, {"Content-Type": "text/plain"})
            response = connection.getresponse()
            return Answer(response.status, response.read(_MAX_BODY).decode())
        finally:
            connection.close()

    def cut(self) -> None:
        """End what the thread still waits for: the time-out of a socket is that of each byte."""
        self._is_over = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed by now
                self._socket.shutdown(socket.SHUT_RDWR)
