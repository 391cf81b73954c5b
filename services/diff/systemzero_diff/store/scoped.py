"""What every set of statements stands on: a connection, and the one tenant that it may touch."""

from __future__ import annotations

from sqlalchemy import Connection


class Scoped:
    """Statements for one tenant within a transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant
