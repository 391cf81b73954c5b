"""Tenants: managed with a key of the tenant `platform`; any other key sees its own tenant alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from systemzero.gateway.v1 import tenant_service_pb2 as pb
from systemzero.gateway.v1 import tenant_service_pb2_grpc
from systemzero_client.channel import Transport


class Tenants:
    """TenantService."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stub = tenant_service_pb2_grpc.TenantServiceStub(transport.channel)

    async def create(
        self, tenant_id: str, *, quotas: pb.Quotas | None = None
    ) -> pb.CreateTenantResponse:
        """Create a tenant; the answer alone has the secret of its first admin key."""
        request = pb.CreateTenantRequest(tenant_id=tenant_id, quotas=quotas)
        response: pb.CreateTenantResponse = await self._transport.unary(
            self._stub.CreateTenant, request
        )
        return response

    async def get(self, tenant_id: str = "") -> pb.Tenant:
        """A tenant; the caller's own where no id is given."""
        request = pb.GetTenantRequest(tenant_id=tenant_id)
        response: pb.GetTenantResponse = await self._transport.unary(self._stub.GetTenant, request)
        return response.tenant

    async def list(self, *, page_size: int = 200) -> AsyncGenerator[pb.Tenant]:
        """The tenants that the caller may see, by id."""
        request = pb.ListTenantsRequest(page_size=page_size)
        async for tenant in self._transport.pages(self._stub.ListTenants, request, "tenants"):
            yield tenant

    async def set_quotas(self, tenant_id: str, quotas: pb.Quotas) -> pb.Tenant:
        """Replace a tenant's quotas; what is not set is as the platform has it."""
        request = pb.UpdateTenantQuotasRequest(tenant_id=tenant_id, quotas=quotas)
        response: pb.UpdateTenantQuotasResponse = await self._transport.unary(
            self._stub.UpdateTenantQuotas, request
        )
        return response.tenant

    async def suspend(self, tenant_id: str) -> pb.Tenant:
        """Suspend a tenant: none of its keys and tokens works."""
        request = pb.SuspendTenantRequest(tenant_id=tenant_id)
        response: pb.SuspendTenantResponse = await self._transport.unary(
            self._stub.SuspendTenant, request
        )
        return response.tenant

    async def resume(self, tenant_id: str) -> pb.Tenant:
        """Resume a suspended tenant."""
        request = pb.ResumeTenantRequest(tenant_id=tenant_id)
        response: pb.ResumeTenantResponse = await self._transport.unary(
            self._stub.ResumeTenant, request
        )
        return response.tenant
