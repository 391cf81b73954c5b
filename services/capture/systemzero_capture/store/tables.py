"""The schema of the capture database. Every row carries its tenant, but for marks.

A sighting of an unchanged screen is one small row of `captures`. What it has in common with others
of its kind (the tree, the application, the verdict, ...) stands once, in `kinds`.
"""

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
)

from systemzero_storage.database import Schema
from systemzero_storage.sealing import data_keys_table
from systemzero_storage.tenancy.counters import Counted, counters_table
from systemzero_storage.tenancy.types import PackedId
from systemzero_storage.verdict_bodies import VerdictBodies, verdicts_table

SCHEMA_VERSION: Final = 1

METADATA: Final = MetaData()
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
# events and templates, of the diff service, name captures
SCHEMA: Final = Schema(
    "capture", METADATA, SCHEMA_VERSION, _MIGRATIONS, "capture.db", named_by=("diff",)
)

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

KINDS: Final = Table(
    "kinds",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("kind", BigInteger, primary_key=True, autoincrement=False),  # from 1, by tenant
    # of all that follows, before anything of it is sealed
    Column("digest", LargeBinary, nullable=False),
    Column("full_digest", LargeBinary, nullable=False),
    Column("format", Text),
    Column("incompleteness", LargeBinary),
    Column("app", Text, nullable=False),
    Column("screen_hint", Text, nullable=False),
    Column("claimed_by_digest", Boolean, nullable=False),
    Column("verdict", LargeBinary),  # its digest
    Index("kinds_by_verdict", "tenant", "verdict"),
    Index("kinds_by_digest", "tenant", "digest", unique=True),
    Index("kinds_by_tree", "tenant", "full_digest"),
)

CAPTURES: Final = Table(
    "captures",
    METADATA,
    Column("tenant", Text, primary_key=True),
    # From 1, by tenant, in the order of commits: a tenant's writers take turns. The newest row is
    # never deleted, so that no position is given twice.
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("capture_id", PackedId("cap"), nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("kind", BigInteger, nullable=False),
    Column("session_id", Text),
    Column("capture_time", BigInteger),
    Column("erase_time", BigInteger),
    # true where the diff service was asked once it was stored: a verdict with an event is there
    Column("of_diff", Boolean),
    Column("held", Boolean),  # true where a template or an event is made of it, else null
    Index("captures_by_id", "tenant", "capture_id", unique=True),
    Index("captures_by_kind", "tenant", "kind"),
    sqlite_with_rowid=False,
)

ORIGINALS: Final = Table(
    "originals",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),  # the capture's
    Column("kind", Text, primary_key=True),  # of `OriginalKind`
    Column("sha256", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index("originals_by_digest", "tenant", "sha256"),
    Index("originals_by_time", "tenant", "create_time"),
)

BLOBS: Final = Table(
    "blobs",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # of the bytes as they were sent
    Column("body", LargeBinary, nullable=False),
)

ERASURES: Final = Table(
    "erasures",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("capture_id", PackedId("cap"), primary_key=True),
    Column("create_time", BigInteger, nullable=False),
    Column("principal_id", Text, nullable=False),  # who asked
    Column("mac", LargeBinary, nullable=False),
    Index("erasures_by_time", "create_time"),
)

REQUESTS: Final = Table(
    "requests",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),  # the capture's
    Column("request_id", LargeBinary, nullable=False),  # 12 bytes of its digest
    Column("digest", LargeBinary, nullable=False),  # of the whole request
    Index("requests_by_id", "tenant", "request_id", unique=True),
    sqlite_with_rowid=False,
)

# By which the diff service knows this database again; of no tenant.
MARKS: Final = Table(
    "marks",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary, nullable=False),
)

VERDICTS: Final = verdicts_table(METADATA)
VERDICT_BODIES: Final = VerdictBodies(VERDICTS, KINDS.c.verdict)
"""The bodies of verdicts."""

DATA_KEYS: Final = data_keys_table(METADATA)

# erased ones are given back: what is left of them are their bytes
USAGE: Final = counters_table(METADATA, captures=Counted("captures", "{row}.erase_time IS NULL"))
