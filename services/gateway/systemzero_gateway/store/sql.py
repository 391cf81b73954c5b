"""The store of keys and tenants in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Executable,
    RowMapping,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_gateway.store._changes import change, changes
from systemzero_gateway.store._keys import (
    add_key,
    add_secret,
    end_secrets,
    keep_an_admin,
    key_of,
)
from systemzero_gateway.store.macs import RowMacs
from systemzero_gateway.store.protocol import Changes, Credential, KeyRecord
from systemzero_gateway.store.tables import API_KEYS, KEY_SECRETS, REVOKED_TOKENS, TENANTS
from systemzero_gateway.store.tenants import quotas_of
from systemzero_storage.database import TENANT, Database, TenantConnection

_REVOKED: Final = REVOKED_TOKENS.c
_CLOCKS_DIFFER: Final = 3_600_000_000


class SqlKeyStore:
    """See `KeyStore`."""

    def __init__(self, database: Database, macs: RowMacs) -> None:
        self._database = database
        self._macs = macs
        self._latest = 0

    async def changes(self, since: int) -> Changes:
        """See `KeyStore.changes`."""

        def read(connection: Connection) -> Changes:
            found = changes(connection, since)
            if found.revision != since:
                self._note_ends(connection, found.tenants)
            return found

        return await self._database.read(read)

    def _note_ends(self, connection: Connection, tenants: frozenset[str] | None) -> None:
        """Note what was revoked or rotated of `tenants` (None: of any), here or elsewhere.

        What was noted before is not looked at again, but for an hour, since clocks differ.
        """
        since = self._latest - _CLOCKS_DIFFER
        whose = API_KEYS.c.tenant.in_(tenants) if tenants is not None else true()
        revoked = select(API_KEYS).where(whose, API_KEYS.c.revoke_time >= since)
        newer = select(KEY_SECRETS.c.key_id).where(KEY_SECRETS.c.create_time >= since)
        rotated = select(KEY_SECRETS).join(API_KEYS, API_KEYS.c.key_id == KEY_SECRETS.c.key_id)
        rotated = rotated.where(whose, KEY_SECRETS.c.expire_time.is_not(None))
        rotated = rotated.where(KEY_SECRETS.c.key_id.in_(newer))
        for row in connection.execute(revoked).mappings():
            self._macs.note_end(API_KEYS, row)
            self._latest = max(self._latest, row[API_KEYS.c.revoke_time])
        for row in connection.execute(rotated).mappings():
            self._macs.note_end(KEY_SECRETS, row)
            self._latest = max(self._latest, row[KEY_SECRETS.c.create_time])

    async def _note_own_end(self, tenant: str) -> None:
        """At once, not when the revision is looked at."""
        whose = frozenset({tenant})
        await self._database.read(lambda connection: self._note_ends(connection, whose))

    async def find_secret(self, digest: bytes) -> Credential | None:
        """See `KeyStore.find_secret`."""
        query = (
            _active(select(API_KEYS, TENANTS, KEY_SECRETS))
            .join(KEY_SECRETS, KEY_SECRETS.c.key_id == API_KEYS.c.key_id)
            .where(KEY_SECRETS.c.digest == digest)
        )
        row = await self._database.read(lambda connection: _first(connection, query))
        if row is None or not self._vouch(row, KEY_SECRETS, API_KEYS, TENANTS):
            return None
        return Credential(key_of(row), quotas_of(row), row[KEY_SECRETS.c.expire_time])

    async def find_token(self, tenant: str, key_id: str, token_id: str) -> Credential | None:
        """See `KeyStore.find_token`."""
        revoked = exists().where(_REVOKED.tenant == TENANT, _REVOKED.token_id == token_id)
        query = (
            _active(select(API_KEYS, TENANTS))
            .where(API_KEYS.c.tenant == TENANT, API_KEYS.c.key_id == key_id)
            .where(~revoked)
        )
        own = self._database.of(tenant)
        row = await own.read(lambda connection: _first(connection, query))
        if row is None or not self._vouch(row, API_KEYS, TENANTS):
            return None
        return Credential(key_of(row), quotas_of(row))

    def _vouch(self, row: RowMapping, *tables: Table) -> bool:
        return all(self._macs.vouch(table, row) for table in tables)

    async def add_tenant(self, tenant: str, now: int) -> None:
        """See `KeyStore.add_tenant`."""

        def add(connection: Connection) -> None:
            found = connection.execute(select(TENANTS).where(TENANTS.c.tenant == tenant)).first()
            if found is None:
                row = {"tenant": tenant, "create_time": now}
                connection.execute(insert(TENANTS).values(self._macs.added(TENANTS, row)))

        await change(self._database, tenant, add)

    async def has_keys(self, tenant: str) -> bool:
        """See `KeyStore.has_keys`."""
        query = select(API_KEYS.c.key_id).where(API_KEYS.c.tenant == TENANT).limit(1)
        own = self._database.of(tenant)
        return await own.read(lambda connection: connection.execute(query).first()) is not None

    async def add_key(self, key: KeyRecord, digest: bytes) -> None:
        """See `KeyStore.add_key`."""
        macs = self._macs
        await change(
            self._database, key.tenant, lambda connection: add_key(connection, macs, key, digest)
        )

    async def add_first_key(self, key: KeyRecord, digest: bytes) -> None:
        """See `KeyStore.add_first_key`."""

        def add(connection: Connection) -> None:
            if not _has_keys(connection, key.tenant):
                add_key(connection, self._macs, key, digest)

        await change(self._database, key.tenant, add)

    async def get_key(self, tenant: str, key_id: str) -> KeyRecord:
        """See `KeyStore.get_key`."""
        query = select(API_KEYS).where(API_KEYS.c.tenant == TENANT, API_KEYS.c.key_id == key_id)
        own = self._database.of(tenant)
        row = _found(await own.read(lambda connection: _first(connection, query)))
        self._macs.require(API_KEYS, row)
        return key_of(row)

    async def add_secret(
        self, tenant: str, key_id: str, digest: bytes, now: int, old_expire_time: int
    ) -> None:
        """See `KeyStore.add_secret`."""

        def add(connection: Connection) -> None:
            row = _get(connection, tenant, key_id)
            self._macs.require(API_KEYS, row)
            if row[API_KEYS.c.revoke_time] is not None:
                raise FailedPrecondition("the key is revoked")
            end_secrets(connection, self._macs, key_id, old_expire_time)
            add_secret(connection, self._macs, key_id, digest, now)

        await change(self._database, tenant, add)
        await self._note_own_end(tenant)

    async def revoke_key(self, tenant: str, key_id: str, now: int) -> KeyRecord:
        """See `KeyStore.revoke_key`."""

        def revoke(connection: Connection) -> KeyRecord:
            row = _get(connection, tenant, key_id)
            if row[API_KEYS.c.revoke_time] is None:
                values = self._macs.changed(API_KEYS, row, {"revoke_time": now})
                keep_an_admin(connection, self._macs, key_of(row), now)
                connection.execute(
                    update(API_KEYS).where(API_KEYS.c.key_id == key_id).values(values)
                )
            return key_of(_get(connection, tenant, key_id))

        revoked = await change(self._database, tenant, revoke)
        await self._note_own_end(tenant)
        return revoked

    async def list_keys(self, tenant: str, after: str, count: int) -> Sequence[KeyRecord]:
        """See `KeyStore.list_keys`."""
        query = (
            select(API_KEYS)
            .where(API_KEYS.c.tenant == TENANT, API_KEYS.c.key_id > after)
            .order_by(API_KEYS.c.key_id)
            .limit(count)
        )
        return await self._database.of(tenant).read(
            lambda connection: [key_of(row) for row in connection.execute(query).mappings()]
        )

    async def note_uses(self, times: Mapping[str, int]) -> None:
        """See `KeyStore.note_uses`."""
        rows = [{"noted_key": key_id, "noted_time": time} for key_id, time in sorted(times.items())]
        await self._database.write(lambda connection: _run(connection, _NOTE_USE, rows))

    async def revoke_token(self, tenant: str, token_id: str, expire_time: int) -> None:
        """See `KeyStore.revoke_token`."""
        known = exists().where(_REVOKED.tenant == tenant, _REVOKED.token_id == token_id)
        row = {"tenant": tenant, "token_id": token_id, "expire_time": expire_time}

        def revoke(connection: Connection) -> None:
            if not connection.execute(select(known)).scalar():
                connection.execute(insert(REVOKED_TOKENS).values(row))

        await change(self._database, tenant, revoke)

    async def forget_tokens(self, before: int, margin: int) -> None:
        """See `KeyStore.forget_tokens`."""
        newest = select(func.max(_REVOKED.expire_time)).scalar_subquery()
        over = delete(REVOKED_TOKENS).where(_REVOKED.expire_time <= before)
        over = over.where(_REVOKED.expire_time <= newest - margin)
        await self._database.write(lambda connection: connection.execute(over).rowcount)


_LAST_USE: Final = API_KEYS.c.last_use_time
_NOTE_USE: Final = (
    update(API_KEYS)
    .where(API_KEYS.c.key_id == bindparam("noted_key"))
    .where(or_(_LAST_USE.is_(None), bindparam("noted_time") > _LAST_USE))
    .values(last_use_time=bindparam("noted_time"))
)


def _run(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(statement, rows)


def _has_keys(connection: Connection, tenant: str) -> bool:
    query = select(API_KEYS.c.key_id).where(API_KEYS.c.tenant == tenant).limit(1)
    return connection.execute(query).first() is not None


def _active(query: Select[Any]) -> Select[Any]:
    """`query` on keys, without those of suspended tenants."""
    keys = query.select_from(API_KEYS)
    return keys.join(TENANTS, TENANTS.c.tenant == API_KEYS.c.tenant).where(
        TENANTS.c.suspend_time.is_(None)
    )


def _get(connection: Connection, tenant: str, key_id: str) -> RowMapping:
    query = select(API_KEYS).where(API_KEYS.c.key_id == key_id, API_KEYS.c.tenant == tenant)
    return _found(_first(connection, query))


def _first(connection: Connection | TenantConnection, query: Select[Any]) -> RowMapping | None:
    return connection.execute(query).mappings().first()


def _found(row: RowMapping | None) -> RowMapping:
    if row is None:
        raise NotFound("there is no such key")
    return row
