"""The check of `sz-admin check` for the gateway: its audit logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from systemzero_chassis.database import Database
from systemzero_chassis.logstore import LogStore, check_extends, load_log_keys
from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.audit.opening import AUDIT_KEY, ORIGIN_FILE
from systemzero_gateway.store import AUDIT


async def check_service(
    database: Database, folder: Path, origin: str, notes: list[str]
) -> AsyncIterator[str]:
    """See `systemzero_chassis.admin.check.Check`; nothing to check where no log was begun.

    Raises:
        DataCorrupted: the first thing that is not as it was recorded.
        FailedPrecondition: there is a log, but not its origin.
    """
    if not (folder / AUDIT_KEY).exists():
        return
    if not origin and not (folder / ORIGIN_FILE).exists():
        raise FailedPrecondition(
            f"{folder} has no {ORIGIN_FILE}: give the one that is configured (--audit-origin)"
        )
    keys = load_log_keys(folder / AUDIT_KEY)
    name = origin or (folder / ORIGIN_FILE).read_text()
    log = LogStore(database, AUDIT, name, keys.signing, rotations=keys.rotations)
    async for line in check_extends(log, notes):
        yield line
    for tenant in await log.tenants():
        checkpoint = await log.verify(tenant)
        yield (
            f"tenant {tenant}: {checkpoint.size} entries of the audit log are whole, "
            f"root hash {checkpoint.root.hex()}"
        )
