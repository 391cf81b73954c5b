"""JSON from strangers: typed errors, and an answer at any depth.

`msgspec` reads fast and refuses nesting beyond the interpreter's stack, so what nests by nature
(AT-SPI, the older layout) falls back to `_deepjson`, which keeps a stack of its own. What is
refused for the characters in its texts is mended by `_jsonmend` and read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from systemzero_core.errors import InvalidInput, MalformedTree, TruncatedInput, quote
from systemzero_core.formats import _deepjson, _jsonmend

T = TypeVar("T")

BOM = b"\xef\xbb\xbf"
_BYTE = re.compile(r"\(byte (\d+)\)")
_CUT_NUMBER = re.compile(rb"[\s:,\[](?:-|-?\d{1,40}(?:\.\d{0,400})?(?:[eE][-+]?)?)\Z")
_QUOTED = 40
_AT = re.compile(r" - at `\$\.?(?P<path>.*)`$", re.DOTALL)


def decode(decoder: msgspec.json.Decoder[T], data: bytes, what: str) -> T:
    """`data` as the type of `decoder`; `what` names the input in errors.

    Raises:
        TruncatedInput: the JSON ends early.
        MalformedTree: it nests deeper than a flat format ever does.
        InvalidInput: it is no JSON, or a field has the wrong type; the violation names the field.
    """
    try:
        return _mending(decoder.decode, data, what)
    except RecursionError:
        raise MalformedTree.at(what, "nested deeper than this format ever is") from None


def decode_any(data: bytes, what: str) -> Any:
    """`data` as plain dicts, lists and scalars, however deep.

    Raises:
        TruncatedInput: the JSON ends early.
        InvalidInput: it is no JSON.
    """

    def read(data: bytes) -> Any:
        try:
            return msgspec.json.decode(data)
        except RecursionError:
            return _deepjson.loads(data.decode(), what)

    return _mending(read, data, what)


def _mending(read: Callable[[bytes], T], data: bytes, what: str) -> T:
    """`data`, read; where it is refused, as it is with its texts mended."""
    data = data.removeprefix(BOM)
    try:
        return read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        first = error
    mended = _jsonmend.mended(data)
    if mended == data:
        raise _typed(first, what, data) from None
    try:
        return read(mended)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _typed(error, what, mended) from None


def _typed(error: Exception, what: str, data: bytes) -> InvalidInput:
    message = str(error)
    place = _BYTE.search(message)
    is_at_end = place is not None and int(place[1]) >= len(data)
    if "truncated" in message or (is_at_end and _CUT_NUMBER.search(data[-500:])):
        return TruncatedInput.at(what, "the JSON is truncated: it ends before it is complete")
    named = _AT.search(message)
    if named:
        return InvalidInput.at(named["path"] or what, message[: named.start()])
    if place is None:
        return InvalidInput.at(what, message)
    at = int(place[1])
    if "trailing characters" in message:
        message, at = "another document begins after the first", at - 1  # its first byte is read
    message = _BYTE.sub("", message).strip()
    line, column = data.count(b"\n", 0, at) + 1, len(_last_line(data[:at])) + 1
    there = data[at:][:_QUOTED].decode("utf-8", "replace")
    return InvalidInput.at(
        what,
        f"{message}: line {line}, column {column}, at {quote(there)}; mend it there, or capture "
        "again",
    )


def _last_line(data: bytes) -> str:
    return data[data.rfind(b"\n") + 1 :].decode("utf-8", "replace")
