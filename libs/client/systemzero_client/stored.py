"""How many bytes of a document that a server sends are stored."""

from __future__ import annotations

from systemzero_core.errors import TooLarge

MAX_BYTES = 4_000_000_000
"""Bytes of an export that are stored unless the caller allows more."""


class ByteBound:
    """Counts the bytes of a document that comes in, and ends one that has too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def take(self, chunk: bytes) -> None:
        """Count the next bytes.

        Raises:
            TooLarge: they are more than the caller allows.
        """
        self._taken += len(chunk)
        if self._taken > self._most:
            raise beyond("the export goes on", self._most)


def beyond(what: str, most: int) -> TooLarge:
    """The error that ends what is beyond `most` bytes."""
    return TooLarge(
        f"{what}, beyond {most:,} bytes, which is all that this client stores of it: if you expect "
        "a log of that size, allow more (`--max-bytes`)"
    )
