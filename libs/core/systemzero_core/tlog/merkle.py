"""The Merkle tree of RFC 6962 / RFC 9162, section 2.1, over stored nodes.

Only *complete* subtrees are stored, by `(level, position)`: node (0, i) is leaf i, and node (L, i)
covers the leaves [i * 2**L, (i + 1) * 2**L). They never change once they are there. The ragged
right border is computed from them, so that every root and proof takes O(log n) of them.

Invariants:
1. A leaf's hash is SHA-256(0x00 || leaf), a node's SHA-256(0x01 || left || right).
2. `grow(n, ...)` returns every node that leaf n completes, and no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root hash of the tree without leaves."""


class NodeId(NamedTuple):
    """A complete subtree: the one at `position` (from 0, left) of those with `2**level` leaves."""

    level: int
    position: int


class HashReader(Protocol):
    """Where the hashes of complete subtrees are read from."""

    def read_hashes(self, nodes: Sequence[NodeId]) -> Sequence[bytes]:
        """The hash of each of `nodes`, in their order."""
        ...


def hash_leaf(leaf: bytes) -> bytes:
    """The hash of a leaf (32 bytes)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (32 bytes)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def siblings(size: int) -> list[NodeId]:
    """The nodes that `grow` needs to append leaf `size`: those it completes a parent with."""
    nodes = []
    level = 0
    while size >> level & 1:
        nodes.append(NodeId(level, (size >> level) - 1))
        level += 1
    return nodes


def left_edge(size: int) -> list[NodeId]:
    """The complete subtrees that make up the tree of `size` leaves, from left to right."""
    return _complete_nodes(0, size)


def grow(leaf_hash: bytes, sibling_hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes of the nodes that a new leaf completes, from level 0 (the leaf itself) upwards.

    `sibling_hashes`: those of `siblings(size)`, where `size` is the tree's before the append.
    """
    hashes = [leaf_hash]
    for sibling in sibling_hashes:
        hashes.append(hash_children(sibling, hashes[-1]))
    return hashes


def root_hash(size: int, reader: HashReader) -> bytes:
    """The root hash of the tree of the first `size` leaves."""
    return _range_hashes([(0, size)], reader)[0] if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, reader: HashReader) -> list[bytes]:
    """PATH(index, D_size) of RFC 9162, 2.1.3.1: from the leaf's sibling upwards.

    Raises:
        ValueError: unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    ranges = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return _range_hashes(ranges[::-1], reader)


def consistency_proof(old: int, new: int, reader: HashReader) -> list[bytes]:
    """PROOF(old, D_new) of RFC 9162, 2.1.4.1; empty where the old tree is empty or the new one.

    Raises:
        ValueError: unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    if old in (0, new):
        return []
    ranges = []
    low, high = 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low > 0:  # else the old tree is itself the subtree, and its root is known
        ranges.append((low, high))
    return _range_hashes(ranges[::-1], reader)


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (> 1)."""
    return 1 << (size - 1).bit_length() - 1


def _complete_nodes(low: int, high: int) -> list[NodeId]:
    """The complete subtrees that make up the leaves [low, high), from left to right.

    `low` is a multiple of every power of two up to `high - low`, as all of RFC 9162's ranges are.
    """
    nodes = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(NodeId(level, low >> level))
        low += 1 << level
    return nodes


def _range_hashes(ranges: Sequence[tuple[int, int]], reader: HashReader) -> list[bytes]:
    """The hash of each range of leaves; all their nodes are read at once."""
    parts = [_complete_nodes(low, high) for low, high in ranges]
    hashes = iter(reader.read_hashes([node for nodes in parts for node in nodes]))
    return [_fold([next(hashes) for _ in nodes]) for nodes in parts]


def _fold(hashes: list[bytes]) -> bytes:
    """The hash over subtrees of falling size: each is the left child of what follows."""
    folded = hashes.pop()
    while hashes:
        folded = hash_children(hashes.pop(), folded)
    return folded
