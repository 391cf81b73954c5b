"""The schema of the diff database. Every row carries its tenant, but for the pairing's."""

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

from systemzero_evidence.log import log_tables
from systemzero_storage.database import Schema
from systemzero_storage.sealing import data_keys_table
from systemzero_storage.tenancy.counters import Counted, counters_table
from systemzero_storage.verdict_bodies import VerdictBodies, verdicts_table

SCHEMA_VERSION: Final = 1

METADATA: Final = MetaData()
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
SCHEMA: Final = Schema("diff", METADATA, SCHEMA_VERSION, _MIGRATIONS, "diff.db")

_POSITION: Final = BigInteger().with_variant(Integer, "sqlite")

TEMPLATES: Final = Table(
    "templates",
    METADATA,
    # In the order of commits: a tenant's writers take turns. Followers read on from the last.
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("template_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("screen_id", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("etag", Text, nullable=False),
    Column("newest", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("tree", LargeBinary),
    Index("templates_by_id", "tenant", "template_id", "version", unique=True),
    Index("templates_by_screen", "tenant", "newest", "screen_id"),
    Index("templates_by_position", "tenant", "position"),
    sqlite_autoincrement=True,
)

_TOLD: Final = text("erase_time IS NULL")

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("capture_id", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("screen_id", Text, nullable=False),
    Column("template_id", Text, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("values_digest", Text, nullable=False),
    Column("verdict", LargeBinary),  # its digest; None once erased with the tenant
    Column("log_index", BigInteger, nullable=False),
    Column("run", LargeBinary, nullable=False),
    Column("erase_time", BigInteger),  # when the verdict's texts were erased with the capture
    Index("events_by_id", "tenant", "event_id", unique=True),
    Index("events_by_position", "tenant", "position"),
    Index("events_by_capture", "tenant", "capture_id"),
    Index("events_by_run", "tenant", "run", "position"),
    Index("events_by_verdict", "tenant", "verdict"),
    Index("events_told", "tenant", "run", "position", sqlite_where=_TOLD, postgresql_where=_TOLD),
    sqlite_autoincrement=True,
)

# Events of which the same decisions hold: of the same values, of one day, and no decision came
# between them. So states and figures are those of runs, of which there are few, and a decision
# changes no event.
RUNS: Final = Table(
    "runs",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("run", LargeBinary, primary_key=True),  # 16 bytes of the digest of what they share
    Column("fingerprint", Text, nullable=False),
    Column("values_digest", Text, nullable=False),
    Column("screen_id", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),  # only decisions after this position are of them
    Column("event_id", Text, nullable=False),  # of the one that was decided about alone, or empty
    Column("events", BigInteger, nullable=False),
    Column("first_time", BigInteger, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Index("runs_by_day", "tenant", "day"),
    Index("runs_by_fingerprint", "tenant", "fingerprint", "last_position"),
    Index("runs_by_position", "tenant", "last_position"),
)

DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # What it is about: events that came before it, show these values, and meet `covers`.
    Column("values_digest", Text, nullable=False),
    Column("covers", Text, nullable=False),  # `screen:…`, `app:…`, `tenant:`, or `event:…` alone
    Column("create_time", BigInteger, nullable=False),
    Column("expire_time", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Index("decisions_by_covers", "tenant", "values_digest", "covers", "position"),
    Index("decisions_by_values", "tenant", "values_digest", "position"),
    Index("decisions_by_position", "tenant", "position"),
    sqlite_autoincrement=True,
)

ANSWERS: Final = Table(
    "answers",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    # Without the verdict that it tells; None once erased with the capture that it is about.
    Column("answer", LargeBinary),
    Column("verdict", LargeBinary),  # that one's digest
    Column("create_time", BigInteger, nullable=False),
    Column("capture_id", Text),  # whose screen it speaks of
    Index("answers_by_time", "tenant", "create_time"),
    Index("answers_by_capture", "tenant", "capture_id"),
)

ERASED_CAPTURES: Final = Table(
    "erased_captures",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("capture_id", Text, primary_key=True),
    Column("create_time", BigInteger, nullable=False),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("session", LargeBinary, primary_key=True),  # 12 bytes of its id's digest
    Column("path", LargeBinary, nullable=False),  # JSON: [[screen, time], ...]
    Column("seen_time", BigInteger, nullable=False),
    Index("sessions_by_time", "tenant", "seen_time"),
)

VERDICT_COUNTS: Final = Table(
    "verdict_counts",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

# The newest mark by which the capture service's database is known again; of no tenant.
PAIRING: Final = Table(
    "pairing",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", LargeBinary, nullable=False),
)

VERDICTS: Final = verdicts_table(METADATA)
VERDICT_BODIES: Final = VerdictBodies(VERDICTS, EVENTS.c.verdict)
"""The bodies of verdicts. An answer's is its event's, and goes with it."""

LOG: Final = log_tables(METADATA)
DATA_KEYS: Final = data_keys_table(METADATA)

# of templates those that are there now, whatever the number of their versions; of events those that
# say something still: the others are bytes
USAGE: Final = counters_table(
    METADATA,
    templates=Counted("templates", "{row}.newest AND NOT {row}.deleted"),
    events=Counted("events", "{row}.erase_time IS NULL"),
)
