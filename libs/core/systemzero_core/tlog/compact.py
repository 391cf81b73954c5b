"""A compact range: the Merkle tree of a stream of leaves, in O(log n) memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from systemzero_core.tlog.merkle import EMPTY_ROOT, hash_children


class CompactRange:
    """The complete subtrees at the left of a tree that grows leaf by leaf."""

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """An empty tree, or one of `size` leaves with the hashes of `left_edge(size)`."""
        self.size = size
        self._hashes = list(hashes)

    def push(self, leaf_hash: bytes) -> list[bytes]:
        """Append a leaf; the hashes of the nodes it completes, from level 0 (itself) upwards."""
        carry = self.size
        completed = [leaf_hash]
        while carry & 1:  # as in binary addition: two subtrees of a size make one of the next
            leaf_hash = _sha256(b"\x01" + self._hashes.pop() + leaf_hash).digest()
            completed.append(leaf_hash)
            carry >>= 1
        self._hashes.append(leaf_hash)
        self.size += 1
        return completed

    def edge(self) -> list[bytes]:
        """The hashes of `left_edge(size)`: complete subtrees, from left to right."""
        return list(self._hashes)

    def root(self) -> bytes:
        """The root hash of the leaves so far."""
        if not self._hashes:
            return EMPTY_ROOT
        digest = self._hashes[-1]
        for left in self._hashes[-2::-1]:
            digest = hash_children(left, digest)
        return digest


_sha256: Final = hashlib.sha256  # `push` is the inner loop of every verification
