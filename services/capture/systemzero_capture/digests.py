"""The digests under which a content is known; each belongs to one tenant."""

from __future__ import annotations

import hashlib

from systemzero_capture.model import Native


def native_digest(tenant: str, native: Native) -> bytes:
    """The digest of everything that decoding depends on; unambiguous in its parts."""
    digest = hashlib.sha256(f"native\n{tenant}\n{native.form or ''}\n".encode())
    for part in (native.data, native.dom or b"", *native.frames):
        digest.update(b"%d\n" % len(part))
        digest.update(part)
    return digest.digest()


def tree_digest(tenant: str, full_digest: bytes) -> bytes:
    """The key of a tree known by its full digest."""
    return hashlib.sha256(f"digest\n{tenant}\n".encode() + full_digest).digest()


def message_digest(tenant: str, message: bytes) -> bytes:
    """The key of a tree that came as a message, serialised."""
    digest = hashlib.sha256(f"message\n{tenant}\n".encode())
    digest.update(message)
    return digest.digest()
