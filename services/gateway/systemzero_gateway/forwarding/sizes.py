"""How large messages and streams of them may be, in bytes after decompression."""

from __future__ import annotations

from systemzero_core.errors import TooLarge
from systemzero_gateway.access.policy import Method


def check_size(method: Method, size: int) -> None:
    """Hold one request message of `size` bytes against the method's bound.

    Raises:
        TooLarge: it is larger.
    """
    if size > method.max_bytes:
        raise TooLarge(
            f"a message of {size:,} bytes is larger than the {method.max_bytes:,} allowed",
            metadata={"limit": str(method.max_bytes), "actual": str(size)},
        )


class StreamBudget:
    """What one stream of requests may carry: each message, and all of them together."""

    def __init__(self, method: Method, platform_bytes: int) -> None:
        """`platform_bytes` are for all messages together where the method says nothing."""
        self._method = method
        self._limit = method.max_stream_bytes or platform_bytes
        self._used = 0

    def take(self, size: int) -> None:
        """Account for a message of `size` bytes.

        Raises:
            TooLarge: the message is larger than the method allows, or the stream is by now.
        """
        check_size(self._method, size)
        self._used += size
        if self._used > self._limit:
            raise TooLarge(
                f"the messages of this stream have more than {self._limit:,} bytes together; "
                "go on with a new one",
                metadata={"limit": str(self._limit), "actual": str(self._used)},
            )
