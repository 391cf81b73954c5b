"""Files in the data folder that more than the running service knows of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from systemzero_evidence.log import LogFiles

LOG_KEY: Final = "log.key"
"""The key that signs the log."""
PAGE_TOKENS: Final = "page-tokens.key"
"""The secret that seals page tokens."""
ORIGIN_FILE: Final = "origin"
"""The log's origin, where none is configured."""


def log_files(folder: Path, notes: Path | None = None) -> LogFiles:
    """The files of the log, in the service's data folder; and in that of its `notes`, if given."""
    return LogFiles(folder / LOG_KEY, folder / ORIGIN_FILE, notes)
