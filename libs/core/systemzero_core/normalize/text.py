"""Strings in normal form: names, values and attribute values.

Steps, in this order (each leaves what the earlier ones made):
1. A lone surrogate becomes U+FFFD.
2. U+00AD, U+061C, U+200B, U+200E, U+200F, U+2060 and U+FEFF are removed: break hints and
   direction marks, which renderers and locales add at will. Joiners (U+200C, U+200D) change what
   is shown, and so do bidirectional embeddings, overrides and isolates: they stay.
3. Runs of white space (Unicode White_Space and U+001C to U+001F) become one U+0020; none is left
   at either end.
4. Unicode normalisation form C, as of Unicode 14.0: a character that this version does not assign
   is left alone, whatever the interpreter's own Unicode data (see `systemzero_core.characters`).
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from systemzero_core.characters import apart

_INVISIBLE = dict.fromkeys((0xAD, 0x61C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF))
_LONG = 128
"""Characters up to which a text's marks are left to CPython, whatever their order."""
_OPENED = {mark: unicodedata.normalize("NFD", chr(mark)) for mark in (0xF73, 0xF75, 0xF81)}
"""The only characters that are no marks themselves and decompose into nothing but marks."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def normal_text(text: str) -> str:
    """`text` in normal form; the very same object where it is already."""
    if text.isascii():
        if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
            return text  # the common case, decided without a copy
        return " ".join(text.split())
    clean = _SURROGATE.sub("\ufffd", text).translate(_INVISIBLE)
    clean = apart(" ".join(clean.split()), _composed)
    return text if clean == text else clean


def _composed(text: str) -> str:
    """`text` in form C, in linear time.

    CPython sorts the marks after a letter by insertion: 300,000 disordered pairs of them, less than
    a megabyte, would hold the interpreter for minutes. Marks that stand in canonical order already
    cost nothing, so those of a long text are put into it first; form C stays the same by that.
    """
    if len(text) > _LONG:
        opened = text.translate(_OPENED)
        if any(map(unicodedata.combining, opened)):
            text = _ordered(opened)
    return unicodedata.normalize("NFC", text)


def _ordered(text: str) -> str:
    """`text`, each run of marks stably sorted by their combining class."""
    runs = groupby(text, lambda c: unicodedata.combining(c) > 0)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if marks else run) for marks, run in runs
    )
