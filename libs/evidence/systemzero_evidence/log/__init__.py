"""The store of a tamper-evident log: entries, their Merkle tree and signed checkpoints, in SQL.

A service declares the log's tables in its own metadata (`log_tables`), appends within its own write
jobs (`LogStore.append`), and serves the rest through the asynchronous methods of `LogStore`.
"""

from systemzero_evidence.log.aging import aged, last_time
from systemzero_evidence.log.body_erasure import erase_bodies, erase_some_bodies
from systemzero_evidence.log.extends import check_extends
from systemzero_evidence.log.opening import (
    LogFiles,
    make_log_files,
    open_log,
    open_log_to_check,
    open_macs,
)
from systemzero_evidence.log.store import LogStore
from systemzero_evidence.rows.entries import Appended
from systemzero_evidence.rows.errors import LogDiverged
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.rows.tables import LogTables, log_tables
from systemzero_evidence.signed.checkpoints import StoredCheckpoint
from systemzero_evidence.signed.proofs import ConsistencyProof, InclusionProof
from systemzero_evidence.signed.witnesses import Witness
from systemzero_evidence.signing.keys import LogKeys, begin_rotation, finish_rotation, load_log_keys
from systemzero_evidence.signing.origin import load_or_create_origin

__all__ = [
    "Appended",
    "ConsistencyProof",
    "InclusionProof",
    "LogDiverged",
    "LogFiles",
    "LogKeys",
    "LogStore",
    "LogTables",
    "Macs",
    "StoredCheckpoint",
    "Witness",
    "aged",
    "begin_rotation",
    "check_extends",
    "erase_bodies",
    "erase_some_bodies",
    "finish_rotation",
    "last_time",
    "load_log_keys",
    "load_or_create_origin",
    "log_tables",
    "make_log_files",
    "open_log",
    "open_log_to_check",
    "open_macs",
]
