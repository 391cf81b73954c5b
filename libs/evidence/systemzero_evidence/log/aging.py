"""How old entries are: those of a kind that are old, and the last of all."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from systemzero_core.tlog import format_time
from systemzero_evidence.rows.tables import LogTables
from systemzero_storage.database import TenantConnection


def aged(
    own: TenantConnection,
    tables: LogTables,
    kind: str,
    before: datetime,
    start: int,
    count: int,
) -> tuple[list[int], int]:
    """Indexes of entries of `kind` that have a body, among `count` from index `start` on.

    Only as far as entries are older than `before`; also the index to go on from the next time.
    """
    columns, limit = tables.entries.c, format_time(before)
    statement = (
        select(
            columns.position,
            columns.kind,
            columns.create_time,
            columns.body.is_not(None).label("has_body"),
        )
        .where(columns.tenant == own.tenant, columns.position >= start)
        .order_by(columns.position)
        .limit(count)
    )
    found, after = [], start
    for row in own.unscoped.execute(statement):
        if row.create_time >= limit:
            break
        after = row.position + 1
        if row.kind == kind and row.has_body:
            found.append(row.position)
    return found, after


def last_time(own: TenantConnection, tables: LogTables) -> datetime | None:
    """When the last entry of the tenant's log was made; None without entries."""
    columns = tables.entries.c
    statement = (
        select(columns.create_time)
        .where(columns.tenant == own.tenant)
        .order_by(columns.position.desc())
        .limit(1)
    )
    found = own.unscoped.execute(statement).scalar()
    return None if found is None else datetime.fromisoformat(found)
