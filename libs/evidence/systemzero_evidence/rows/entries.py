"""Entries and tree nodes in SQL: synchronous, within the caller's transaction.

Invariants:
1. An entry's place and hashes are computed from rows read in the transaction that writes them, so
   that a rollback leaves nothing behind: there is no cache to go stale.
2. Two appends to one log never run at the same time: on SQLite there is one writer.
3. A body is stored as its database stores bodies, sealed or not; hashes are of the body itself. The
   record of an erasure is never sealed: it has to outlive the tenant's keys.
4. Every entry has a MAC from its append on; see `macs`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from systemzero_core.errors import DataCorrupted, FailedPrecondition, NotFound
from systemzero_core.tlog import (
    ERASURE_KIND,
    HASH_BYTES,
    SALT_BYTES,
    Entry,
    NodeId,
    canonical_json,
    digest_of,
    grow,
    leaf_hash_of,
    new_entry,
    siblings,
)
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.rows.tables import LogTables
from systemzero_storage.database import BodyErased, TenantConnection

AnyRow = Row[*tuple[Any, ...]]


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Where an entry went: its index in the log, its leaf hash (32 bytes), and its MAC."""

    index: int
    leaf_hash: bytes
    mac: bytes


class StoredEntry(NamedTuple):
    """An entry, with what stands beside it in the database.

    Attributes:
        entry: it.
        hashes: those of the nodes it completes, from level 0 upwards.
        mac: see `macs`.
    """

    entry: Entry
    hashes: bytes
    mac: bytes


