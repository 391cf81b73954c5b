"""Whether an entry is the one that the signer wrote, for who acts by what it says.

Which entries are erased is decided by what stands in the database, where others may write: the
kind and the time of an entry, or a row that names it. Their erasure is signed. So an entry is
erased only as what its leaf says, and only if the leaf is the signer's: by its MAC, or, where a
checkpoint covers it, by its proof (a MAC by a key that was rotated since holds no more).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Entry
from systemzero_evidence.rows.entries import Appended, Entries, StoredEntry, stands
from systemzero_evidence.rows.errors import LogDiverged
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.signed.checkpoints import Checkpoints
from systemzero_evidence.signed.proofs import Proofs
from systemzero_storage.database import TenantConnection

Meant = Callable[[Entry], bool]
"""Whether an entry is one of those that the caller means, by what it says itself."""


def any_entry(_entry: Entry) -> bool:
    """What is meant by who names entries that nobody else can have named."""
    return True


class Authentic:
    """Checks single entries of the logs in one set of tables, and erases those that hold.

    Attributes:
        refused: why nothing could be erased, by tenant, until an erasure there succeeds.
    """

    def __init__(
        self, entries: Entries, macs: Macs, checkpoints: Checkpoints, proofs: Proofs
    ) -> None:
        self._entries = entries
        self._macs = macs
        self._checkpoints = checkpoints
        self._proofs = proofs
        self.refused: dict[str, str] = {}

    def erase(
        self, own: TenantConnection, indexes: Sequence[int], create_time: datetime, meant: Meant
    ) -> Appended | None:
        """Erase entries, all of them or none; see `LogStore.erase`."""
        try:
            erased = self._entries.erase(
                own, indexes, create_time, lambda c, stored: self._check(c, stored, meant)
            )
        except DataCorrupted as error:
            self.refused[own.tenant] = error.message
            raise
        self.refused.pop(own.tenant, None)
        return erased

    def _check(self, own: TenantConnection, stored: StoredEntry, meant: Meant) -> None:
        """Check that an entry is what the signer wrote in its place, and one that is `meant`.

        Raises:
            LogDiverged: it was altered, or written by others.
            DataCorrupted: it is not one that is meant.
        """
        entry = stored.entry
        if not stands(entry):
            raise LogDiverged(own.tenant, f"entry {entry.index} was altered; it is not erased")
        if not (self._has_mac(own, stored) or self._is_signed(own, entry)):
            raise LogDiverged(
                own.tenant,
                f"entry {entry.index} was not written there by who signs; it is not erased",
            )
        if not meant(entry):
            raise DataCorrupted(
                f"entry {entry.index} of the log of tenant {own.tenant!r} is not what the row that "
                "names it says; nothing is erased"
            )

    def _has_mac(self, own: TenantConnection, stored: StoredEntry) -> bool:
        entry = stored.entry
        before = self._entries.mac(own.unscoped, own.tenant, entry.index - 1)
        return self._macs.hold(own.tenant, entry.index, entry.leaf_hash, before, stored.mac)

    def _is_signed(self, own: TenantConnection, entry: Entry) -> bool:
        """Whether the newest checkpoint covers it; one that another tree was signed for does not.

        Raises:
            LogDiverged: the checkpoint is not signed by the log's key.
        """
        connection, tenant = own.unscoped, own.tenant
        latest = self._checkpoints.latest(connection, tenant)
        if latest is None:
            return False
        size = self._checkpoints.trusted(tenant, latest.note).size
        if entry.index >= size:
            return False
        try:
            proof = self._proofs.inclusion(connection, tenant, entry.index, size)
        except DataCorrupted:
            return False
        return proof.leaf_hash == entry.leaf_hash
