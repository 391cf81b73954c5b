"""The digest of a request, by which a repeat of its id is told from a reuse."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message

DIGEST_BYTES = 16


def request_digest(request: Message, content: bytes = b"") -> bytes:
    """16 bytes that stand for the whole request and its type.

    `content` is the digest of what was left out of `request`, always as long for one type.
    """
    digest = hashlib.sha256(f"{request.DESCRIPTOR.full_name}\n".encode() + content)
    digest.update(request.SerializeToString(deterministic=True))
    return digest.digest()[:DIGEST_BYTES]
