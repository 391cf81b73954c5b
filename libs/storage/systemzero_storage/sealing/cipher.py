"""AES-256-GCM with what a ciphertext is bound to. Pure, but for the nonces' randomness.

Invariants:
1. What is bound is a list of parts, each behind its length: no two lists are one sequence of bytes.
2. Nonces are 96 random bits. A key MUST NOT be used more than 2**32 times (NIST SP 800-38D, 8.3):
   then two uses share a nonce with a probability below 2**-32. Whoever holds a key counts.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

__all__ = ["AESGCM", "KEY_BYTES", "InvalidTag", "bound", "decrypt", "encrypt"]


def bound(*parts: bytes | str | int) -> bytes:
    """The associated data that says where a ciphertext belongs."""
    encoded = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def encrypt(key: AESGCM, plain: bytes, associated: bytes) -> bytes:
    """Nonce, ciphertext and tag."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, associated)


def decrypt(key: AESGCM, sealed: bytes, associated: bytes) -> bytes:
    """What was encrypted under the same key and associated data.

    Raises:
        InvalidTag: it was not.
    """
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise InvalidTag
    return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
