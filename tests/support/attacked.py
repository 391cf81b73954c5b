"""A platform at the limits that it comes with, over either database, and tenants to attack it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from sqlalchemy import Connection, text

from benchmarks._processes import group
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero_base.ids import new_id
from systemzero_gateway.limits import LimitSettings
from tests.support.databases import DATABASES
from tests.support.platform import Platform, Services, running
from tests.support.postgres import Server, migrated

LAVISH = tenant_pb.Quotas(per_minute=1e9, burst=1_000_000_000, in_flight=1_000)
KINDS = tuple(DATABASES)
_COUNTED = ("tenant", "principal", "failures")


def as_it_comes() -> dict[str, str]:
    """The gateway's own limits, in the place of those that no test runs into."""
    limits = LimitSettings()
    return {
        f"LIMITS__{name.upper()}": json.dumps(msgspec.structs.asdict(getattr(limits, name)))
        for name in _COUNTED
    }


@dataclass
class Tenant:
    """A tenant of one's own, with its admin's key."""

    platform: Platform
    name: str
    key: str

    def by(self, key: str | None = None) -> Services:
        """Stubs that call with `key`, the admin's if not given."""
        return self.platform.services(self.key if key is None else key)

    def new_key(self, role: auth_pb.Role.ValueType) -> str:
        """The secret of another key."""
        with self.by() as services:
            made = auth_pb.ApiKey(name="another", role=role)
            request = auth_pb.CreateApiKeyRequest(api_key=made)
            return str(services.auth.CreateApiKey(request).secret)


@dataclass
class Attacked:
    """The running platform. `server` is its PostgreSQL, if it has one."""

    platform: Platform
    server: Server | None = None

    def owner(self) -> Services:
        """Stubs of the platform's own tenant."""
        key = (self.platform.data / "gateway" / "platform.key").read_text().strip()
        return self.platform.services(key)

    def tenant(self, quotas: tenant_pb.Quotas | None = None) -> Tenant:
        """A new tenant; without `quotas` at those that every tenant has."""
        name = new_id("t").replace("_", "-")[:40]
        with self.owner() as services:
            request = tenant_pb.CreateTenantRequest(tenant_id=name, quotas=quotas)
            return Tenant(self.platform, name, str(services.tenants.CreateTenant(request).secret))


@contextmanager
def attacked(
    kind: str,
    request: pytest.FixtureRequest,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Attacked]:
    """A standalone platform below `folder` on the database `kind`; `environment` as `running`'s."""
    server = url = None
    if kind == "postgres":
        server = request.getfixturevalue("postgres").fresh()
        url = migrated(server, folder)
    given = {**as_it_comes(), **(environment or {})}
    try:
        with running("standalone", folder / "data", given, database=url) as platform:
            found = Attacked(platform, server)
            with found.owner() as services:  # it makes a tenant for each case
                quotas = tenant_pb.UpdateTenantQuotasRequest(tenant_id="platform", quotas=LAVISH)
                services.tenants.UpdateTenantQuotas(quotas)
            yield found
    finally:
        if server is not None:
            server.drop()


def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """How a call was refused: its status and what was said."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), str(error.details())


def stored_bytes(found: Attacked) -> int:
    """What the databases take, as whoever pays for the disk counts."""
    if found.server is not None:
        size = text("SELECT pg_database_size(current_database())")
        return int(found.server.run(lambda c: c.execute(size).scalar_one(), found.server.root_url))
    total = 0
    for file in _databases(found):
        with closing(sqlite3.connect(file)) as database:
            pages, size_of_page = (
                database.execute(f"PRAGMA {what}").fetchone()[0]
                for what in ("page_count", "page_size")
            )
            total += pages * size_of_page
    return total


def entries_of(found: Attacked, table: str) -> tuple[int, int]:
    """How many rows a log's table of entries has, and the bytes of their bodies."""
    count = f"SELECT count(*), coalesce(sum(length(body)), 0) FROM {table}"  # noqa: S608 - a test's
    if found.server is not None:
        where = text("SELECT table_schema FROM information_schema.tables WHERE table_name = :name")

        def job(connection: Connection) -> tuple[int, int]:
            schema = connection.execute(where, {"name": table}).scalar_one()
            connection.execute(text(f'SET search_path TO "{schema}"'))
            rows, size = connection.execute(text(count)).one()
            return int(rows), int(size)

        return found.server.run(job, found.server.root_url)
    for file in _databases(found):
        with closing(sqlite3.connect(file)) as database, suppress(sqlite3.OperationalError):
            rows, size = database.execute(count).fetchone()
            return rows, size
    raise AssertionError(f"there is no table {table}")


def _databases(found: Attacked) -> list[Path]:
    data = found.platform.data
    return [*data.rglob("*.db"), *data.rglob("*.sqlite3")]


def peak_memory(found: Attacked) -> int:
    """The most bytes that any process of the platform has had resident."""
    most = 0
    for pid in group(found.platform.process.pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
            most = max(most, *peaks)
    return most * 1_024
