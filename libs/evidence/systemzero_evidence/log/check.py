"""What the log is checked for on the server: that it is whole, and extends what it published."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Checkpoint, CompactRange, Entry, Erasures
from systemzero_evidence.rows.entries import Entries
from systemzero_evidence.rows.tail import PAGE, push
from systemzero_evidence.signed.checkpoints import Checkpoints
from systemzero_storage.database import TenantConnection


def check_tail(own: TenantConnection, entries: Entries, checkpoints: Checkpoints) -> None:
    """Check the last checkpoints, those in and outside the database, and every entry after them.

    Reads O(log n) rows, and those entries that no checkpoint covers yet (a second's worth).

    Raises:
        LogDiverged: entries are missing, or not those that a checkpoint was signed for, or not
            written by who signs.
    """
    size = entries.size(own.unscoped, own.tenant)
    checkpoints.check_known(own, size)
    checkpoints.verified(own, size, most=size)


class FullCheck:
    """Checks every entry, node, checkpoint and erasure of a log, page by page from its start."""

    def __init__(self, entries: Entries, checkpoints: Checkpoints) -> None:
        self.tree = CompactRange()
        self._erasures = Erasures()
        self._entries = entries
        self._checkpoints = checkpoints

    def check_page(self, own: TenantConnection) -> bool:
        """Check the next entries; whether there were any.

        Raises:
            DataCorrupted: names the first that is not what was appended, or signed.
        """
        start = self.tree.size
        signed = self._checkpoints.between(own.unscoped, own.tenant, start, start + PAGE)
        page = _check_page(own, self._entries, self.tree, signed)
        for entry in page:
            self._erasures.take(entry)
        if not page:
            self._erasures.finish()
        return bool(page)


def _check_page(
    own: TenantConnection,
    entries: Entries,
    tree: CompactRange,
    signed: Mapping[int, Checkpoint] = MappingProxyType({}),
) -> list[Entry]:
    """The next entries, checked against their hashes, nodes and checkpoints, added to `tree`."""
    _check_signed(tree, signed)
    page = entries.stored(own, tree.size, PAGE)
    for stored in page:
        push(tree, stored)
        if tree.size in signed:
            _check_signed(tree, signed)
    return [stored.entry for stored in page]


def _check_signed(tree: CompactRange, signed: Mapping[int, Checkpoint]) -> None:
    checkpoint = signed.get(tree.size)
    if checkpoint is not None and checkpoint.root != tree.root():
        raise DataCorrupted(
            f"the first {tree.size} entries are not those that the checkpoint was signed for"
        )
