"""What every set of statements stands on: a connection that reaches one tenant's rows."""

from __future__ import annotations

from systemzero_storage.database import TenantConnection


class Scoped:
    """Statements for one tenant within a transaction."""

    def __init__(self, connection: TenantConnection) -> None:
        self._connection = connection
