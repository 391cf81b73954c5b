"""What has been seen before, so that it need not be parsed again: bounded, in memory.

Two ways to be known: by the digest of the client's bytes, and by the full digest of the normal form
that a client computed itself. Both belong to one tenant. What is forgotten costs a parse, no more;
whether the body is still stored is for the store to say, at every use.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from systemzero_capture.model import Known
from systemzero_capture.pipeline import Native


def native_digest(tenant: str, native: Native) -> bytes:
    """The digest of everything that decoding depends on; unambiguous in its parts."""
    digest = hashlib.sha256(f"{tenant}\n{native.form or ''}\n".encode())
    for part in (native.data, native.dom or b"", *native.frames):
        digest.update(b"%d\n" % len(part))
        digest.update(part)
    return digest.digest()


def tree_digest(tenant: str, full_digest: bytes) -> bytes:
    """The key of a tree known by its full digest."""
    return hashlib.sha256(f"{tenant}\ndigest\n".encode() + full_digest).digest()


class KnownCaptures:
    """The `capacity` contents used last."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, Known] = OrderedDict()

    def get(self, key: bytes) -> Known | None:
        """What is known under `key`."""
        known = self._entries.get(key)
        if known is not None:
            self._entries.move_to_end(key)
        return known

    def put(self, key: bytes, known: Known) -> None:
        """Remember `known`; forget what was not used for longest."""
        self._entries[key] = known
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def forget(self, key: bytes) -> None:
        """Drop what turned out not to be stored any more."""
        self._entries.pop(key, None)
