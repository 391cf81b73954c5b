"""The gateway's own services, behind the admission that calls to backends have, too."""

from systemzero_gateway.handlers.audit import AuditServicer
from systemzero_gateway.handlers.auth import AuthServicer
from systemzero_gateway.handlers.registering import register
from systemzero_gateway.handlers.status import StatusServicer
from systemzero_gateway.handlers.tenants import TenantServicer

__all__ = ["AuditServicer", "AuthServicer", "StatusServicer", "TenantServicer", "register"]
