"""The check of `sz-admin check` for the gateway: its keys and tenants, and its audit logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import Connection

from systemzero_evidence.log import LogStore, check_extends, open_log_to_check
from systemzero_gateway.admin.rows import check_rows
from systemzero_gateway.audit.opening import log_files
from systemzero_gateway.store import AUDIT
from systemzero_storage.database import Database
from systemzero_storage.tenancy.tenants import tenants_of


async def check_service(
    database: Database, folder: Path, origin: str, notes: list[str]
) -> AsyncIterator[str]:
    """See `systemzero_admin.check.Check`; nothing to check where nothing was begun.

    Raises:
        DataCorrupted: the first thing that is not as it was recorded.
        FailedPrecondition: there are keys or a log, but a key file or the origin is missing.
    """
    async for line in check_rows(database, folder):
        yield line
    files = log_files(folder)
    if not files.begun(origin) and not await database.read(_tenants):
        return
    log = open_beside(database, folder, origin)
    async for line in check_extends(log, notes):
        yield line
    for tenant in await log.tenants():
        checkpoint = await log.verify(tenant)
        yield (
            f"tenant {tenant}: {checkpoint.size} entries of the audit log are whole, "
            f"root hash {checkpoint.root.hex()}"
        )


def open_beside(database: Database, folder: Path, origin: str) -> LogStore:
    """The audit log, for who looks at it beside the gateway; see `systemzero_admin.adopt`.

    Raises:
        FailedPrecondition: the folder lacks its key or origin.
    """
    return open_log_to_check(database, AUDIT, log_files(folder), origin)


def _tenants(connection: Connection) -> list[str]:
    """Who has entries in the audit log, whether or not its files are there."""
    return tenants_of(connection, AUDIT.entries)
