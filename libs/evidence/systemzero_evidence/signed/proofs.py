"""Proofs from the stored tree: each is checked before it is handed out."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from systemzero_core.errors import InvalidInput
from systemzero_core.tlog import (
    consistency_proof,
    inclusion_proof,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from systemzero_evidence.rows.entries import Entries
from systemzero_evidence.signed.checkpoints import Checkpoints


class InclusionProof(msgspec.Struct, frozen=True):
    """That an entry is in the log: RFC 9162, 2.1.3.

    Attributes:
        index: the entry's, from 0.
        size: that of the tree the proof leads to.
        leaf_hash: the entry's (32 bytes).
        hashes: the audit path, from the leaf's sibling upwards.
        root: the tree's root hash, to be compared with a checkpoint's.
    """

    index: int
    size: int
    leaf_hash: bytes
    hashes: list[bytes]
    root: bytes


class ConsistencyProof(msgspec.Struct, frozen=True):
    """That the log of one size begins with the log of a smaller one: RFC 9162, 2.1.4."""

    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    hashes: list[bytes]


class Proofs:
    """Makes proofs, within the caller's transaction."""

    def __init__(self, entries: Entries, checkpoints: Checkpoints) -> None:
        self._entries = entries
        self._checkpoints = checkpoints

    def inclusion(
        self, connection: Connection, tenant: str, index: int, size: int
    ) -> InclusionProof:
        """See `LogStore.inclusion_proof`."""
        leaf_hash = self._entries.leaf_hash(connection, tenant, index)
        self._require_size(connection, tenant, size)
        if index >= size:
            raise InvalidInput.at("size", f"the first {size} entries do not hold {index}")
        root = self._root(connection, tenant, size)
        hashes = inclusion_proof(index, size, self._entries.reader(connection, tenant))
        verify_inclusion(leaf_hash, index, size, hashes, root)
        return InclusionProof(index, size, leaf_hash, hashes, root)

    def consistency(
        self, connection: Connection, tenant: str, old_size: int, new_size: int
    ) -> ConsistencyProof:
        """See `LogStore.consistency_proof`."""
        self._require_size(connection, tenant, new_size)
        if not 0 <= old_size <= new_size:
            raise InvalidInput.at("old_size", f"between 0 and {new_size}, the new size")
        old_root = self._root(connection, tenant, old_size)
        new_root = self._root(connection, tenant, new_size)
        reader = self._entries.reader(connection, tenant)
        hashes = consistency_proof(old_size, new_size, reader)
        verify_consistency(old_size, old_root, new_size, new_root, hashes)
        return ConsistencyProof(old_size, old_root, new_size, new_root, hashes)

    def _root(self, connection: Connection, tenant: str, size: int) -> bytes:
        """The root of the tree of `size`: the one that was signed, if one was."""
        stored = self._checkpoints.at(connection, tenant, size)
        if stored is not None:
            return self._checkpoints.trusted(tenant, stored.note).root
        return root_hash(size, self._entries.reader(connection, tenant))

    def _require_size(self, connection: Connection, tenant: str, size: int) -> None:
        entries = self._entries.size(connection, tenant)
        if not 0 <= size <= entries:
            raise InvalidInput.at("size", f"the log has {entries} entries")
