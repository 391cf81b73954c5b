"""The one spelling of a credential in an `authorization` header, whatever stands around it.

Invariants:
1. Two headers with the same credential give the same text, so that no spelling of a good one fills
   what is remembered, nor is limited apart.
2. What can be no credential of ours gives an empty one, before anything is hashed or asked for.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import msgspec

from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.tokens import MAX_CHARACTERS

_SCHEME: Final = "bearer "
_MOST_BLANKS: Final = 64
# 64 bytes of a signature are 86 characters, of which the last has four bits that nobody reads: only
# where these are zero is it the one that was issued.
_TOKEN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]", re.ASCII)


class _Subject(msgspec.Struct):
    sub: str


def credential_of(header: str) -> str:
    """The API key or token in `header`, or nothing."""
    if len(header) > MAX_CHARACTERS + len(_SCHEME) + _MOST_BLANKS:
        return ""
    if header[: len(_SCHEME)].lower() != _SCHEME:
        return ""
    text = header[len(_SCHEME) :].strip(" ")
    if apikey.is_well_formed(text):
        return text
    return text if len(text) <= MAX_CHARACTERS and _TOKEN.fullmatch(text) else ""


def said_subject(credential: str) -> str:
    """The key that a token says it is of, unverified; nothing for what is no token."""
    parts = credential.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(claims, type=_Subject).sub
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        return ""
