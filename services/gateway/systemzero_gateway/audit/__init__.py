"""What the gateway decided about whom, in a tamper-evident log of its own."""

from systemzero_gateway.audit.act import Act, Decided
from systemzero_gateway.audit.log import AuditLog
from systemzero_gateway.audit.queue import AuditQueue

__all__ = ["Act", "AuditLog", "AuditQueue", "Decided"]
