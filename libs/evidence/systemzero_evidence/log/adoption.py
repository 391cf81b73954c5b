"""Taking entries into a log that its signer did not write: by an operator, and on record.

After it, the entries have MACs of the log's key, and the log has an entry of kind `log.adoption`
with the body `{"first":INDEX,"last":INDEX}`, which is signed with them and stays for ever.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import bindparam, update

from systemzero_core.tlog import CompactRange
from systemzero_evidence.rows.entries import Entries, StoredEntry
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.rows.tables import LogTables
from systemzero_evidence.rows.tail import PAGE, push
from systemzero_storage.database import TenantConnection

ADOPTION_KIND: Final = "log.adoption"


class Adopted(NamedTuple):
    """The indexes of the first and the last entry that had no right MAC before."""

    first: int
    last: int


class Adoption:
    """Adopts entries of logs in one set of tables."""

    def __init__(self, tables: LogTables, entries: Entries, macs: Macs) -> None:
        columns = tables.entries.c
        self._entries = entries
        self._macs = macs
        self._set = (
            update(tables.entries)
            .where(columns.tenant == bindparam("of_tenant"), columns.position == bindparam("at"))
            .values(mac=bindparam("new"))
        )

    def adopt(
        self, own: TenantConnection, signed: CompactRange, create_time: datetime
    ) -> Adopted | None:
        """Give every entry past the `signed` tree a MAC, within a write job; None if all have one.

        Raises:
            DataCorrupted: an entry contradicts its own hashes, or is missing: it can't be adopted.
        """
        tree, found, before = signed, None, b""
        if tree.size:
            before = self._entries.mac(own.unscoped, own.tenant, tree.size - 1)
        chain = before  # as it is stored; `before` is as it will be
        while page := self._entries.stored(own, tree.size, PAGE):
            for stored in page:
                push(tree, stored)
                index = stored.entry.index
                if not self._holds(own.tenant, stored, chain):
                    found = Adopted(found.first if found else index, index)
                chain = stored.mac
                before = stored.mac if found is None else self._renew(own, stored, before)
        if found is not None:
            body = {"first": found.first, "last": found.last}
            self._entries.append(own, ADOPTION_KIND, body, create_time)
        return found

    def _holds(self, tenant: str, stored: StoredEntry, before: bytes) -> bool:
        entry = stored.entry
        return self._macs.hold(tenant, entry.index, entry.leaf_hash, before, stored.mac)

    def _renew(self, own: TenantConnection, stored: StoredEntry, before: bytes) -> bytes:
        entry = stored.entry
        mac = self._macs.of(own.tenant, entry.index, entry.leaf_hash, before)
        values = {"of_tenant": own.tenant, "at": entry.index, "new": mac}
        own.unscoped.execute(self._set, values)
        return mac
