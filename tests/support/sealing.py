"""Databases whose bodies are sealed, and key-encryption keys for them."""

from __future__ import annotations

from pathlib import Path

from systemzero_base.secrets import replace_private
from systemzero_storage.database import Database, Schema
from systemzero_storage.sealing import Keks, SealedDatabase
from systemzero_storage.sealing.kek import FileKek

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def sealed(database: Database, schema: Schema, key: bytes = KEY, *old: bytes) -> SealedDatabase:
    """`database`, whose data keys `key` wraps; the `old` ones are accepted."""
    return SealedDatabase(database, schema, Keks(FileKek(key), [FileKek(each) for each in old]))


def kek_file(folder: Path, key: bytes = KEY) -> Path:
    """A file with the key."""
    path = folder / f"{key[:4].hex()}.kek"
    replace_private(path, key)
    return path
