"""A SQLite file as somebody else opens it, beside the platform."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file; what was done to it is committed unless an error goes by, and it is closed."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection
