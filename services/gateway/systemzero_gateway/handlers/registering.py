"""The gateway's own servicers, and what it takes to have them served."""

from __future__ import annotations

from systemzero.gateway.v1 import audit_service_pb2_grpc as audit
from systemzero.gateway.v1 import auth_service_pb2_grpc as auth
from systemzero.gateway.v1 import status_service_pb2_grpc as status
from systemzero.gateway.v1 import tenant_service_pb2_grpc as tenant
from systemzero_gateway.handlers.audit import AuditServicer
from systemzero_gateway.handlers.auth import AuthServicer
from systemzero_gateway.handlers.status import StatusServicer
from systemzero_gateway.handlers.tenants import TenantServicer
from systemzero_runtime.serving.registry import HandlerRegistry


def register(
    registry: HandlerRegistry,
    audits: AuditServicer,
    auths: AuthServicer,
    statuses: StatusServicer,
    tenants: TenantServicer,
) -> None:
    """Have the registry serve all of them."""
    registry.add(audit.add_AuditServiceServicer_to_server, audits)
    registry.add(auth.add_AuthServiceServicer_to_server, auths)
    registry.add(status.add_StatusServiceServicer_to_server, statuses)
    registry.add(tenant.add_TenantServiceServicer_to_server, tenants)
