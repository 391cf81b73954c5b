"""The diff service's store."""

from systemzero_diff.store.evidence import EvidenceCheck, tenants_with_evidence
from systemzero_diff.store.pairing import PairingStore
from systemzero_diff.store.protocol import DiffStore, Transaction
from systemzero_diff.store.sql import SqlDiffStore
from systemzero_diff.store.tables import LOG, METADATA, SCHEMA, SCHEMA_VERSION

__all__ = [
    "LOG",
    "METADATA",
    "SCHEMA",
    "SCHEMA_VERSION",
    "DiffStore",
    "EvidenceCheck",
    "PairingStore",
    "SqlDiffStore",
    "Transaction",
    "tenants_with_evidence",
]
