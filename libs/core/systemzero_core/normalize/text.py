"""Strings in normal form: names, values and attribute values.

Steps, in this order (each leaves what the earlier ones made):
1. A lone surrogate becomes U+FFFD.
2. U+00AD, U+061C, U+200B, U+200E, U+200F, U+2060 and U+FEFF are removed: break hints and
   direction marks, which renderers and locales add at will. Joiners (U+200C, U+200D) change what
   is shown, and so do bidirectional embeddings, overrides and isolates: they stay.
3. Runs of white space (Unicode White_Space and U+001C to U+001F) become one U+0020; none is left
   at either end.
4. Unicode normalisation form C. It is stable for assigned characters; a character assigned only in
   a later Unicode version than the interpreter's is left alone by it.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = dict.fromkeys((0xAD, 0x61C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF))
_SURROGATE = re.compile("[\ud800-\udfff]")


def normal_text(text: str) -> str:
    """`text` in normal form; the very same object where it is already."""
    if text.isascii():
        if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
            return text  # the common case, decided without a copy
        return " ".join(text.split())
    clean = _SURROGATE.sub("\ufffd", text).translate(_INVISIBLE)
    clean = unicodedata.normalize("NFC", " ".join(clean.split()))
    return text if clean == text else clean
