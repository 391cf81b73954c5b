"""The transparency log, without its storage: what makes a record tamper-evident.

The formats are specified in docs/design/log.md.
"""

from systemzero_core.tlog.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from systemzero_core.tlog.entry import (
    ERASURE_KIND,
    SALT_BYTES,
    Entry,
    canonical_json,
    digest_of,
    format_time,
    leaf_hash_of,
    new_entry,
    parse_time,
)
from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    HashReader,
    NodeId,
    consistency_proof,
    grow,
    hash_children,
    hash_leaf,
    inclusion_proof,
    root_hash,
    siblings,
)
from systemzero_core.tlog.note import Signer, VerifierKey, sign_note, split_note, verify_note
from systemzero_core.tlog.proofs import verify_consistency, verify_inclusion

__all__ = [
    "EMPTY_ROOT",
    "ERASURE_KIND",
    "HASH_BYTES",
    "SALT_BYTES",
    "Checkpoint",
    "Entry",
    "HashReader",
    "LogVerificationError",
    "NodeId",
    "Signer",
    "VerifierKey",
    "canonical_json",
    "consistency_proof",
    "digest_of",
    "format_time",
    "grow",
    "hash_children",
    "hash_leaf",
    "inclusion_proof",
    "leaf_hash_of",
    "new_entry",
    "parse_checkpoint",
    "parse_time",
    "root_hash",
    "siblings",
    "sign_note",
    "split_note",
    "verify_checkpoint",
    "verify_consistency",
    "verify_inclusion",
    "verify_note",
]
