"""The transparency log, without its storage: what makes a record tamper-evident.

The formats are specified in docs/design/log.md.
"""

from systemzero_core.tlog.bundle import (
    BUNDLE_FORMAT,
    VerifiedBundle,
    encode_bundle,
    verify_bundle,
)
from systemzero_core.tlog.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from systemzero_core.tlog.compact import CompactRange
from systemzero_core.tlog.entry import (
    SALT_BYTES,
    Entry,
    canonical_json,
    digest_of,
    format_time,
    leaf_hash_of,
    leaf_of,
    new_entry,
    parse_time,
)
from systemzero_core.tlog.erasure import ERASURE_KIND, Erasures
from systemzero_core.tlog.errors import LogVerificationError, OlderExport
from systemzero_core.tlog.export import ExportReport, export_leaves, verify_export
from systemzero_core.tlog.lines import EXPORT_FORMAT, checkpoint_line, entry_line, header_line
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
    left_edge,
    root_hash,
    siblings,
)
from systemzero_core.tlog.note import Signer, VerifierKey, sign_note, split_note, verify_note
from systemzero_core.tlog.proofs import verify_consistency, verify_inclusion
from systemzero_core.tlog.rotation import follow, sign_rotation, verify_rotation
from systemzero_core.tlog.tiles import (
    CHECKPOINT_PATH,
    TileFile,
    TileTree,
    hashes_of,
    partial_paths,
    unbundled,
)
from systemzero_core.tlog.witness import (
    Cosignature,
    WitnessKey,
    cosignature_line,
    cosignatures_of,
    cosigned_message,
    submission,
)

__all__ = [
    "BUNDLE_FORMAT",
    "CHECKPOINT_PATH",
    "EMPTY_ROOT",
    "ERASURE_KIND",
    "EXPORT_FORMAT",
    "HASH_BYTES",
    "SALT_BYTES",
    "Checkpoint",
    "CompactRange",
    "Cosignature",
    "Entry",
    "Erasures",
    "ExportReport",
    "HashReader",
    "LogVerificationError",
    "NodeId",
    "OlderExport",
    "Signer",
    "TileFile",
    "TileTree",
    "VerifiedBundle",
    "VerifierKey",
    "WitnessKey",
    "canonical_json",
    "checkpoint_line",
    "consistency_proof",
    "cosignature_line",
    "cosignatures_of",
    "cosigned_message",
    "digest_of",
    "encode_bundle",
    "entry_line",
    "export_leaves",
    "follow",
    "format_time",
    "grow",
    "hash_children",
    "hash_leaf",
    "hashes_of",
    "header_line",
    "inclusion_proof",
    "leaf_hash_of",
    "leaf_of",
    "left_edge",
    "new_entry",
    "parse_checkpoint",
    "parse_time",
    "partial_paths",
    "root_hash",
    "siblings",
    "sign_note",
    "sign_rotation",
    "split_note",
    "submission",
    "unbundled",
    "verify_bundle",
    "verify_checkpoint",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
    "verify_note",
    "verify_rotation",
]
