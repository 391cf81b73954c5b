"""The schema of the capture database. Every row carries its tenant."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from systemzero_chassis.database import Schema

SCHEMA_VERSION: Final = 1

_POSITION: Final = BigInteger().with_variant(Integer, "sqlite")

METADATA: Final = MetaData()
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
SCHEMA: Final = Schema("capture", METADATA, SCHEMA_VERSION, _MIGRATIONS, "capture.db")

TREES: Final = Table(
    "trees",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("full_digest", LargeBinary, primary_key=True),
    Column("structure_digest", LargeBinary, nullable=False),
    Column("content_digest", LargeBinary, nullable=False),
    Column("node_count", Integer, nullable=False),
    # whether a complete capture gave this tree: only then may a digest alone stand for it
    Column("complete", Boolean, nullable=False),
    Column("body", LargeBinary),  # None once erased
)

CAPTURES: Final = Table(
    "captures",
    METADATA,
    # SQLite hands out an INTEGER PRIMARY KEY in the order of its one writer's commits; without its
    # AUTOINCREMENT, a page less is written: the newest row is never deleted.
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("capture_id", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("capture_time", BigInteger),
    Column("full_digest", LargeBinary, nullable=False),
    Column("format", Text),
    Column("incompleteness", LargeBinary),
    Column("app", Text, nullable=False),
    Column("screen_hint", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("claimed_by_digest", Boolean, nullable=False),
    Column("request_id", Text),
    Column("request_digest", LargeBinary),
    Column("erase_time", BigInteger),
    Column("verdict", LargeBinary),
    Index("captures_by_id", "tenant", "capture_id", unique=True),
    Index("captures_by_position", "tenant", "position"),
    Index("captures_by_digest", "tenant", "full_digest"),
    Index(
        "captures_by_request",
        "tenant",
        "request_id",
        unique=True,
        sqlite_where=text("request_id IS NOT NULL"),
        postgresql_where=text("request_id IS NOT NULL"),
    ),
)
