"""A new admin key where the data is, for when nobody has one any more: `sz-admin recovery-key`.

Invariants:
1. The secret is in its file, for its owner alone, before the store knows of the key.
2. The audit log has its entry before the store has the key: there is no silent recovery.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from systemzero_base.clock import micros
from systemzero_base.ids import new_id
from systemzero_base.secrets import write_private
from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_gateway.access.policy import Role
from systemzero_gateway.admin.check import open_beside
from systemzero_gateway.audit.act import Act, Decided, Recorded
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.keys import load_or_create_pepper
from systemzero_gateway.places import PEPPER
from systemzero_gateway.store import KeyRecord, RowMacs, SqlKeyStore
from systemzero_gateway.store.tables import TENANTS
from systemzero_storage.database import Database, TenantConnection

NAME: Final = "recovery key"
ACT: Final = "sz-admin recovery-key"
"""What stands in the audit log in the place of a method."""


async def recover(database: Database, folder: Path, tenant: str, file: Path, origin: str) -> str:
    """Add a full admin key to `tenant`, with its secret in the new `file`; the key's id.

    `folder` has the gateway's key files; `origin` is the audit log's, where one is configured.

    Raises:
        NotFound: there is no such tenant.
        FailedPrecondition: it is suspended, the file is there, or a key file is not.
    """
    if not (folder / PEPPER).exists():
        raise FailedPrecondition(f"{folder / PEPPER} is missing: restore it, or name its folder")
    log = open_beside(database, folder, origin)
    await log.check()
    await _require(database, tenant)
    now, secret = micros(), apikey.new_secret(apikey.kind_of(tenant))
    key = KeyRecord(new_id("key"), tenant, NAME, Role.ADMIN, (), now)
    pepper = load_or_create_pepper(folder / PEPPER)
    digest = apikey.digest(pepper, secret)
    _write(file, secret)

    def record(own: TenantConnection) -> None:
        act = Act(tenant, key.key_id, ACT, "", Decided.ALLOWED, "")
        body = Recorded(act, "", "", now, now).body()
        log.append(own, f"call.{Decided.ALLOWED}", body, datetime.now(UTC))

    try:
        await database.of(tenant).write(record)
        await SqlKeyStore(database, RowMacs(pepper)).add_key(key, digest)
    except BaseException:
        _remove(file)
        raise
    return key.key_id


async def _require(database: Database, tenant: str) -> None:
    query = select(TENANTS.c.suspend_time).where(TENANTS.c.tenant == tenant)
    row = await database.read(lambda connection: connection.execute(query).first())
    if row is None:
        raise NotFound(f"there is no tenant {tenant!r:.80}")
    if row.suspend_time is not None:
        raise FailedPrecondition("the tenant is suspended: resume it with a key of the platform")


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)


def _write(file: Path, secret: str) -> None:
    try:
        write_private(file, f"{secret}\n".encode())
    except FileExistsError:
        raise FailedPrecondition(f"{file} is there already") from None
