"""How far the logs of all tenants are, in one statement each: what an operator watches.

The statements seek: one step of an index a tenant, however long the logs are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, func, literal, select
from sqlalchemy.sql.selectable import CTE

from systemzero_core.tlog import parse_time
from systemzero_evidence.rows.tables import LogTables


class LogCounts(NamedTuple):
    """The logs of all tenants, added up.

    Attributes:
        logs: how many tenants have one.
        entries: how many entries they have.
        unsigned_since: the create time of the oldest entry that no checkpoint covers.
        uncosigned_since: of each witness, by its key, the time of the oldest checkpoint that is
            larger than all that it cosigned.
    """

    logs: int
    entries: int
    unsigned_since: datetime | None
    uncosigned_since: dict[str, datetime | None]


def log_counts(connection: Connection, tables: LogTables, witnesses: Sequence[str]) -> LogCounts:
    """Look at all logs, on the connection's snapshot; `witnesses` are C2SP vkey texts."""
    logs, entries, since = connection.execute(_entries(tables)).one()
    behind = {
        witness: _time(connection.execute(_uncosigned(tables, witness)).scalar())
        for witness in witnesses
    }
    return LogCounts(logs, int(entries or 0), _time(since), behind)


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _entries(tables: LogTables) -> Select[*tuple[Any, ...]]:
    """Logs, entries, and the first create time past what is signed."""
    entries, signed = tables.entries, tables.checkpoints
    tenants = _tenants(entries)
    of_each = (
        select(
            tenants.c.tenant,
            _greatest(entries, "position", tenants).label("last"),
            func.coalesce(_greatest(signed, "size", tenants), 0).label("signed"),
        )
        .where(tenants.c.tenant.is_not(None))
        .subquery()
    )
    since = (
        select(entries.c.create_time)
        .where(entries.c.tenant == of_each.c.tenant, entries.c.position == of_each.c.signed)
        .scalar_subquery()
    )
    return select(func.count(), func.sum(of_each.c.last + 1), func.min(since)).select_from(of_each)


def _uncosigned(tables: LogTables, witness: str) -> Select[*tuple[Any, ...]]:
    """The time of the oldest checkpoint that is past what the witness cosigned."""
    signed, cosigned = tables.checkpoints, tables.cosignatures
    tenants = _tenants(signed)
    of_each = (
        select(
            tenants.c.tenant,
            func.coalesce(
                select(func.max(cosigned.c.size))
                .where(cosigned.c.tenant == tenants.c.tenant, cosigned.c.witness == witness)
                .scalar_subquery(),
                0,
            ).label("size"),
        )
        .where(tenants.c.tenant.is_not(None))
        .subquery()
    )
    since = (
        select(signed.c.create_time)
        .where(signed.c.tenant == of_each.c.tenant, signed.c.size > of_each.c.size)
        .order_by(signed.c.size)
        .limit(1)
        .scalar_subquery()
    )
    return select(func.min(since)).select_from(of_each)


def _greatest(table: Table, column: str, tenants: CTE) -> Any:
    greatest = select(func.max(table.c[column])).where(table.c.tenant == tenants.c.tenant)
    return greatest.scalar_subquery()


def _tenants(table: Table) -> CTE:
    """Every tenant of a table, and None at the end; a seek for each, no scan."""
    first = select(func.min(table.c.tenant).label("tenant")).where(table.c.tenant > literal(""))
    tenants = first.cte("tenants", recursive=True)
    following = select(func.min(table.c.tenant)).where(table.c.tenant > tenants.c.tenant)
    return tenants.union_all(
        select(following.scalar_subquery()).where(tenants.c.tenant.is_not(None))
    )
