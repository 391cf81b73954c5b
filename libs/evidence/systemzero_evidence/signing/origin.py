"""The name that a store's logs begin with."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from systemzero_base.secrets import write_private


def load_or_create_origin(path: Path) -> str:
    """The log's origin in the file at `path`, made up once.

    Random, so that no two installations sign logs of one name: a client that has pinned one of them
    would have to take the other for a forgery.
    """
    if not path.exists():  # looked at first: the folder may be read-only
        with suppress(FileExistsError):
            write_private(path, f"systemzero.local/{secrets.token_hex(8)}".encode())
    return path.read_text()
