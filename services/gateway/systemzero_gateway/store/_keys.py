"""Rows of keys and their secrets, for the stores that write them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.access.policy import Role, is_full_admin
from systemzero_gateway.store.macs import RowMacs
from systemzero_gateway.store.protocol import KeyRecord
from systemzero_gateway.store.tables import API_KEYS, KEY_SECRETS

_FIELDS: Final = KeyRecord.__struct_fields__


def add_key(connection: Connection, macs: RowMacs, key: KeyRecord, digest: bytes) -> None:
    """Insert a key with its first secret."""
    columns = {**{name: getattr(key, name) for name in _FIELDS}, "scopes": " ".join(key.scopes)}
    connection.execute(insert(API_KEYS).values(macs.added(API_KEYS, columns)))
    add_secret(connection, macs, key.key_id, digest, key.create_time)


def add_secret(connection: Connection, macs: RowMacs, key_id: str, digest: bytes, now: int) -> None:
    """Insert one more secret of a key."""
    row = {"digest": digest, "key_id": key_id, "create_time": now, "expire_time": None}
    connection.execute(insert(KEY_SECRETS).values(macs.added(KEY_SECRETS, row)))


def end_secrets(connection: Connection, macs: RowMacs, key_id: str, expire_time: int) -> None:
    """Have a key's secrets end at `expire_time` at the latest; altered ones stay no good."""
    query = select(KEY_SECRETS).where(KEY_SECRETS.c.key_id == key_id)
    for row in connection.execute(query).mappings().all():
        end = row[KEY_SECRETS.c.expire_time]
        if (end is None or end > expire_time) and macs.vouch(KEY_SECRETS, row):
            values = macs.changed(KEY_SECRETS, row, {"expire_time": expire_time})
            own = KEY_SECRETS.c.digest == row[KEY_SECRETS.c.digest]
            connection.execute(update(KEY_SECRETS).where(own).values(values))


def keep_an_admin(connection: Connection, macs: RowMacs, leaving: KeyRecord, now: int) -> None:
    """Make sure that somebody may do everything for as long as with the key that is to be revoked.

    Raises:
        FailedPrecondition: nobody else may.
    """
    if not (_is_full(leaving) and leaving.works(now)):
        return
    query = select(API_KEYS).where(
        API_KEYS.c.tenant == leaving.tenant,
        API_KEYS.c.key_id != leaving.key_id,
        API_KEYS.c.role == leaving.role,
        API_KEYS.c.revoke_time.is_(None),
    )
    rows = connection.execute(query).mappings()
    others = (key_of(row) for row in rows if macs.vouch(API_KEYS, row))
    if not any(
        _is_full(key) and key.works(now) and key.lasts_as_long_as(leaving) for key in others
    ):
        raise FailedPrecondition(
            "this is the last admin key that may do everything and lasts as long; "
            "create another one first"
        )


def _is_full(key: KeyRecord) -> bool:
    return is_full_admin(key.tenant, Role(key.role), key.scopes)


def key_of(row: RowMapping) -> KeyRecord:
    """The key in a row that has the columns of `API_KEYS`."""
    values = {name: row[API_KEYS.c[name]] for name in _FIELDS}
    return KeyRecord(**{**values, "scopes": tuple(values["scopes"].split())})
