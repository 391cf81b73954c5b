"""Files in the data folder that more than the running service knows of."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from systemzero_chassis.secrets import write_private

LOG_KEY: Final = "log.key"
"""The key that signs the log."""
ORIGIN_FILE: Final = "origin"
"""The log's origin, where none is configured."""


def load_or_create_origin(path: Path) -> str:
    """The log's origin in the file at `path`, made up once.

    Random, so that no two installations sign logs of one name: a client that has pinned one of them
    would have to take the other for a forgery.
    """
    with suppress(FileExistsError):
        write_private(path, f"systemzero.local/{secrets.token_hex(8)}".encode())
    return path.read_text()
