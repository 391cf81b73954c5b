"""API keys as text: `s0_<kind>_<entropy><checksum>`.

`kind` is `live`, the only one there is so far. `entropy` is 30 characters of base 62 (178 bits)
from the system's random source. `checksum` is the CRC-32 (ISO-HDLC) of all that stands before it,
in base 62, 6 characters, most significant first: secret scanners and people's typos are caught
without asking anybody.

A key is stored as HMAC-SHA256 under a pepper that is not in the database, so that neither a stolen
database nor a stolen pepper lets anyone test guesses. A slow hash would add nothing: the entropy is
out of any guesser's reach.
"""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from typing import Final

KIND: Final = "live"

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ENTROPY_CHARACTERS: Final = 30
_CHECKSUM_CHARACTERS: Final = 6
_FORM: Final = re.compile(r"s0_live_[0-9A-Za-z]{36}", re.ASCII)


def new_secret() -> str:
    """A new key's secret."""
    entropy = "".join(secrets.choice(_ALPHABET) for _ in range(_ENTROPY_CHARACTERS))
    text = f"s0_{KIND}_{entropy}"
    return text + _checksum(text)


def is_well_formed(secret: str) -> bool:
    """Whether `secret` has the form of a key and its checksum is right."""
    if _FORM.fullmatch(secret) is None:
        return False
    text, checksum = secret[:-_CHECKSUM_CHARACTERS], secret[-_CHECKSUM_CHARACTERS:]
    return checksum == _checksum(text)


def digest(pepper: bytes, secret: str) -> bytes:
    """What is stored of a key: 32 bytes."""
    return hmac.digest(pepper, secret.encode(), "sha256")


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
