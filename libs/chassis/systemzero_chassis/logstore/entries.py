"""Entries and tree nodes in SQL: synchronous, within the caller's transaction.

Invariants:
1. An entry's place and hashes are computed from rows read in the transaction that writes them, so
   that a rollback leaves nothing behind: there is no cache to go stale.
2. Two appends to one log never run at the same time: on SQLite there is one writer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from systemzero_chassis.logstore.tables import LogTables
from systemzero_core.errors import DataCorrupted, FailedPrecondition, NotFound
from systemzero_core.tlog import (
    ERASURE_KIND,
    HASH_BYTES,
    SALT_BYTES,
    Entry,
    NodeId,
    canonical_json,
    grow,
    new_entry,
    siblings,
)


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Where an entry went: its index in the log, and its leaf hash (32 bytes)."""

    index: int
    leaf_hash: bytes


class Entries:
    """The statements on the entries of one set of tables, prepared once."""

    def __init__(self, tables: LogTables) -> None:
        table = tables.entries
        columns = table.c
        self.table = table
        of_tenant = columns.tenant == bindparam("tenant")
        self._last = (
            select(columns.position, columns.hashes)
            .where(of_tenant)
            .order_by(columns.position.desc())
            .limit(1)
        )
        self._hashes = select(columns.position, columns.hashes).where(
            of_tenant, columns.position.in_(bindparam("positions", expanding=True))
        )
        self._insert = insert(table)
        self._one = select(table).where(of_tenant, columns.position == bindparam("index"))
        self._page = (
            select(table)
            .where(of_tenant, columns.position >= bindparam("start"))
            .order_by(columns.position)
            .limit(bindparam("count"))
        )
        self._page_of_kind = self._page.where(columns.kind == bindparam("kind"))
        self._erase = (
            update(table)
            .where(columns.tenant == bindparam("of_tenant"), columns.position == bindparam("index"))
            .values(salt=None, body=None)
        )

    def append(
        self,
        connection: Connection,
        tenant: str,
        kind: str,
        body: Mapping[str, Any],
        create_time: datetime,
    ) -> Appended:
        """Add an entry at the end of the tenant's log; see `LogStore.append`."""
        last = connection.execute(self._last, {"tenant": tenant}).first()
        index = 0 if last is None else last.position + 1
        salt = secrets.token_bytes(SALT_BYTES)
        entry = new_entry(index, kind, create_time, salt, canonical_json(body))
        needed = siblings(index)
        if len(needed) == 1 and last is not None:  # the last entry's leaf, which is at hand
            found: Sequence[bytes] = [last.hashes[:HASH_BYTES]]
        else:
            found = self.reader(connection, tenant).read_hashes(needed)
        row = {
            "tenant": tenant,
            "position": index,
            "kind": kind,
            "create_time": entry.create_time,
            "salt": salt,
            "body": entry.body,
            "digest": entry.digest,
            "hashes": b"".join(grow(entry.leaf_hash, found)),
        }
        connection.execute(self._insert, row)
        return Appended(index, entry.leaf_hash)

    def erase(
        self,
        connection: Connection,
        tenant: str,
        indexes: Sequence[int],
        create_time: datetime,
    ) -> Appended | None:
        """Erase bodies and salts, and append the record of it; see `LogStore.erase`."""
        erased = []
        for index in sorted(set(indexes)):
            entry = self.get(connection, tenant, index)
            if entry.kind == ERASURE_KIND:
                raise FailedPrecondition(f"entry {index} records an erasure: it stays")
            if entry.body is not None:
                connection.execute(self._erase, {"of_tenant": tenant, "index": index})
                erased.append(index)
        if not erased:
            return None
        return self.append(connection, tenant, ERASURE_KIND, {"entries": erased}, create_time)

    def size(self, connection: Connection, tenant: str) -> int:
        """The number of entries in the tenant's log."""
        last = connection.execute(self._last, {"tenant": tenant}).first()
        return 0 if last is None else int(last.position) + 1

    def get(self, connection: Connection, tenant: str, index: int) -> Entry:
        """One entry.

        Raises:
            NotFound: the tenant's log has none at `index`.
        """
        row = connection.execute(self._one, {"tenant": tenant, "index": index}).first()
        if row is None:
            raise NotFound(f"the log has no entry {index}")
        return _entry(row)

    def page(
        self,
        connection: Connection,
        tenant: str,
        start: int,
        count: int,
        kind: str | None = None,
    ) -> list[Entry]:
        """Up to `count` entries from index `start` on, in order."""
        parameters: dict[str, Any] = {"tenant": tenant, "start": start, "count": count}
        statement = self._page
        if kind is not None:
            statement, parameters["kind"] = self._page_of_kind, kind
        return [_entry(row) for row in connection.execute(statement, parameters)]

    def page_with_hashes(
        self, connection: Connection, tenant: str, start: int, count: int
    ) -> list[tuple[Entry, bytes]]:
        """As `page`, each entry with the hashes of the nodes it completes, from level 0 upwards."""
        parameters = {"tenant": tenant, "start": start, "count": count}
        rows = connection.execute(self._page, parameters)
        return [(_entry(row), row.hashes) for row in rows]

    def reader(self, connection: Connection, tenant: str) -> StoredHashes:
        """The tenant's tree nodes, for the tree's algorithms."""
        return StoredHashes(connection, self._hashes, tenant)


class StoredHashes:
    """A `HashReader` on the entries' rows: all nodes of a proof in one query."""

    def __init__(self, connection: Connection, statement: Any, tenant: str) -> None:
        self._connection = connection
        self._statement = statement
        self._tenant = tenant

    def read_hashes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """The hash of each of `nodes`.

        Raises:
            DataCorrupted: a row is missing or too short.
        """
        if not nodes:
            return []
        rows = [(node.position + 1 << node.level) - 1 for node in nodes]
        parameters = {"tenant": self._tenant, "positions": rows}
        found = self._connection.execute(self._statement, parameters)
        stored = {row.position: row.hashes for row in found}
        return [
            _node_hash(stored.get(row, b""), node.level, row)
            for node, row in zip(nodes, rows, strict=True)
        ]


def _node_hash(hashes: bytes, level: int, row: int) -> bytes:
    digest = hashes[level * HASH_BYTES : (level + 1) * HASH_BYTES]
    if len(digest) != HASH_BYTES:
        raise DataCorrupted(f"the log's tree lacks a node in the row of entry {row}")
    return digest


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.position,
        row.kind,
        row.create_time,
        row.salt,
        row.body,
        row.digest,
        row.hashes[:HASH_BYTES],
    )
