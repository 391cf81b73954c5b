"""What platforms write and XML forbids, made legal: a character must not cost the whole screen.

A forbidden character becomes U+FFFD, two references that spell one emoji become it, and what cannot
stand in an element's name (obfuscators choose such names) becomes `_`. Texts that are not escaped
(`<` or `&` in a value) are no matter of a character and stay errors.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from systemzero_core.characters import known

_REFERENCE = re.compile(
    r"&#(?:x([dD][89aAbB][0-9a-fA-F]{2})|(5[5-6][0-9]{3}));"
    r"&#(?:x([dD][c-fC-F][0-9a-fA-F]{2})|(5[6-7][0-9]{3}));"
    r"|&#(?:x([0-9a-fA-F]+)|([0-9]+));"
)
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"(</?)([^\s<>/!?=\"']+)")
_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._:-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9._:-]")
_LONGEST_NUMBER = 10


class Mended(NamedTuple):
    """A text without what XML forbids, and the way back to the places of the text it was.

    `ends` are the places behind each reference that got shorter, `lost` how many characters are
    gone up to there, in the same order.
    """

    text: str
    ends: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()

    def origin(self, place: int) -> int:
        """Where in the original text the character at `place` stood."""
        before = bisect_right(self.ends, place)
        return place + (self.lost[before - 1] if before else 0)


def mended(text: str) -> Mended:
    """`text` with everything that XML forbids replaced."""
    parts: list[str] = []
    ends: list[int] = []
    lost: list[int] = []
    done = length = gone = 0
    for reference in _REFERENCE.finditer(text):
        character = _character(reference)
        if character is None:
            continue
        part = text[done : reference.start()] + character
        parts.append(part)
        done, length = reference.end(), length + len(part)
        gone = done - length
        ends.append(length)
        lost.append(gone)
    parts.append(text[done:])
    clean = _FORBIDDEN.sub("\ufffd", "".join(parts))
    return Mended(_NAME.sub(_legal_name, clean), tuple(ends), tuple(lost))


def _character(reference: re.Match[str]) -> str | None:
    """What stands for a reference that XML refuses; None for one that it takes."""
    high_hex, high, low_hex, low, one_hex, one = reference.groups()
    if one_hex is None and one is None:
        first, second = _number(high_hex, high), _number(low_hex, low)
        if 0xD800 <= first < 0xDC00 <= second < 0xE000:
            return chr(0x10000 + (first - 0xD800) * 0x400 + second - 0xDC00)
        return "".join(chr(code) if _is_legal(code) else "\ufffd" for code in (first, second))
    return None if _is_legal(_number(one_hex, one)) else "\ufffd"


def _is_legal(code: int) -> bool:
    if code < 0xD800:
        return code >= 32 or code in (9, 10, 13)
    return 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


def _number(hexadecimal: str | None, decimal: str | None) -> int:
    digits = (hexadecimal or decimal or "0").lstrip("0") or "0"
    if len(digits) > _LONGEST_NUMBER:
        return -1  # no character, and no work for `int`
    return int(digits, 16 if hexadecimal is not None else 10)


def _legal_name(name: re.Match[str]) -> str:
    if _SAFE_NAME.fullmatch(name[2]):
        return name[0]
    legal = _UNSAFE.sub("_", name[2])
    return name[1] + (legal if known(legal[0]).isalpha() or legal[0] == "_" else "_" + legal[1:])
