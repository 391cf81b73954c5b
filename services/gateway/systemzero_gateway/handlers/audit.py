"""AuditService: reads, proves and exports the audit log."""

from __future__ import annotations

from systemzero.gateway.v1 import audit_service_pb2, audit_service_pb2_grpc
from systemzero_base.ids import PageTokens
from systemzero_evidence.handlers.methods import LogHandlers
from systemzero_gateway.access.caller import current_caller
from systemzero_gateway.audit import AuditLog


class AuditServicer(LogHandlers, audit_service_pb2_grpc.AuditServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, audit: AuditLog, tokens: PageTokens) -> None:
        super().__init__(audit.store, tokens, _tenant, audit_service_pb2, "Audit log")


def _tenant() -> str:
    return current_caller().principal.tenant
