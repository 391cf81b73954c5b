"""Bytes that are meant to be text: UTF-8 whatever they came as, and nothing that costs a screen.

PowerShell redirects to UTF-16, Java writes halves of surrogate pairs, and tools cut texts in the
middle of a character. What is no character becomes U+FFFD, as `docs/design/normal-form.md` says.
"""

from __future__ import annotations

import codecs
import re

from systemzero_core.errors import TruncatedInput

_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_BEGINNINGS = ("{", "[", "-", "#", "`")
_HALVES = re.compile(rb"(?:\xed[\xa0-\xbf][\x80-\xbf])+")
_SURROGATES = re.compile("[\ud800-\udfff]+")


def utf8_of(data: bytes) -> bytes:
    """`data` in UTF-8 where it is UTF-16 by its mark or its shape; XML, which says so, as it is.

    Raises:
        TruncatedInput: it ends inside a character.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _transcoded(data, data[len(mark) :], encoding)
    if data[1:2] == b"\0" and data[:1] in (b"{", b"[", b"-", b"#"):
        return _transcoded(data, data, "utf-16-le")
    if data[:1] == b"\0" and data[1:2] in (b"{", b"[", b"-", b"#"):
        return _transcoded(data, data, "utf-16-be")
    return data


def text_of(data: bytes, what: str) -> str:
    """The text of `data`, which is UTF-8 as far as it is text at all.

    Raises:
        TruncatedInput: it ends inside a character; `what` names it.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    mended = mended_utf8(data)
    try:
        return mended.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end == len(mended) and error.reason == "unexpected end of data":
            raise TruncatedInput.at(what, "truncated: it ends inside a character") from None
        return mended.decode("utf-8-sig", "replace")


def mended_utf8(data: bytes) -> bytes:
    """`data` with surrogate pairs that were encoded half by half put together."""
    return _HALVES.sub(lambda found: _joined(found[0].decode("utf-8", "surrogatepass")), data)


def joined(text: str) -> str:
    """`text` with its surrogate pairs put together, and U+FFFD for a half that is alone."""
    return _SURROGATES.sub(lambda found: _joined(found[0]).decode(), text)


def _joined(halves: str) -> bytes:
    pairs = halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return pairs.encode()


def _transcoded(data: bytes, body: bytes, encoding: str) -> bytes:
    text = body.decode(encoding, "replace")
    if not text.lstrip().startswith(_BEGINNINGS):
        return data  # XML says what it is in, and what is no text is not ours
    if len(body) % 2:
        raise TruncatedInput.at("data", "truncated: it ends inside a character")
    return text.encode()
