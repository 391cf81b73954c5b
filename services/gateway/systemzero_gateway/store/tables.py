"""The gateway's tables. All times in microseconds since 1970; `macs` has what `mac` covers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from systemzero_evidence.log import log_tables
from systemzero_storage.database import Schema

SCHEMA_VERSION: Final = 1
METADATA: Final = MetaData()
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
SCHEMA: Final = Schema(
    "gateway", METADATA, SCHEMA_VERSION, _MIGRATIONS, "gateway.sqlite3", log="audit"
)

TENANTS: Final = Table(
    "tenants",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("create_time", BigInteger, nullable=False),
    Column("suspend_time", BigInteger),
    Column("quota_per_minute", Double),
    Column("quota_burst", BigInteger),
    Column("quota_in_flight", BigInteger),
    Column("quota_stored_bytes", BigInteger),
    Column("quota_captures", BigInteger),
    Column("quota_templates", BigInteger),
    Column("quota_events", BigInteger),
    Column("revision", BigInteger, index=True),  # of its last change
    Column("mac", LargeBinary, nullable=False),
)

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("tenant", Text, ForeignKey("tenants.tenant"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # names, with a blank between two
    Column("create_time", BigInteger, nullable=False),
    Column("expire_time", BigInteger),
    Column("revoke_time", BigInteger),
    Column("last_use_time", BigInteger),
    Column("mac", LargeBinary, nullable=False),
    Index("api_keys_by_tenant", "tenant", "key_id"),
)

KEY_SECRETS: Final = Table(
    "key_secrets",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("key_id", Text, ForeignKey("api_keys.key_id"), nullable=False, index=True),
    Column("create_time", BigInteger, nullable=False),
    Column("expire_time", BigInteger),
    Column("mac", LargeBinary, nullable=False),
)

REVOKED_TOKENS: Final = Table(
    "revoked_tokens",
    METADATA,
    Column("tenant", Text, ForeignKey("tenants.tenant"), primary_key=True),
    Column("token_id", Text, primary_key=True),
    Column("expire_time", BigInteger, nullable=False, index=True),
)

SIGNING_KEYS: Final = Table(
    "signing_keys",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kid", Text, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),  # nonce and ciphertext
    Column("sign_time", BigInteger, nullable=False),
)

REVISION: Final = Table("revision", METADATA, Column("number", BigInteger, nullable=False))

AUDIT: Final = log_tables(METADATA, "audit")