class Entries:
    """The statements on the entries of one set of tables, prepared once."""

    def __init__(self, tables: LogTables, macs: Macs) -> None:
        table = tables.entries
        self._macs = macs
        columns = table.c
        self.table = table
        of_tenant = columns.tenant == bindparam("tenant")
        self._last = (
            select(columns.position, columns.hashes, columns.mac)
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
        self._with_body = (
            select(columns.position)
            .where(of_tenant, columns.body.is_not(None), columns.kind != ERASURE_KIND)
            .order_by(columns.position)
            .limit(bindparam("count"))
        )
        self._erase = (
            update(table)
            .where(columns.tenant == bindparam("of_tenant"), columns.position == bindparam("index"))
            .values(salt=None, body=None)
        )

    def append(
        self, own: TenantConnection, kind: str, body: Mapping[str, Any], create_time: datetime
    ) -> Appended:
        """Add an entry at the end of the tenant's log; see `LogStore.append`."""
        connection, tenant = own.unscoped, own.tenant
        last = connection.execute(self._last, {"tenant": tenant}).first()
        index = 0 if last is None else last.position + 1
        salt = secrets.token_bytes(SALT_BYTES)
        entry = new_entry(index, kind, create_time, salt, canonical_json(body))
        needed = siblings(index)
        if len(needed) == 1 and last is not None:  # the last entry's leaf, which is at hand
            found: Sequence[bytes] = [last.hashes[:HASH_BYTES]]
        else:
            found = self.reader(connection, tenant).read_hashes(needed)
        before = b"" if last is None else last.mac
        mac = self._macs.of(tenant, index, entry.leaf_hash, before)
        row = {
            "tenant": tenant,
            "position": index,
            "kind": kind,
            "create_time": entry.create_time,
            "salt": salt,
            "body": self._stored(own, entry),
            "digest": entry.digest,
            "hashes": b"".join(grow(entry.leaf_hash, found)),
            "mac": mac,
        }
        connection.execute(self._insert, row)
        return Appended(index, entry.leaf_hash, mac)

    def erase(
        self,
        own: TenantConnection,
        indexes: Sequence[int],
        create_time: datetime,
        check: Callable[[TenantConnection, StoredEntry], None] | None = None,
    ) -> Appended | None:
        """Erase bodies and salts, and append the record of it; see `LogStore.erase`.

        `check` raises where an entry is not to be erased.
        """
        erased = []
        for index in sorted(set(indexes)):
            row = self._row(own.unscoped, own.tenant, index)
            if row.kind == ERASURE_KIND:
                raise FailedPrecondition(f"entry {index} records an erasure: it stays")
            if row.body is not None:
                if check is not None:
                    check(own, StoredEntry(self._entry(own, row), row.hashes, row.mac))
                own.unscoped.execute(self._erase, {"of_tenant": own.tenant, "index": index})
                erased.append(index)
        if not erased:
            return None
        return self.append(own, ERASURE_KIND, {"entries": erased}, create_time)

    def with_body(self, connection: Connection, tenant: str, count: int) -> list[int]:
        """The indexes of the first entries that an erasure would erase, up to `count`."""
        found = connection.execute(self._with_body, {"tenant": tenant, "count": count})
        return list(found.scalars())

    def size(self, connection: Connection, tenant: str) -> int:
        """The number of entries in the tenant's log."""
        last = connection.execute(self._last, {"tenant": tenant}).first()
        return 0 if last is None else int(last.position) + 1

    def get(self, own: TenantConnection, index: int) -> Entry:
        """One entry.

        Raises:
            NotFound: the tenant's log has none at `index`.
        """
        return self._entry(own, self._row(own.unscoped, own.tenant, index))

    def leaf_hash(self, connection: Connection, tenant: str, index: int) -> bytes:
        """The leaf hash of one entry, which may be sealed.

        Raises:
            NotFound: the tenant's log has none at `index`.
        """
        return bytes(self._row(connection, tenant, index).hashes[:HASH_BYTES])

    def _row(self, connection: Connection, tenant: str, index: int) -> AnyRow:
        row = connection.execute(self._one, {"tenant": tenant, "index": index}).first()
        if row is None:
            raise NotFound(f"the log has no entry {index}")
        return row

    def page(
        self, own: TenantConnection, start: int, count: int, kind: str | None = None
    ) -> list[Entry]:
        """Up to `count` entries from index `start` on, in order."""
        parameters: dict[str, Any] = {"tenant": own.tenant, "start": start, "count": count}
        statement = self._page
        if kind is not None:
            statement, parameters["kind"] = self._page_of_kind, kind
        return [self._entry(own, row) for row in own.unscoped.execute(statement, parameters)]

    def stored(self, own: TenantConnection, start: int, count: int) -> list[StoredEntry]:
        """As `page`, each entry with what stands beside it."""
        parameters = {"tenant": own.tenant, "start": start, "count": count}
        rows = own.unscoped.execute(self._page, parameters)
        return [StoredEntry(self._entry(own, row), row.hashes, row.mac) for row in rows]

    def mac(self, connection: Connection, tenant: str, index: int) -> bytes:
        """What stands beside the entry at `index`; nothing before the first.

        Raises:
            NotFound: the tenant's log has none at `index`.
        """
        return b"" if index < 0 else bytes(self._row(connection, tenant, index).mac)

    def _stored(self, own: TenantConnection, entry: Entry) -> bytes | None:
        if entry.body is None or entry.kind == ERASURE_KIND:
            return entry.body
        return own.seal(self.table.c.body, entry.body, entry.index)

    def _entry(self, own: TenantConnection, row: AnyRow) -> Entry:
        """An entry; one whose data key was destroyed is as one that was erased."""
        salt, body = row.salt, row.body
        if body is not None:
            try:
                body = own.open(self.table.c.body, body, row.position)
            except BodyErased:
                salt = body = None
        return Entry(
            row.position,
            row.kind,
            row.create_time,
            salt,
            body,
            row.digest,
            row.hashes[:HASH_BYTES],
        )

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


def stands(entry: Entry) -> bool:
    """Whether the entry's body, unless erased, stands for its digest, and that for its leaf."""
    if entry.body is None or entry.salt is None:
        intact = entry.body is None and entry.salt is None
    else:
        intact = digest_of(entry.salt, entry.body) == entry.digest
    return intact and entry.leaf_hash == leaf_hash_of(entry.kind, entry.create_time, entry.digest)


def _node_hash(hashes: bytes, level: int, row: int) -> bytes:
    digest = hashes[level * HASH_BYTES : (level + 1) * HASH_BYTES]
    if len(digest) != HASH_BYTES:
        raise DataCorrupted(f"the log's tree lacks a node in the row of entry {row}")
    return digest
