"""Checks of request fields that every service makes alike, and times between contract and domain.

Times of the domain are integers: microseconds since 1970, UTC.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from systemzero_core.errors import InvalidInput

MAX_NAME_CHARACTERS = 200
MAX_REQUEST_ID_CHARACTERS = 100
MAX_PAGE_SIZE = 1_000
DEFAULT_PAGE_SIZE = 50


def text(value: str, field: str, *, most: int = MAX_NAME_CHARACTERS, least: int = 0) -> str:
    """`value`, a text of `least` to `most` characters, none of them U+0000.

    Raises:
        InvalidInput: it is longer or shorter, or has that character, which PostgreSQL can't store.
    """
    if "\0" in value:
        raise InvalidInput.at(field, "must not have the character U+0000")
    if len(value) > most:
        raise InvalidInput.at(field, f"at most {most} characters, has {len(value)}")
    if len(value) < least:
        raise InvalidInput.at(field, "required" if least == 1 else f"at least {least} characters")
    return value


def request_id(value: str) -> str:
    """`value`, a client-made id or empty.

    Raises:
        InvalidInput: it is longer than 100 characters.
    """
    return text(value, "request_id", most=MAX_REQUEST_ID_CHARACTERS)


def page_size(value: int) -> int:
    """How many rows a page has: `value`, or 50 for 0.

    Raises:
        InvalidInput: not between 0 and 1,000.
    """
    if not 0 <= value <= MAX_PAGE_SIZE:
        raise InvalidInput.at("page_size", f"between 0 and {MAX_PAGE_SIZE}, is {value}")
    return value or DEFAULT_PAGE_SIZE


def timestamp(micros: int) -> Timestamp:
    """The time as a message."""
    message = Timestamp()
    message.FromMicroseconds(micros)
    return message


def micros(message: Timestamp, field: str) -> int:
    """The time in `message`.

    Raises:
        InvalidInput: it is outside the years 1 to 9999, or its nanoseconds are.
    """
    if not 0 <= message.nanos < 1_000_000_000 or not -62135596800 <= message.seconds < 253402300800:
        raise InvalidInput.at(field, "not a time between the years 1 and 9999")
    return message.seconds * 1_000_000 + message.nanos // 1_000
