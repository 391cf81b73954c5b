"""The keys under which a capture's content is known, so that it need not be parsed again.

Content is known by the digest of the client's bytes, and by the full digest of the normal form that
a client computed itself; each key belongs to one tenant. What is forgotten costs a parse, no more;
whether the body is still stored is for the store to say, at every use.
"""

from __future__ import annotations

import hashlib

from systemzero.tree.v1 import tree_pb2
from systemzero_capture.intake.pipeline import Native
from systemzero_capture.model import Known

_ENTRY = 1_000
"""Bytes that what is known takes beside its texts."""
_REASON = 200
_WIDEST = 4
"""Bytes of a text's widest character."""


def known_memory(_key: bytes, known: Known) -> int:
    """Bytes that an entry takes in memory, about."""
    return _ENTRY + sum(_REASON + _WIDEST * len(why.detail) for why in known.incompleteness)


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


def message_digest(tenant: str, tree: tree_pb2.Tree) -> bytes:
    """The key of a tree that came as a message."""
    digest = hashlib.sha256(f"message\n{tenant}\n".encode())
    digest.update(tree.SerializeToString(deterministic=True))
    return digest.digest()
