"""The first schema of the capture service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "blobs",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sha256"),
    )
    op.create_table(
        "captures",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("capture_id", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("capture_time", sa.BigInteger(), nullable=True),
        sa.Column("erase_time", sa.BigInteger(), nullable=True),
        sa.Column("of_diff", sa.Boolean(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("captures_by_id", "captures", ["tenant", "capture_id"], unique=True)
    op.create_index("captures_by_kind", "captures", ["tenant", "kind"], unique=False)
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
        "erasures",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "capture_id"),
    )
    op.create_index("erasures_by_time", "erasures", ["create_time"], unique=False)
    op.create_table(
        "kinds",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("full_digest", sa.LargeBinary(), nullable=False),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("incompleteness", sa.LargeBinary(), nullable=True),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("screen_hint", sa.Text(), nullable=False),
        sa.Column("claimed_by_digest", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "kind"),
    )
    op.create_index("kinds_by_digest", "kinds", ["tenant", "digest"], unique=True)
    op.create_index("kinds_by_tree", "kinds", ["tenant", "full_digest"], unique=False)
    op.create_index("kinds_by_verdict", "kinds", ["tenant", "verdict"], unique=False)
    op.create_table(
        "marks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "originals",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position", "kind"),
    )
    op.create_index("originals_by_digest", "originals", ["tenant", "sha256"], unique=False)
    op.create_index("originals_by_time", "originals", ["tenant", "create_time"], unique=False)
    op.create_table(
        "requests",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("requests_by_id", "requests", ["tenant", "request_id"], unique=True)
    op.create_table(
        "trees",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("full_digest", sa.LargeBinary(), nullable=False),
        sa.Column("structure_digest", sa.LargeBinary(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("node_count", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "full_digest"),
    )
    op.create_table(
        "usage",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.Column("captures", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdicts",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest"),
    )
