"""The first schema of the diff service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "answers",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("verdict", sa.LargeBinary(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("capture_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "request_id"),
    )
    op.create_index("answers_by_capture", "answers", ["tenant", "capture_id"], unique=False)
    op.create_index("answers_by_time", "answers", ["tenant", "create_time"], unique=False)
    op.create_table(
        "data_keys",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kek", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("destroy_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "number"),
    )
    op.create_table(
        "decisions",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("values_digest", sa.Text(), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "decisions_by_covers",
        "decisions",
        ["tenant", "values_digest", "covers", "position"],
        unique=False,
    )
    op.create_index("decisions_by_position", "decisions", ["tenant", "position"], unique=False)
    op.create_index(
        "decisions_by_values", "decisions", ["tenant", "values_digest", "position"], unique=False
    )
    op.create_table(
        "erased_captures",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "capture_id"),
    )
    op.create_table(
        "events",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("screen_id", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("values_digest", sa.Text(), nullable=False),
        sa.Column("verdict", sa.LargeBinary(), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.LargeBinary(), nullable=False),
        sa.Column("erase_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_capture", "events", ["tenant", "capture_id"], unique=False)
    op.create_index("events_by_id", "events", ["tenant", "event_id"], unique=True)
    op.create_index("events_by_position", "events", ["tenant", "position"], unique=False)
    op.create_index("events_by_run", "events", ["tenant", "run", "position"], unique=False)
    op.create_index("events_by_verdict", "events", ["tenant", "verdict"], unique=False)
    op.create_index(
        "events_told",
        "events",
        ["tenant", "run", "position"],
        unique=False,
        sqlite_where=sa.text("erase_time IS NULL"),
        postgresql_where=sa.text("erase_time IS NULL"),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("create_time", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "size"),
        sqlite_strict=True,
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "witness", "size"),
        sqlite_strict=True,
    )
    op.create_table(
        "log_entries",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("create_time", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position"),
        sqlite_strict=True,
    )
    op.create_table(
        "pairing",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "runs",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("run", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("values_digest", sa.Text(), nullable=False),
        sa.Column("screen_id", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("first_position", sa.BigInteger(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "run"),
    )
    op.create_index("runs_by_day", "runs", ["tenant", "day"], unique=False)
    op.create_index(
        "runs_by_fingerprint", "runs", ["tenant", "fingerprint", "last_position"], unique=False
    )
    op.create_index("runs_by_position", "runs", ["tenant", "last_position"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("seen_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session"),
    )
    op.create_index("sessions_by_time", "sessions", ["tenant", "seen_time"], unique=False)
    op.create_table(
        "templates",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("screen_id", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("tree", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "templates_by_id", "templates", ["tenant", "template_id", "version"], unique=True
    )
    op.create_index("templates_by_position", "templates", ["tenant", "position"], unique=False)
    op.create_index(
        "templates_by_screen", "templates", ["tenant", "newest", "screen_id"], unique=False
    )
    op.create_table(
        "usage",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.Column("templates", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdict_counts",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day", "kind"),
    )
    op.create_table(
        "verdicts",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest"),
    )
