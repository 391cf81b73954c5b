"""LogService: reads, proves and exports the evidence log."""

from __future__ import annotations

from systemzero.log.v1 import log_service_pb2, log_service_pb2_grpc
from systemzero_base.ids import PageTokens
from systemzero_base.internal.identity import current_principal
from systemzero_evidence.handlers.methods import LogHandlers
from systemzero_evidence.log import LogStore


class LogServicer(LogHandlers, log_service_pb2_grpc.LogServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, log: LogStore, tokens: PageTokens) -> None:
        super().__init__(log, tokens, _tenant, log_service_pb2, "Evidence log")


def _tenant() -> str:
    return current_principal().tenant
