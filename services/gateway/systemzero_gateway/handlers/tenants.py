"""TenantService: makes, reads, lists, bounds, suspends and resumes tenants."""

from __future__ import annotations

from typing import Any

from systemzero.gateway.v1 import tenant_service_pb2 as pb
from systemzero.gateway.v1 import tenant_service_pb2_grpc
from systemzero_gateway.access.caller import current_caller
from systemzero_gateway.codec import messages
from systemzero_gateway.credentials.identity import Identity
from systemzero_wire import fields


class TenantServicer(tenant_service_pb2_grpc.TenantServiceServicer):
    """Tenants. Every change is followed by a look at the revision on the next call."""

    def __init__(self, identity: Identity) -> None:
        self._tenants = identity.tenants
        self._authenticator = identity.authenticator

    async def CreateTenant(
        self, request: pb.CreateTenantRequest, context: Any
    ) -> pb.CreateTenantResponse:
        """See the contract."""
        quotas = messages.quotas_of(request.quotas)
        tenant, key, secret = await self._tenants.create(
            current_caller(), request.tenant_id, quotas
        )
        self._authenticator.forget()
        return pb.CreateTenantResponse(
            tenant=messages.tenant(tenant), api_key=messages.api_key(key), secret=secret.reveal()
        )

    async def GetTenant(self, request: pb.GetTenantRequest, context: Any) -> pb.GetTenantResponse:
        """See the contract."""
        tenant = await self._tenants.get(current_caller(), _id(request))
        return pb.GetTenantResponse(tenant=messages.tenant(tenant))

    async def ListTenants(
        self, request: pb.ListTenantsRequest, context: Any
    ) -> pb.ListTenantsResponse:
        """See the contract."""
        tenants, token = await self._tenants.page(
            current_caller(), request.page_size, request.page_token
        )
        return pb.ListTenantsResponse(
            tenants=[messages.tenant(tenant) for tenant in tenants], next_page_token=token
        )

    async def UpdateTenantQuotas(
        self, request: pb.UpdateTenantQuotasRequest, context: Any
    ) -> pb.UpdateTenantQuotasResponse:
        """See the contract."""
        quotas = messages.quotas_of(request.quotas)
        tenant = await self._tenants.set_quotas(_id(request), quotas)
        self._authenticator.forget()
        return pb.UpdateTenantQuotasResponse(tenant=messages.tenant(tenant))

    async def SuspendTenant(
        self, request: pb.SuspendTenantRequest, context: Any
    ) -> pb.SuspendTenantResponse:
        """See the contract."""
        tenant = await self._tenants.suspend(_id(request))
        self._authenticator.forget()
        return pb.SuspendTenantResponse(tenant=messages.tenant(tenant))

    async def ResumeTenant(
        self, request: pb.ResumeTenantRequest, context: Any
    ) -> pb.ResumeTenantResponse:
        """See the contract."""
        tenant = await self._tenants.resume(_id(request))
        self._authenticator.forget()
        return pb.ResumeTenantResponse(tenant=messages.tenant(tenant))


def _id(request: Any) -> str:
    return fields.text(request.tenant_id, "tenant_id")
