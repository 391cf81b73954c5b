"""Identifiers that sort by time, and page tokens that cannot be forged."""

from __future__ import annotations

import base64
import hmac
from typing import Final

import msgspec
from uuid_utils import uuid7

from systemzero_core.errors import InvalidInput


def new_id(prefix: str) -> str:
    """`prefix`, an underscore and a UUID of version 7 (RFC 9562) as 32 hexadecimal digits.

    Unique without coordination. Those of one process strictly increase, also when the clock stands
    still or goes back. They are no secrets: in 32 bits those of a millisecond differ by chance.
    """
    return f"{prefix}_{uuid7().hex}"


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
