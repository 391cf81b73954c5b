"""LogService."""

from __future__ import annotations

from systemzero.log.v1 import log_service_pb2, log_service_pb2_grpc
from systemzero_chassis.identity import current_principal
from systemzero_chassis.ids import PageTokens
from systemzero_chassis.loghandlers import LogHandlers
from systemzero_chassis.logstore import LogStore


class LogServicer(LogHandlers, log_service_pb2_grpc.LogServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, log: LogStore, tokens: PageTokens) -> None:
        super().__init__(log, tokens, _tenant, log_service_pb2, "Evidence log")


def _tenant() -> str:
    return current_principal().tenant
