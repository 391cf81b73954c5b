"""The gateway's own services while their store is held up, and at the moment it is let go."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import pytest

from systemzero.gateway.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
    tenant_service_pb2,
    tenant_service_pb2_grpc,
)
from systemzero_base.telemetry.observed import CurrentCall, set_current_call
from systemzero_gateway.access.policy import methods_with_policy
from systemzero_gateway.config import DeadlineSettings
from systemzero_runtime.interceptors.chain import Context
from systemzero_runtime.serving.local import LocalContext
from systemzero_wire import contract
from tests.support.gateway import World, each, refused, world
from tests.support.patience import PATIENCE

AUTH = "/systemzero.gateway.v1.AuthService"
SLOW_CALLS = 20
IMPATIENT = DeadlineSettings(default=0.3, ceiling=60.0)
"""Whoever says nothing else is soon told that the deadline passed."""
WHILE = 30.0
"""Seconds that callers wait who say something else."""


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=True, deadlines=IMPATIENT) as running:
        yield running


@contextmanager
def held_up(store: Path) -> Iterator[None]:
    """Meanwhile nobody else writes to the store."""
    with closing(sqlite3.connect(store, isolation_level=None, timeout=PATIENCE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def new_key(here: World, **keywords: Any) -> Any:
    request = auth_service_pb2.CreateApiKeyRequest(
        api_key=auth_service_pb2.ApiKey(name="of a test", role=auth_service_pb2.ROLE_VIEWER)
    )
    stub: Any = auth_service_pb2_grpc.AuthServiceStub(here.channel)
    return stub.CreateApiKey(request, metadata=here.bearer(), **keywords)


def one_of_each(here: World) -> list[Any]:
    """A call of each of the gateway's own services."""
    audit: Any = audit_service_pb2_grpc.AuditServiceStub(here.channel)
    status: Any = status_service_pb2_grpc.StatusServiceStub(here.channel)
    tenants: Any = tenant_service_pb2_grpc.TenantServiceStub(here.channel)
    tenant = tenant_service_pb2.GetTenantRequest(tenant_id="default")
    who = here.bearer()
    return [
        new_key(here, timeout=WHILE),
        audit.ListEntries(audit_service_pb2.ListEntriesRequest(), metadata=who, timeout=WHILE),
        status.GetStatus(status_service_pb2.GetStatusRequest(), metadata=who, timeout=WHILE),
        tenants.GetTenant(tenant, metadata=who, timeout=WHILE),
    ]


async def test_slow_calls_keep_none_of_the_own_services_away(here: World, tmp_path: Path) -> None:
    store = tmp_path / "gateway.sqlite3"
    with held_up(store):
        slow = [new_key(here) for _ in range(SLOW_CALLS)]
        ends = await asyncio.gather(*(refused(call) for call in slow))
        assert {code for code, _, _ in ends} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    await asyncio.gather(*one_of_each(here))


async def test_what_was_let_in_is_counted_out_again(here: World, tmp_path: Path) -> None:
    store = tmp_path / "gateway.sqlite3"
    with held_up(store):
        slow = [new_key(here) for _ in range(SLOW_CALLS)]
        await asyncio.gather(*slow, return_exceptions=True)
    export: Any = audit_service_pb2_grpc.AuditServiceStub(here.channel).ExportEntries
    await each(export(audit_service_pb2.ExportEntriesRequest(), metadata=here.bearer()))
    await here.app.stop(WHILE)  # returns when every call has ended
    assert (len(here.app.admission.calls), len(here.app.admission.streams)) == (0, 0)


class Gone(LocalContext):
    """A call whose client is gone."""

    def peer(self) -> str:
        raise RuntimeError("there is no peer any more")


async def test_a_call_that_fails_on_its_way_in_holds_no_place(here: World) -> None:
    method = methods_with_policy(contract.methods())[f"{AUTH}/ListApiKeys"]
    await here.call("Unary", b"")  # whoever calls is known from now on
    set_current_call(CurrentCall(method.path, here.bearer(), None))
    admission, context = here.app.admission, cast("Context", Gone((), None))
    with pytest.raises(RuntimeError):
        await admission.admit(method, context)
    assert (len(admission.calls), admission.calls.of("default")) == (0, 0)
