"""Posts to a witness over HTTP, bounded in time and size, in a thread of its own."""

from __future__ import annotations

import asyncio
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
    return await asyncio.to_thread(_post, url, body)


def _post(url: str, body: bytes) -> Answer:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = HTTPSConnection if secure else HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            connection.request("POST", parts.path, body, {"Content-Type": "text/plain"})
            response = connection.getresponse()
            return Answer(response.status, response.read(_MAX_BODY).decode())
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"the witness does not answer: {error}") from error
