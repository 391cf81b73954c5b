"""StatusService: what the platform and its backends say of themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from systemzero.gateway.v1 import status_service_pb2, status_service_pb2_grpc
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import LogVerificationError, parse_checkpoint
from systemzero_gateway.access.caller import current_caller
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.backends.status import newest_checkpoint, probe_all, usages
from systemzero_gateway.credentials.keys import MICROSECONDS


class StatusServicer(status_service_pb2_grpc.StatusServiceServicer):
    """`systemzero.gateway.v1.StatusService`."""

    def __init__(
        self,
        version: str,
        backends: Mapping[str, Backend],
        log_backend: str,
        signer: IdentitySigner,
    ) -> None:
        """`backends` by name, without the gateway itself; `log_backend` has the evidence log."""
        self._version = version
        self._start_time = datetime.now(UTC)
        self._backends = backends
        self._log_backend = log_backend
        self._signer = signer

    async def GetStatus(
        self, request: status_service_pb2.GetStatusRequest, context: Any
    ) -> status_service_pb2.GetStatusResponse:
        """See the contract."""
        principal = current_caller().principal
        response = status_service_pb2.GetStatusResponse(
            version=self._version, tenant=principal.tenant, principal=principal.principal_id
        )
        response.start_time.FromDatetime(self._start_time)
        probes, stored, newest = await asyncio.gather(
            probe_all(self._backends),
            usages(self._backends, self._signer, principal),
            self._of_log(principal),
        )
        response.MergeFrom(newest)
        for probe in probes:
            backend = response.backends.add(name=probe.name, serving=probe.serving)
            backend.breaker = status_service_pb2.BreakerState.ValueType(probe.breaker)
            if probe.latency is not None:
                backend.latency.FromNanoseconds(int(probe.latency * 1e9))
            usage = stored[probe.name]
            if usage is not None:
                backend.storage_known = True
                backend.storage.extend(usage.quotas)
        return response

    async def _of_log(self, principal: Principal) -> status_service_pb2.GetStatusResponse:
        """What is said of the tenant's log."""
        told = status_service_pb2.GetStatusResponse()
        backend = self._backends[self._log_backend]
        try:
            newest = await newest_checkpoint(backend, self._signer, principal)
        except DataCorrupted as error:
            told.log_damage = error.message
            return told
        with suppress(LogVerificationError):
            told.log_size = parse_checkpoint(newest.note).size
        if newest.HasField("create_time"):
            age = time.time() - newest.create_time.ToMicroseconds() / MICROSECONDS
            told.checkpoint_age.FromMicroseconds(int(max(0.0, age) * MICROSECONDS))
        return told
