"""Request ids: whose one is, and the digest by which a repeat of it is told from a reuse."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message

from systemzero_base.internal.identity import Principal

DIGEST_BYTES = 16
_KEY_BYTES = 16


def own_request_id(principal: Principal, request_id: str) -> str:
    """What stands for a request id of this principal alone; empty for none.

    So that the same id of two principals is two: neither is told of the other's request, gets its
    answer, or can take the id away before the other comes.
    """
    if not request_id:
        return ""
    named = f"{len(principal.principal_id)} {principal.principal_id}{request_id}"
    return hashlib.sha256(named.encode()).hexdigest()[: 2 * _KEY_BYTES]


def request_digest(request: Message, content: bytes = b"") -> bytes:
    """16 bytes that stand for the whole request and its type.

    `content` is the digest of what was left out of `request`, always as long for one type.
    """
    digest = hashlib.sha256(f"{request.DESCRIPTOR.full_name}\n".encode() + content)
    digest.update(request.SerializeToString(deterministic=True))
    return digest.digest()[:DIGEST_BYTES]
