"""JSON that is none by its texts alone, mended: one bad character must not cost the whole screen.

Asked only where a reader has refused the document. Invariants:
1. What is valid JSON comes back equal; structure is never mended.
2. One pass, so that the time is linear.
"""

from __future__ import annotations

import re

from systemzero_core.formats._utf8 import mended_utf8

_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_TOKEN = re.compile(rb"\"|\\(?:" + _PAIR + rb"|(" + _HALF + rb")|.)|[\x00-\x1f]+", re.DOTALL)
_MARK = rb"\ufffd"


def mended(data: bytes) -> bytes:
    """`data` with U+FFFD for what is no character, and control characters in texts escaped."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        data = mended_utf8(data)
        cut = error.reason == "unexpected end of data" and error.end == len(data)
        data = data if cut else data.decode("utf-8", "replace").encode()
    return _TOKEN.sub(_Texts(), data)


class _Texts:
    """What each token becomes; knows whether it stands in a text."""

    def __init__(self) -> None:
        self._inside = False

    def __call__(self, found: re.Match[bytes]) -> bytes:
        token = found[0]
        if token == b'"':
            self._inside = not self._inside
        elif found[1]:
            return _MARK
        elif self._inside and token[0] < 0x20:
            return b"".join(b"\\u%04x" % code for code in token)
        return token
