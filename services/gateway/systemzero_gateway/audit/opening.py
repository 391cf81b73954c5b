"""Opens the audit log in the gateway's database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog

from systemzero_base.clock import micros
from systemzero_base.work.background import Loops
from systemzero_evidence.log import LogFiles, open_log
from systemzero_gateway.audit.begun import Begun
from systemzero_gateway.audit.log import AuditLog
from systemzero_gateway.audit.queue import AuditQueue
from systemzero_gateway.audit.settings import AuditSettings
from systemzero_gateway.store import AUDIT
from systemzero_storage.database import Database

AUDIT_KEY: Final = "audit.key"
"""The file of the key that signs its checkpoints, in the data folder."""
ORIGIN_FILE: Final = "audit.origin"
"""The log's origin, where none is configured."""


def log_files(folder: Path, notes: Path | None = None) -> LogFiles:
    """The files of the audit log, in the gateway's data folder; and in that of its `notes`."""
    return LogFiles(folder / AUDIT_KEY, folder / ORIGIN_FILE, notes)


def open_audit(
    settings: AuditSettings,
    data: Path,
    notes: Path,
    database: Database,
    logger: structlog.typing.FilteringBoundLogger,
    loops: Loops,
) -> AuditLog:
    """The log in `database`, with its key and its name from the files in `data`.

    What it is to know after a restart is noted down in `notes`.

    Raises:
        FailedPrecondition: a key file can't be used.
        InvalidInput: a witness's key is none, or its URL is not of HTTP.
    """
    store = open_log(database, AUDIT, log_files(data, notes), settings.origin, settings.witnesses)
    refusals = settings.refusals
    hold, groups = refusals.interval, refusals.groups
    queue = AuditQueue(settings.queue, micros, hold=hold, groups=groups, begun=Begun(notes))
    return AuditLog(queue, database, store, logger, loops)
