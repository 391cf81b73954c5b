"""Erasing a log's bodies beside the service that signs it.

Who does so has the log's key as well, for the MAC of the record. The service signs a checkpoint of
that when it appends next, or starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from systemzero_evidence.rows.entries import Entries
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.rows.tables import LogTables
from systemzero_storage.database import TenantConnection

_BATCH: Final = 1000


def erase_bodies(
    own: TenantConnection,
    tables: LogTables,
    macs: Macs,
    indexes: Sequence[int],
    create_time: datetime,
) -> None:
    """Erase the bodies of entries, and record it; see `LogStore.erase`."""
    Entries(tables, macs).erase(own, indexes, create_time)


def erase_some_bodies(
    own: TenantConnection, tables: LogTables, macs: Macs, create_time: datetime
) -> int:
    """Erase the bodies of the log's first entries that have one, and record it; how many."""
    entries = Entries(tables, macs)
    found = entries.with_body(own.unscoped, own.tenant, _BATCH)
    entries.erase(own, found, create_time)
    return len(found)
