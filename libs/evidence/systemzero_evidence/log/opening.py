"""A service's log, put together from the key files in its data folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from systemzero_core.errors import FailedPrecondition
from systemzero_evidence.log.store import LogStore
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.rows.tables import LogTables
from systemzero_evidence.signed.heads import SUFFIX, Heads
from systemzero_evidence.signed.witnesses import Witness
from systemzero_evidence.signing.keys import load_log_keys
from systemzero_evidence.signing.origin import load_or_create_origin
from systemzero_storage.database import Database


class LogFiles(NamedTuple):
    """Where a log's key is, and its origin where none is configured.

    `notes` is the folder of what is noted down of the log; None for that of the key.
    """

    key: Path
    origin: Path
    notes: Path | None = None

    @property
    def heads(self) -> Path:
        """The folder with the newest checkpoints; see `heads`."""
        folder = self.key.parent if self.notes is None else self.notes
        return (folder / self.key.name).with_suffix(SUFFIX)

    def begun(self, origin: str = "") -> bool:
        """Whether the files that are needed are there; `origin` is what is configured."""
        return self.key.exists() and (bool(origin) or self.origin.exists())


def open_log(
    database: Database,
    tables: LogTables,
    files: LogFiles,
    origin: str = "",
    witnesses: Sequence[Witness] = (),
) -> LogStore:
    """The log in `database`, for who serves it; call `check` before anything else.

    Files that are missing are made; `LogStore.check` refuses them where there is a log already.

    Raises:
        FailedPrecondition: a key file can't be used.
        DataCorrupted: the file with the rotations is damaged.
        InvalidInput: a witness's key is none, or its URL is not of HTTP.
    """
    wanted = [files.key] if origin else [files.key, files.origin]
    made = [path for path in wanted if not path.exists()]
    keys = load_log_keys(files.key)
    return LogStore(
        database,
        tables,
        origin or load_or_create_origin(files.origin),
        keys.signing,
        rotations=keys.rotations,
        witnesses=witnesses,
        heads=Heads(files.heads),
        made=made,
    )


def open_log_to_check(
    database: Database, tables: LogTables, files: LogFiles, origin: str = ""
) -> LogStore:
    """As `open_log`, for who looks at it beside the service: nothing is made.

    Raises:
        FailedPrecondition: a file is missing, or can't be used.
    """
    _require(files, origin)
    keys = load_log_keys(files.key)
    name = origin or files.origin.read_text()
    return LogStore(
        database,
        tables,
        name,
        keys.signing,
        rotations=keys.rotations,
        heads=Heads(files.heads, writes=False),
    )


def make_log_files(files: LogFiles) -> None:
    """Make the log's key and origin where they are missing.

    Raises:
        FailedPrecondition: the key is missing, and what was made with it is there; or it can't be
            used.
        DataCorrupted: the file with the rotations is damaged.
    """
    for beside in (files.origin, files.key.with_suffix(".rotations"), files.heads):
        if beside.exists() and not files.key.exists():
            raise FailedPrecondition(
                f"{files.key} is missing, and {beside.name} was made with it: put the key back, or "
                f"remove {beside.name} to begin a new log"
            )
    load_log_keys(files.key)
    load_or_create_origin(files.origin)


def open_macs(files: LogFiles, origin: str = "") -> Macs:
    """What makes the MACs of a log, for who appends to it beside the service.

    Raises:
        FailedPrecondition: a file is missing, or can't be used.
    """
    _require(files, origin)
    return Macs(origin or files.origin.read_text(), load_log_keys(files.key).signing)


def _require(files: LogFiles, origin: str) -> None:
    for path in [files.key] if origin else [files.key, files.origin]:
        if not path.exists():
            given = ", or give the configured one by --origin (the audit log's by --audit-origin)"
            what = "" if path == files.key else given
            raise FailedPrecondition(
                f"{path} is missing: restore it from a backup of the data folder{what}"
            )
