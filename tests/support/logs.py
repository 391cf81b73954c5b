"""A log store behind its own handlers on a real port, without a gateway: for the client's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import MetaData

from systemzero_chassis.database import Database, TenantConnection
from systemzero_chassis.identity import Principal, set_current_principal
from systemzero_chassis.ids import PageTokens
from systemzero_chassis.logstore import LogKeys, LogStore, Witness, log_tables
from systemzero_client import Client
from systemzero_diff.handlers.log import LogServicer
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
