"""Whether the logs of a store extend checkpoints that somebody else kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

from systemzero_core.tlog import (
    LogVerificationError,
    VerifierKey,
    parse_checkpoint,
    verify_checkpoint,
)
from systemzero_evidence.log.store import LogStore


async def check_extends(log: LogStore, notes: list[str]) -> AsyncIterator[str]:
    """Check those of the signed `notes` that are of this store's logs; a line for each.

    They are taken out of `notes`; those of other logs stay.

    Raises:
        LogVerificationError: a log does not extend one of them.
    """
    for note in list(notes):
        origin = parse_checkpoint(note).origin
        tenant = origin.rpartition("/")[2]
        if log.origin(tenant) == origin:
            notes.remove(note)
            yield await _extends(log, tenant, note)


async def _extends(log: LogStore, tenant: str, note: str) -> str:
    checkpoint = verify_checkpoint(note, map(VerifierKey.parse, log.vkeys(tenant)))
    size, entries = checkpoint.size, await log.size(tenant)
    if entries < size:
        raise LogVerificationError(
            f"tenant {tenant!r:.80}: the log has {entries} entries, the checkpoint {size}: "
            "restore a newer backup"
        )
    proof = await log.consistency_proof(tenant, size, entries)
    if proof.old_root != checkpoint.root:
        raise LogVerificationError(
            f"tenant {tenant!r:.80}: the log does not extend the checkpoint of {size} entries"
        )
    return f"tenant {tenant}: the log of {entries} entries extends the checkpoint of {size}"
