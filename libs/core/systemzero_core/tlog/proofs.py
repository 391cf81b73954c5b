"""Verification of proofs, by RFC 9162's algorithms: strict, and with no access to the log."""

from __future__ import annotations

from collections.abc import Sequence

from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.merkle import EMPTY_ROOT, HASH_BYTES, hash_children


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that leaf `index` of the tree with this size and root has this hash (2.1.3.2).

    Raises:
        LogVerificationError: it does not, or the proof is too long, too short or malformed.
    """
    _check_hashes(leaf_hash, root, *proof)
    if not 0 <= index < size:
        raise LogVerificationError(f"a tree of {size} leaves has no leaf {index}")
    position, last = index, size - 1
    computed = leaf_hash
    for sibling in proof:
        if last == 0:
            raise LogVerificationError("the inclusion proof is too long")
        if position & 1 or position == last:
            computed = hash_children(sibling, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = hash_children(computed, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise LogVerificationError("the inclusion proof is too short")
    if computed != root:
        raise LogVerificationError(f"entry {index} is not under the root of the tree of {size}")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with the old one's leaves (2.1.4.2).

    Raises:
        LogVerificationError: it does not, or the proof is too long, too short or malformed.
    """
    _check_hashes(old_root, new_root, *proof)
    if not 0 <= old_size <= new_size:
        raise LogVerificationError(f"a tree of {new_size} leaves cannot extend one of {old_size}")
    if old_size in (0, new_size):
        _check_trivial(old_size, old_root, new_size, new_root, proof)
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # the old tree is a node of the new one: its root is known
        path.insert(0, old_root)
    if not path:
        raise LogVerificationError("the consistency proof is too short")
    roots = _consistency_roots(old_size - 1, new_size - 1, path)
    if roots != (old_root, new_root):
        raise LogVerificationError(
            f"the tree of {new_size} entries does not extend the one of {old_size}: "
            "history was rewritten"
        )


def _check_trivial(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if proof:
        raise LogVerificationError("the consistency proof is too long")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise LogVerificationError("the old tree is empty, but its root is not the empty tree's")
    if old_size == new_size and old_root != new_root:
        raise LogVerificationError(f"two roots for the tree of {new_size}: history was rewritten")


def _consistency_roots(position: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the old and of the new tree that `path` leads to."""
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LogVerificationError("the consistency proof is too long")
        if position & 1 or position == last:
            old = hash_children(sibling, old)
            new = hash_children(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = hash_children(new, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise LogVerificationError("the consistency proof is too short")
    return old, new


def _check_hashes(*hashes: bytes) -> None:
    if any(len(digest) != HASH_BYTES for digest in hashes):
        raise LogVerificationError(f"a hash has not {HASH_BYTES} bytes")
