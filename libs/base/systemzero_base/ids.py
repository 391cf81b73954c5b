"""Identifiers that sort by time, and page tokens that cannot be forged."""

from __future__ import annotations

import base64
import hmac
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from systemzero_core.errors import InvalidInput

_MILLISECOND: Final = 1_000_000  # nanoseconds
_FRACTIONS: Final = 4096  # of a millisecond
_VERSION_7: Final = 7 << 76
_VARIANT: Final = 2 << 62
_CHANCE: Final = (1 << 62) - 1
_CHANCE_BYTES: Final = 4_096
"""Read at once: each time the system is asked, other threads get the interpreter's lock."""


class IdSource:
    """Makes ids as UUID version 7 (RFC 9562, method 3) makes them: time, then chance.

    Ids of one source strictly increase, also when the clock stands still or goes back.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        """`clock` gives nanoseconds since 1970."""
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0
        self._chances = _chances()

    def new_id(self, prefix: str) -> str:
        """`prefix`, an underscore and 32 hexadecimal digits; sorts after every earlier one."""
        return f"{prefix}_{self._bits():032x}"

    def _bits(self) -> int:
        now = self._clock()
        ticks = now // _MILLISECOND * _FRACTIONS + now % _MILLISECOND * _FRACTIONS // _MILLISECOND
        with self._lock:
            self._last = ticks = max(ticks, self._last + 1)
            chance = next(self._chances)
        milliseconds, fraction = divmod(ticks, _FRACTIONS)
        return milliseconds << 80 | _VERSION_7 | fraction << 64 | _VARIANT | chance


def _chances() -> Iterator[int]:
    """Numbers of 62 bits that nobody can guess."""
    while True:
        for (bits,) in struct.iter_unpack("=Q", os.urandom(_CHANCE_BYTES)):
            yield bits & _CHANCE


new_id: Final = IdSource().new_id
"""`new_id("cap")`: a new id, unique without coordination, in time's order within a process."""


class PageTokens:
    """Seals the position of a listing into a token, and opens only tokens it sealed.

    A token holds for one scope (the tenant, the listing and its filter), so that one listing's
    token is no position in another's.
    """

    _TAG_BYTES: Final = 16

    def __init__(self, key: bytes) -> None:
        """`key`: at least 32 secret bytes, the same in every replica."""
        if len(key) < 32:
            raise ValueError("a page token key has at least 32 bytes")
        self._key = key

    def seal(self, scope: str, *position: str | int) -> str:
        """The token for going on after `position`, a row's sort key."""
        payload = msgspec.json.encode(position)
        return base64.urlsafe_b64encode(self._tag(scope, payload) + payload).decode().rstrip("=")

    def open(self, scope: str, token: str, field: str = "page_token") -> tuple[str | int, ...]:
        """The position in `token`, or () for the empty token: the start.

        `field` is where the request has it, for the error.

        Raises:
            InvalidInput: the token was altered, or is one of another listing.
        """
        if not token:
            return ()
        try:
            sealed = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except ValueError:
            sealed = b""
        tag, payload = sealed[: self._TAG_BYTES], sealed[self._TAG_BYTES :]
        if not hmac.compare_digest(tag, self._tag(scope, payload)):
            raise InvalidInput.at(field, "not a token that this listing gave out")
        return msgspec.json.decode(payload, type=tuple[str | int, ...])

    def _tag(self, scope: str, payload: bytes) -> bytes:
        # the scope's length first: no other scope and payload give the same bytes
        scoped = scope.encode()
        message = len(scoped).to_bytes(4, "big") + scoped + payload
        return hmac.digest(self._key, message, "sha256")[: self._TAG_BYTES]
