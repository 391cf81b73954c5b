"""The gateway's own services. They run behind its own admission, as backends do."""

from systemzero_gateway.handlers.audit import AuditServicer
from systemzero_gateway.handlers.auth import AuthServicer
from systemzero_gateway.handlers.status import StatusServicer
from systemzero_gateway.handlers.tenants import TenantServicer

__all__ = ["AuditServicer", "AuthServicer", "StatusServicer", "TenantServicer"]
