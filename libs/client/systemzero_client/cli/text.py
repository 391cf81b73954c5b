"""Small things that people read: times, indented lines, the contract's words."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from systemzero_client.cli.terminal import printable

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["indented", "printable", "seconds_of", "time_text", "word"]


def time_text(time: Timestamp) -> str:
    """`2026-11-22 15:04:05Z`; of what is no time, it says so."""
    try:
        return time.ToDatetime(tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError):
        return f"(no time: {time.seconds} s)"


def seconds_of(duration: Duration) -> float:
    """Seconds, whatever a server says."""
    return duration.seconds + duration.nanos / 1e9


def indented(text: str, by: str = "  ") -> list[str]:
    """The lines of `text`, moved to the right."""
    return [by + line for line in text.split("\n")]


def word(enum: Any, value: int, prefix: str) -> str:
    """The contract's name of `value`, without its `prefix`, in small letters.

    The number stands for one that only a newer server knows.
    """
    known: dict[int, str] = {number: name for name, number in enum.items()}
    return known.get(value, str(value)).removeprefix(prefix).lower()
