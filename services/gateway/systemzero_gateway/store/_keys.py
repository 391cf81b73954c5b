"""Rows of keys and their secrets, for the stores that write them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, insert

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


def key_of(row: Row[Any]) -> KeyRecord:
    """The key in a row that has `KEY_COLUMNS`."""
    columns = {column.name: getattr(row, column.name) for column in KEY_COLUMNS}
    return KeyRecord(**{**columns, "scopes": tuple(row.scopes.split())})
