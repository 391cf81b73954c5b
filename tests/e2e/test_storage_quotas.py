"""A tenant's storage quotas, from the platform's key to the refusal and the status."""

from __future__ import annotations

import uuid
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.gateway.v1 import status_service_pb2 as status_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from tests.support.platform import Platform, Services
from tests.support.stores import document, tree


def ingest(services: Services, name: str) -> None:
    services.capture.Ingest(capture_pb.IngestRequest(native=document(tree(name))))


def stored(services: Services) -> dict[str, dict[str, tuple[int, int]]]:
    """What the caller's tenant has used, and what it may, by backend and quota."""
    status = services.status.GetStatus(status_pb.GetStatusRequest())
    assert all(backend.storage_known for backend in status.backends)
    return {
        backend.name: {quota.quota: (quota.used, quota.limit) for quota in backend.storage}
        for backend in status.backends
    }


def test_a_tenant_is_held_to_the_quotas_that_the_platform_gives_it(platform: Platform) -> None:
    key = (Path(platform.data) / "gateway" / "platform.key").read_text().strip()
    name = f"t{uuid.uuid4().hex[:8]}"
    with platform.services(key) as owner, platform.services() as others:
        quotas = tenant_pb.Quotas(captures=2, templates=3, burst=500, per_minute=10_000)
        made = owner.tenants.CreateTenant(
            tenant_pb.CreateTenantRequest(tenant_id=name, quotas=quotas)
        )
        assert made.tenant.quotas == quotas
        before = stored(others)
        with platform.services(made.secret) as services:
            assert stored(services)["capture"]["captures"] == (0, 2)
            ingest(services, "one")
            ingest(services, "two")
            with pytest.raises(grpc.RpcError) as failed:
                ingest(services, "three")
            status = rpc_status.from_call(failed.value)  # type: ignore[arg-type] # it is one
            info = error_details_pb2.ErrorInfo()
            assert status is not None
            assert status.details[0].Unpack(info)
            assert (info.reason, info.metadata["quota"]) == ("QUOTA_EXCEEDED", "captures")
            told = stored(services)
            assert told["capture"]["captures"] == (2, 2)
            assert told["capture"]["stored_bytes"][0] > 200
            assert told["diff"]["templates"] == (0, 3)
            assert told["diff"]["events"][1] == 1_000_000
            # raised: at once, on every gateway within a second
            quotas.captures = 3
            request = tenant_pb.UpdateTenantQuotasRequest(tenant_id=name, quotas=quotas)
            assert owner.tenants.UpdateTenantQuotas(request).tenant.quotas.captures == 3
            ingest(services, "three")
            assert stored(services)["capture"]["captures"] == (3, 3)
        # of others nothing was told, and nothing has changed
        assert stored(others)["capture"]["captures"][1] == before["capture"]["captures"][1]
