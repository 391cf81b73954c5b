"""The store of a tamper-evident log: entries, their Merkle tree and signed checkpoints, in SQL.

A service declares the log's tables in its own metadata (`log_tables`), appends within its own write
jobs (`LogStore.append`), and serves the rest through the asynchronous methods of `LogStore`.
"""

from systemzero_chassis.logstore.aging import aged
from systemzero_chassis.logstore.checkpoints import StoredCheckpoint
from systemzero_chassis.logstore.entries import Appended
from systemzero_chassis.logstore.erasure import erase_bodies, erase_some_bodies
from systemzero_chassis.logstore.errors import LogDiverged
from systemzero_chassis.logstore.extends import check_extends
from systemzero_chassis.logstore.keys import (
    LogKeys,
    begin_rotation,
    finish_rotation,
    load_log_keys,
)
from systemzero_chassis.logstore.macs import Macs
from systemzero_chassis.logstore.opening import (
    LogFiles,
    make_log_files,
    open_log,
    open_log_to_check,
    open_macs,
)
from systemzero_chassis.logstore.origin import load_or_create_origin
from systemzero_chassis.logstore.proofs import ConsistencyProof, InclusionProof
from systemzero_chassis.logstore.store import LogStore
from systemzero_chassis.logstore.tables import LogTables, log_tables
from systemzero_chassis.logstore.witnesses import Witness

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
    "load_log_keys",
    "load_or_create_origin",
    "log_tables",
    "make_log_files",
    "open_log",
    "open_log_to_check",
    "open_macs",
]
