"""Wrapping data keys anew, under the KEK that is current; bodies are not touched."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from systemzero_storage.database import TENANT, Database, Schema, TenantConnection
from systemzero_storage.sealing import tables
from systemzero_storage.sealing.kek import Keks
from systemzero_storage.sealing.keyring import AnyRow, belongs
from systemzero_storage.tenancy.tenants import tenants_of


async def rewrap(database: Database, schema: Schema, keks: Keks) -> int:
    """Wrap every data key of a service's database anew; how many. Also while it is serving.

    Raises:
        FailedPrecondition: one is wrapped by a KEK that is not configured; others may be done.
        Unavailable: the database or the key server does not answer.
        DataCorrupted: a data key was altered.
    """
    table = schema.metadata.tables[tables.NAME]
    columns, count = table.c, 0
    wrapped = select(table).where(columns.tenant == TENANT, columns.wrapped.is_not(None))
    # only what is as it was read: a key that was destroyed meanwhile stays so
    replace = (
        update(table)
        .where(
            columns.tenant == TENANT,
            columns.number == bindparam("of"),
            columns.wrapped == bindparam("before"),
        )
        .values(kek=bindparam("new_kek"), wrapped=bindparam("new_wrapped"))
    )
    for tenant in await database.read(lambda c: tenants_of(c, table)):
        own = database.of(tenant)
        for row in await own.read(lambda c: c.execute(wrapped).all()):
            values = await _anew(row, schema.name, keks)

            def job(connection: TenantConnection, values: dict[str, object] = values) -> int:
                return connection.execute(replace, values).rowcount

            count += await own.write(job)
    return count


async def _anew(row: AnyRow, service: str, keks: Keks) -> dict[str, object]:
    before, associated = bytes(row.wrapped), belongs(service, row.tenant, row.number)
    key = await keks.unwrap(row.kek, before, associated)
    kek, wrapped = await keks.wrap(key, associated)
    return {"of": row.number, "before": before, "new_kek": kek, "new_wrapped": wrapped}
