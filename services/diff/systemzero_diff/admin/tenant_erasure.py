"""The diff service's part of `sz-admin erase-tenant`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from systemzero_diff.places import log_files
from systemzero_diff.store import LOG, tenant_erasure
from systemzero_evidence.log import erase_bodies, erase_some_bodies, open_macs
from systemzero_storage.database import Database, TenantConnection
from systemzero_storage.sealing.tenant_erasure import in_batches

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def erase_tenant(
    database: Database, folder: Path, origin: str, tenant: str, time: int
) -> AsyncIterator[str]:
    """See `systemzero_storage.sealing.tenant_erasure.Erase`.

    Raises:
        FailedPrecondition: the folder lacks the log's key or origin.
    """
    macs = open_macs(log_files(folder), origin)
    own, moment = database.of(tenant), _EPOCH + timedelta(microseconds=time)

    def some_events(connection: TenantConnection) -> int:
        # with their entries: both say when
        indexes = tenant_erasure.erase_events(connection, time)
        erase_bodies(connection, LOG, macs, indexes, moment)
        return len(indexes)

    def some_entries(connection: TenantConnection) -> int:
        return erase_some_bodies(connection, LOG, macs, moment)

    yield f"{await in_batches(own, some_events)} events are erased"
    for word in tenant_erasure.WORDS:
        count = await in_batches(own, lambda c, w=word: tenant_erasure.erase(c, w))  # type: ignore[misc]
        yield f"{count} {word} are erased"
    await in_batches(own, tenant_erasure.erase_answers)
    await in_batches(own, tenant_erasure.forget_verdicts)
    yield f"{await in_batches(own, tenant_erasure.forget_sessions)} sessions are forgotten"
    entries = await in_batches(own, some_entries)
    yield f"{entries} other log entries are erased, and the log says so"
