"""The digest of a request, by which a repeat of its id is told from a reuse."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message

DIGEST_BYTES = 16


def request_digest(request: Message) -> bytes:
    """16 bytes that stand for the whole request and its type."""
    digest = hashlib.sha256(f"{request.DESCRIPTOR.full_name}\n".encode())
    digest.update(request.SerializeToString(deterministic=True))
    return digest.digest()[:DIGEST_BYTES]
