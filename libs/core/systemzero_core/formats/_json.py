"""JSON from strangers: typed errors, and an answer at any depth.

`msgspec` reads fast and refuses nesting beyond the interpreter's stack, so what nests by nature
(AT-SPI, the older layout) falls back to `_deepjson`, which keeps a stack of its own.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from systemzero_core.errors import InvalidInput, MalformedTree, TruncatedInput
from systemzero_core.formats import _deepjson

T = TypeVar("T")

BOM = b"\xef\xbb\xbf"
_AT = re.compile(r" - at `\$\.?(?P<path>.*)`$", re.DOTALL)


def decode(decoder: msgspec.json.Decoder[T], data: bytes, what: str) -> T:
    """`data` as the type of `decoder`; `what` names the input in errors.

    Raises:
        TruncatedInput: the JSON ends early.
        MalformedTree: it nests deeper than a flat format ever does.
        InvalidInput: it is no JSON, or a field has the wrong type; the violation names the field.
    """
    try:
        return decoder.decode(data.removeprefix(BOM))
    except RecursionError:
        raise MalformedTree.at(what, "nested deeper than this format ever is") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _typed(error, what) from None


def decode_any(data: bytes, what: str) -> Any:
    """`data` as plain dicts, lists and scalars, however deep.

    Raises:
        TruncatedInput: the JSON ends early.
        InvalidInput: it is no JSON.
    """
    data = data.removeprefix(BOM)
    try:
        try:
            return msgspec.json.decode(data)
        except RecursionError:
            return _deepjson.loads(data.decode(), what)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _typed(error, what) from None


def _typed(error: Exception, what: str) -> InvalidInput:
    message = str(error)
    if "truncated" in message:
        return TruncatedInput.at(what, "the JSON is truncated: it ends before it is complete")
    at = _AT.search(message)
    if at:
        return InvalidInput.at(at["path"] or what, message[: at.start()])
    return InvalidInput.at(what, message)
