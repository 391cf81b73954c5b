"""The full check of what the diff service holds: its logs, and the rows that stand beside them.

It reads everything, a page at a time, while the service may go on serving.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Checkpoint
from systemzero_diff.places import log_files
from systemzero_diff.store import LOG, EvidenceCheck, tenants_with_evidence
from systemzero_evidence.log import LogStore, check_extends, open_log_to_check
from systemzero_storage.database import Database, TenantConnection

_PAGE = 1000

Progress = Callable[[str, int], None]
"""Called with the tenant, and how many of its log's entries were checked."""


class Audited(msgspec.Struct, frozen=True):
    """One tenant, of whom everything is as it was recorded, up to a checkpoint."""

    tenant: str
    checkpoint: Checkpoint


async def audit(
    database: Database, log: LogStore, progress: Progress = lambda _tenant, _entries: None
) -> list[Audited]:
    """Check every log and every row of evidence of all tenants.

    Raises:
        DataCorrupted: the first thing that is not as it was recorded: entry, checkpoint,
            cosignature or row, named, with the tenant.
    """
    audited = []
    logs = await log.tenants()
    rows = await database.read(tenants_with_evidence)
    for tenant in sorted({*logs, *rows}):
        try:
            if tenant in logs:
                checkpoint = await log.verify(tenant, lambda n, t=tenant: progress(t, n))  # type: ignore[misc]
                audited.append(Audited(tenant, checkpoint))
            await _check_rows(database, log, tenant)
        except DataCorrupted as error:
            raise DataCorrupted(
                f"tenant {tenant!r:.80}: {error.message}",
                metadata={**error.metadata, "tenant": tenant},
            ) from error
    return audited


async def check_service(
    database: Database, folder: Path, origin: str, notes: list[str]
) -> AsyncIterator[str]:
    """The check of `sz-admin check`; see `systemzero_admin.check.Check`.

    Raises:
        DataCorrupted: the first thing that is not as it was recorded; or a log does not extend one
            of the checkpoints `notes`.
        FailedPrecondition: the folder lacks the log's key or origin.
    """
    log = open_beside(database, folder, origin)
    async for line in check_extends(log, notes):
        yield line
    for each in await audit(database, log):
        checkpoint = each.checkpoint
        yield (
            f"tenant {each.tenant}: {checkpoint.size} entries and what rests on them are whole, "
            f"root hash {checkpoint.root.hex()}"
        )


def open_beside(database: Database, folder: Path, origin: str) -> LogStore:
    """The log, for who looks at it beside the service; see `systemzero_admin.adopt`.

    Raises:
        FailedPrecondition: the folder lacks the log's key or origin.
    """
    return open_log_to_check(database, LOG, log_files(folder), origin)


async def _check_rows(database: Database, log: LogStore, tenant: str) -> None:
    evidence = EvidenceCheck()
    start = 0

    def next_page(own: TenantConnection) -> int | None:
        """Where the page after the next starts; None at the end.

        One transaction sees entries and rows of one moment: the service may be writing.
        """
        page = log.page(own, start, _PAGE)
        if not page:
            evidence.finish(own)
            return None
        evidence.take(own, page)
        return page[-1].index + 1

    while (following := await database.of(tenant).read(next_page)) is not None:
        start = following
