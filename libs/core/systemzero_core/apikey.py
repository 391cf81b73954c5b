"""API keys as text: `s0_<kind>_<entropy><checksum>`, for whoever makes, holds or finds one.

`kind` is a word in lower case. `entropy` is 30 characters of base 62 (178 bits). `checksum` is the
CRC-32 (ISO-HDLC) of all that stands before it, in base 62, 6 characters, most significant first:
secret scanners and people's typos are caught without asking anybody.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

PREFIX: Final = "s0_"
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ENTROPY_CHARACTERS: Final = 30

_CHECKSUM_CHARACTERS: Final = 6
_FORM: Final = re.compile(r"s0_[a-z]{1,16}_[0-9A-Za-z]{36}", re.ASCII)


def with_checksum(kind: str, entropy: str) -> str:
    """The key of `kind` with `entropy`."""
    text = f"{PREFIX}{kind}_{entropy}"
    return text + _checksum(text)


def is_well_formed(secret: str) -> bool:
    """Whether `secret` has the form of a key, of whatever kind, and its checksum is right."""
    if _FORM.fullmatch(secret) is None:
        return False
    text, checksum = secret[:-_CHECKSUM_CHARACTERS], secret[-_CHECKSUM_CHARACTERS:]
    return checksum == _checksum(text)


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
