"""A log store to write to, to forge, and to serve behind its own handlers without a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, MetaData, select

from systemzero_base.ids import PageTokens
from systemzero_base.internal.identity import Principal, set_current_principal
from systemzero_client import Client
from systemzero_core.tlog import CompactRange, canonical_json, new_entry
from systemzero_diff.handlers.log import LogServicer
from systemzero_evidence.log import LogKeys, LogStore, Witness, log_tables
from systemzero_storage.database import Database, TenantConnection
from tests.support.wire import answering, serving

METADATA = MetaData()
TABLES = log_tables(METADATA)
NAME = "systemzero.example/log"
TENANT = "t1"
ORIGIN = f"{NAME}/{TENANT}"
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
METHODS = (
    "ListEntries",
    "GetCheckpoint",
    "GetInclusionProof",
    "GetConsistencyProof",
    "GetProofBundle",
    "ExportEntries",
)


ONE_KEY = LogKeys((KEY,))


def log_on(
    database: Database, keys: LogKeys = ONE_KEY, witnesses: tuple[Witness, ...] = ()
) -> LogStore:
    """A log store on a database with `METADATA`."""
    return LogStore(
        database,
        TABLES,
        NAME,
        keys.signing,
        rotations=keys.rotations,
        witnesses=witnesses,
        clock=lambda: NOW,
    )


async def grow(database: Database, log: LogStore, count: int, word: str = "event") -> None:
    """Append so many entries."""

    def job(own: TenantConnection) -> None:
        for i in range(count):
            log.append(own, "drift.event", {word: i}, NOW)

    await database.of(TENANT).write(job)


@asynccontextmanager
async def client_of(log: LogStore) -> AsyncIterator[Client]:
    """A client of a server that serves `log`, as its tenant."""
    servicer = LogServicer(log, PageTokens(b"\x02" * 32))

    def add(server: grpc.aio.Server) -> None:
        methods = {name: _as_tenant(getattr(servicer, name)) for name in METHODS}
        answering(server, "systemzero.log.v1.LogService", **methods)

    async with serving(add) as target, Client(target) as client:
        yield client


def _as_tenant(method: Any) -> Any:
    if method.__name__ == "ExportEntries":

        @wraps(method)
        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            set_current_principal(Principal(TENANT, "key_1"))
            async for response in method(request, context):
                yield response

        return stream

    @wraps(method)
    async def unary(request: Any, context: Any) -> Any:
        set_current_principal(Principal(TENANT, "key_1"))
        return await method(request, context)

    return unary


async def append(
    database: Database, log: LogStore, count: int, tenant: str = TENANT, word: str = "real"
) -> None:
    """Append `count` entries with bodies that say `word`."""

    def job(own: TenantConnection) -> None:
        for n in range(count):
            log.append(own, "drift.event", {word: n}, NOW)

    await database.of(tenant).write(job)


async def hurt(database: Database, *statements: Any) -> None:
    """As whoever has the database, and no key, would."""

    def job(connection: Connection) -> None:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement

    await database.write(job)


async def rows(database: Database, tenant: str = TENANT) -> list[dict[str, Any]]:
    """What the table of entries holds of a tenant, in order."""
    entries = TABLES.entries
    statement = select(entries).where(entries.c.tenant == tenant).order_by(entries.c.position)
    found = await database.read(lambda c: c.execute(statement).mappings().all())
    return [dict(row) for row in found]


def forged(stored: list[dict[str, Any]], body: dict[str, Any], mac: bytes) -> dict[str, Any]:
    """The row of an entry more, right in all that needs no key."""
    tree = CompactRange()
    for row in stored:
        tree.push(row["hashes"][:32])
    kind = "drift.decision"
    entry = new_entry(tree.size, kind, NOW, b"s" * 16, canonical_json(body))
    row = {"tenant": TENANT, "position": tree.size, "kind": kind}
    row |= {"create_time": entry.create_time, "salt": entry.salt, "body": entry.body}
    hashes = b"".join(tree.push(entry.leaf_hash))
    row |= {"digest": entry.digest, "hashes": hashes, "mac": mac}
    return {column.name: row[column.name] for column in TABLES.entries.columns}
