"""Which tenants a table has rows of."""

from __future__ import annotations

from sqlalchemy import Connection, Table, bindparam, func, select


def tenants_of(connection: Connection, table: Table) -> list[str]:
    """Every tenant with rows in `table`, in order; a seek of its primary key for each, no scan."""
    column = table.c.tenant
    following = select(func.min(column)).where(column > bindparam("after"))
    found: list[str] = []
    tenant = connection.execute(following, {"after": ""}).scalar()
    while tenant is not None:
        found.append(tenant)
        tenant = connection.execute(following, {"after": tenant}).scalar()
    return found
