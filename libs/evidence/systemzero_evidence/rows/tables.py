"""The log's tables: declared in a service's metadata, under a prefix, so that two may stand there.

Nothing is ever deleted, and nothing updated but a body and its salt, which are erased, and the note
of a checkpoint, which a new key of the log signs as well.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

_INDEX: Final = BigInteger().with_variant(Integer, "sqlite")  # STRICT knows no BIGINT


class LogTables(NamedTuple):
    """The tables of one log store.

    `entries.hashes` holds, 32 bytes each, the hashes of the complete subtrees that end with the
    entry, from level 0 (its leaf) upwards: an append is one row, and every node of the tree is
    found by arithmetic in the row of the last entry it covers. `entries.mac` shows that who signs
    wrote it; see `macs`.
    """

    entries: Table
    checkpoints: Table
    cosignatures: Table


def log_tables(metadata: MetaData, prefix: str = "log") -> LogTables:
    """Declare the tables `{prefix}_entries`, `{prefix}_checkpoints`, `{prefix}_cosignatures`."""
    entries = Table(
        f"{prefix}_entries",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("position", _INDEX, primary_key=True, autoincrement=False),
        Column("kind", Text, nullable=False),
        Column("create_time", Text, nullable=False),
        Column("salt", LargeBinary),
        Column("body", LargeBinary),
        Column("digest", LargeBinary, nullable=False),
        Column("hashes", LargeBinary, nullable=False),
        Column("mac", LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    checkpoints = Table(
        f"{prefix}_checkpoints",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("size", _INDEX, primary_key=True, autoincrement=False),
        Column("note", Text, nullable=False),
        Column("create_time", Text, nullable=False),
        sqlite_strict=True,
    )
    cosignatures = Table(
        f"{prefix}_cosignatures",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("witness", Text, primary_key=True),
        Column("size", _INDEX, primary_key=True, autoincrement=False),
        Column("line", Text, nullable=False),
        sqlite_strict=True,
    )
    return LogTables(entries, checkpoints, cosignatures)
