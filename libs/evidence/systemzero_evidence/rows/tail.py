"""The entries that no checkpoint covers yet, checked before one does.

Invariants:
1. Nothing is counted in that is not what its MAC, its hashes and its body say, in its place.
2. The root that is signed is computed from what was checked, not from nodes as they are stored.
"""

from __future__ import annotations

from typing import Final

from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Checkpoint, CompactRange, left_edge
from systemzero_evidence.rows.acknowledged import Acknowledged
from systemzero_evidence.rows.entries import Entries, StoredEntry, stands
from systemzero_evidence.rows.errors import LogDiverged
from systemzero_evidence.rows.macs import Macs
from systemzero_storage.database import TenantConnection

PAGE: Final = 1000


class Tail:
    """Checks tails of the logs in one set of tables.

    Attributes:
        acknowledged: what this process saw committed, and remembers.
    """

    def __init__(self, entries: Entries, macs: Macs) -> None:
        self._entries = entries
        self._macs = macs
        self.acknowledged = Acknowledged()

    def verified(self, own: TenantConnection, signed: Checkpoint | None, size: int) -> CompactRange:
        """The tree of `size` entries, which are as they were appended, after those `signed`.

        Raises:
            LogDiverged: names the first entry that is not what the signer wrote there.
        """
        try:
            return self._verified(own, signed, size)
        except LogDiverged:
            raise
        except DataCorrupted as error:
            raise LogDiverged(own.tenant, error.message) from error

    def _verified(
        self, own: TenantConnection, signed: Checkpoint | None, size: int
    ) -> CompactRange:
        tree = self.signed_part(own, signed)
        if tree.size >= size:
            return tree
        before = self._entries.mac(own.unscoped, own.tenant, tree.size - 1)
        while tree.size < size:
            page = self._entries.stored(own, tree.size, min(PAGE, size - tree.size))
            if not page:
                raise DataCorrupted(f"entry {tree.size} is missing")
            for stored in page:
                push(tree, stored)
                self._check_mac(own.tenant, stored, before)
                before = stored.mac
        return tree

    def signed_part(self, own: TenantConnection, signed: Checkpoint | None) -> CompactRange:
        """The tree of a checkpoint, from the nodes stored; empty for none.

        Raises:
            LogDiverged: they are not what was signed.
            DataCorrupted: one is missing.
        """
        start = 0 if signed is None else signed.size
        reader = self._entries.reader(own.unscoped, own.tenant)
        tree = CompactRange(start, reader.read_hashes(left_edge(start)))
        if signed is not None and tree.root() != signed.root:
            raise LogDiverged(
                own.tenant, f"its first {start} entries are not those of the last checkpoint"
            )
        return tree

    def _check_mac(self, tenant: str, stored: StoredEntry, before: bytes) -> None:
        entry, mac = stored.entry, stored.mac
        self.acknowledged.check(tenant, entry.index, mac)
        if not self._macs.hold(tenant, entry.index, entry.leaf_hash, before, mac):
            raise LogDiverged(
                tenant,
                f"entry {entry.index} was not written there by who signs: its MAC is not by this "
                "log's key",
            )


def push(tree: CompactRange, stored: StoredEntry) -> None:
    """Add the next entry to `tree`, if it and its nodes are what was appended.

    Raises:
        DataCorrupted: names it.
    """
    entry = stored.entry
    if entry.index != tree.size:
        raise DataCorrupted(f"entry {tree.size} is missing")
    if not stands(entry) or b"".join(tree.push(entry.leaf_hash)) != stored.hashes:
        raise DataCorrupted(f"entry {entry.index} was altered")
