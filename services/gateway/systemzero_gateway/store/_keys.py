"""Rows of keys and their secrets, for the stores that write them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.access.policy import Role, is_full_admin
from systemzero_gateway.store.protocol import KeyRecord
from systemzero_gateway.store.tables import API_KEYS, KEY_SECRETS

KEY_COLUMNS: Final = tuple(API_KEYS.columns)


def add_key(connection: Connection, key: KeyRecord, digest: bytes) -> None:
    """Insert a key with its first secret."""
    columns = {column.name: getattr(key, column.name) for column in KEY_COLUMNS}
    connection.execute(insert(API_KEYS).values({**columns, "scopes": " ".join(key.scopes)}))
    add_secret(connection, key.key_id, digest, key.create_time)


def add_secret(connection: Connection, key_id: str, digest: bytes, now: int) -> None:
    """Insert one more secret of a key."""
    row = {"digest": digest, "key_id": key_id, "create_time": now, "expire_time": None}
    connection.execute(insert(KEY_SECRETS).values(row))


def keep_an_admin(connection: Connection, leaving: KeyRecord, now: int) -> None:
    """Make sure that somebody may do everything for as long as with the key that is to be revoked.

    Raises:
        FailedPrecondition: nobody else may.
    """
    if not (_is_full(leaving) and leaving.works(now)):
        return
    query = select(*KEY_COLUMNS).where(
        API_KEYS.c.tenant == leaving.tenant,
        API_KEYS.c.key_id != leaving.key_id,
        API_KEYS.c.role == leaving.role,
        API_KEYS.c.revoke_time.is_(None),
    )
    others = (key_of(row) for row in connection.execute(query))
    if not any(
        _is_full(key) and key.works(now) and key.lasts_as_long_as(leaving) for key in others
    ):
        raise FailedPrecondition(
            "this is the last admin key that may do everything and lasts as long; "
            "create another one first"
        )


def _is_full(key: KeyRecord) -> bool:
    return is_full_admin(key.tenant, Role(key.role), key.scopes)


def key_of(row: Row[Any]) -> KeyRecord:
    """The key in a row that has `KEY_COLUMNS`."""
    columns = {column.name: getattr(row, column.name) for column in KEY_COLUMNS}
    return KeyRecord(**{**columns, "scopes": tuple(row.scopes.split())})
