"""The check of `sz-admin check` for the gateway: its audit logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from systemzero_chassis.database import Database
from systemzero_chassis.logstore import LogStore, check_extends, load_log_keys
from systemzero_gateway.audit.opening import AUDIT_KEY, ORIGIN_FILE
from systemzero_gateway.store import AUDIT


async def check_service(
    database: Database, folder: Path, _origin: str, notes: list[str]
) -> AsyncIterator[str]:
    """See `systemzero_chassis.admin.check.Check`; nothing to check where no log was begun.

    Raises:
        DataCorrupted: the first thing that is not as it was recorded.
    """
    if not (folder / AUDIT_KEY).exists() or not (folder / ORIGIN_FILE).exists():
        return
    keys = load_log_keys(folder / AUDIT_KEY)
    origin = (folder / ORIGIN_FILE).read_text()
    log = LogStore(database, AUDIT, origin, keys.signing, rotations=keys.rotations)
    async for line in check_extends(log, notes):
        yield line
    for tenant in await log.tenants():
        checkpoint = await log.verify(tenant)
        yield (
            f"tenant {tenant}: {checkpoint.size} entries of the audit log are whole, "
            f"root hash {checkpoint.root.hex()}"
        )
