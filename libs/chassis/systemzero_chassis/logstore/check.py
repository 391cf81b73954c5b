"""What the log is checked for at start: that it extends the last checkpoint it published."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from systemzero_chassis.logstore.checkpoints import Checkpoints
from systemzero_chassis.logstore.entries import Entries
from systemzero_chassis.logstore.errors import LogDiverged
from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import (
    Checkpoint,
    Entry,
    NodeId,
    digest_of,
    grow,
    leaf_hash_of,
    root_hash,
    siblings,
)

_PAGE = 1000


def check_tail(
    connection: Connection, tenant: str, entries: Entries, checkpoints: Checkpoints
) -> None:
    """Check the last checkpoint against the tree, and every entry after it against its hashes.

    Reads O(log n) rows, and those entries that no checkpoint covers yet (a second's worth).

    Raises:
        LogDiverged: entries are missing, or not those that the checkpoint was signed for.
    """
    note = checkpoints.latest(connection, tenant)
    start = 0
    try:
        if note is not None:
            checkpoint = checkpoints.trusted(tenant, note)
            _check_root(connection, tenant, entries, checkpoint)
            start = checkpoint.size
        _check_entries(connection, tenant, entries, start)
    except LogDiverged:
        raise
    except DataCorrupted as error:
        raise LogDiverged(tenant, error.message) from error


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


def _check_entries(connection: Connection, tenant: str, entries: Entries, start: int) -> None:
    reader = entries.reader(connection, tenant)
    while page := entries.page(connection, tenant, start, _PAGE):
        for index, entry in enumerate(page, start):
            stored = reader.read_hashes(_completed(index))
            _check_entry(entry, index, stored, reader.read_hashes(siblings(index)))
        start += len(page)


def _completed(index: int) -> list[NodeId]:
    """The nodes that the entry at `index` completes, which its row holds."""
    return [NodeId(level, (index + 1 >> level) - 1) for level in range(len(siblings(index)) + 1)]


def _check_entry(
    entry: Entry, index: int, stored: Sequence[bytes], sibling_hashes: Sequence[bytes]
) -> None:
    if entry.index != index:
        raise DataCorrupted(f"entry {index} is missing")
    leaf_hash = leaf_hash_of(entry.kind, entry.create_time, entry.digest)
    body_stands = entry.body is None and entry.salt is None
    if entry.body is not None and entry.salt is not None:
        body_stands = digest_of(entry.salt, entry.body) == entry.digest
    if not body_stands or grow(leaf_hash, sibling_hashes) != list(stored):
        raise DataCorrupted(f"entry {index} was altered")
