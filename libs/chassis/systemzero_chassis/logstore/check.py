"""What the log is checked for on the server: that it is whole, and extends what it published."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from systemzero_chassis.database import TenantConnection
from systemzero_chassis.logstore.checkpoints import Checkpoints
from systemzero_chassis.logstore.entries import Entries
from systemzero_chassis.logstore.errors import LogDiverged
from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import (
    Checkpoint,
    CompactRange,
    Entry,
    Erasures,
    digest_of,
    leaf_hash_of,
    left_edge,
    root_hash,
)

_PAGE: Final = 1000


def check_tail(own: TenantConnection, entries: Entries, checkpoints: Checkpoints) -> None:
    """Check the last checkpoint against the tree, and every entry after it against its hashes.

    Reads O(log n) rows, and those entries that no checkpoint covers yet (a second's worth).

    Raises:
        LogDiverged: entries are missing, or not those that the checkpoint was signed for.
    """
    connection, tenant = own.unscoped, own.tenant
    latest = checkpoints.latest(connection, tenant)
    start = 0
    try:
        if latest is not None:
            checkpoint = checkpoints.trusted(tenant, latest.note)
            _check_root(connection, tenant, entries, checkpoint)
            start = checkpoint.size
        edge = entries.reader(connection, tenant).read_hashes(left_edge(start))
        tree = CompactRange(start, edge)
        while _check_page(own, entries, tree):
            pass
    except LogDiverged:
        raise
    except DataCorrupted as error:
        raise LogDiverged(tenant, error.message) from error


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
        signed = self._checkpoints.between(own.unscoped, own.tenant, start, start + _PAGE)
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
    page = entries.page_with_hashes(own, tree.size, _PAGE)
    for entry, hashes in page:
        if entry.index != tree.size:
            raise DataCorrupted(f"entry {tree.size} is missing")
        if not _stands(entry) or b"".join(tree.push(entry.leaf_hash)) != hashes:
            raise DataCorrupted(f"entry {entry.index} was altered")
        if tree.size in signed:
            _check_signed(tree, signed)
    return [entry for entry, _ in page]


def _check_signed(tree: CompactRange, signed: Mapping[int, Checkpoint]) -> None:
    checkpoint = signed.get(tree.size)
    if checkpoint is not None and checkpoint.root != tree.root():
        raise DataCorrupted(
            f"the first {tree.size} entries are not those that the checkpoint was signed for"
        )


def _check_root(
    connection: Connection, tenant: str, entries: Entries, checkpoint: Checkpoint
) -> None:
    size = entries.size(connection, tenant)
    if size < checkpoint.size:
        raise LogDiverged(
            tenant,
            f"it has {size} entries, but a checkpoint was published for {checkpoint.size}: "
            f"the tail from entry {size} on was cut off",
        )
    if root_hash(checkpoint.size, entries.reader(connection, tenant)) != checkpoint.root:
        raise LogDiverged(
            tenant, f"its first {checkpoint.size} entries are not those of the last checkpoint"
        )


def _stands(entry: Entry) -> bool:
    """Whether the entry's body, unless erased, stands for its digest, and that for its leaf."""
    if entry.body is None or entry.salt is None:
        intact = entry.body is None and entry.salt is None
    else:
        intact = digest_of(entry.salt, entry.body) == entry.digest
    return intact and entry.leaf_hash == leaf_hash_of(entry.kind, entry.create_time, entry.digest)
