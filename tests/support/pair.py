"""The capture and the diff service, real and together, without a network between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from systemzero.capture.v1 import (
    capture_service_pb2_grpc,
    pairing_service_pb2_grpc,
    tree_service_pb2_grpc,
)
from systemzero.diff.v1 import (
    diff_service_pb2_grpc,
    drift_service_pb2_grpc,
    judgement_service_pb2_grpc,
    template_service_pb2_grpc,
)
from systemzero.log.v1 import log_service_pb2_grpc
from systemzero.usage.v1 import usage_service_pb2_grpc
from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentitySigner,
    IdentityVerifier,
    Principal,
)
from systemzero_base.internal.quotas import NO_STORAGE_QUOTAS
from systemzero_capture.app import CaptureService
from systemzero_capture.config import CaptureSettings
from systemzero_diff.app import DiffService
from systemzero_diff.config import DiffSettings
from systemzero_runtime.interceptors.chain import Call
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from tests.support.services import KEY, TRUSTED, CalledAs, Clock, seconds

SILENCE = [
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
]
"""What gRPC says of a service that is not there; CANCELLED where it is just being stopped."""


class Pair:
    """Both services over one folder; `away` names the methods of either that do not answer,
    and what gRPC says of each then; `calls` counts those that were called; `quotas` are of every
    caller's tenant."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.away: dict[str, grpc.StatusCode] = {}
        self.calls: Counter[str] = Counter()
        self.quotas = NO_STORAGE_QUOTAS
        self._registries = {name: HandlerRegistry() for name in ("capture", "diff")}
        self._channels = {name: LocalChannel(r) for name, r in self._registries.items()}
        signers = {name: IdentitySigner(name, KEY, seconds) for name in TRUSTED}
        self._signers = signers
        self.capture_service = CaptureService(
            CaptureSettings(data=data / "capture", **settings),
            self._channels["diff"],
            signers["capture"],
            self.clock,
        )
        self.diff_service = DiffService(
            DiffSettings(data=data / "diff"),
            self._channels["capture"],
            signers["diff"],
            self.clock,
        )
        for service in (self.capture_service, self.diff_service):
            registry = HandlerRegistry(
                [
                    errors_interceptor(lambda *_: None),
                    self._absence,
                    identity_interceptor(_verifier(service)),
                ]
            )
            service.register(registry)
            self._registries[service.name].mount(registry)

    @asynccontextmanager
    async def _absence(self, call: Call) -> AsyncIterator[None]:
        if not call.method.endswith("/Pair"):  # that nobody asked for
            self.calls[call.method.rpartition("/")[2]] += 1
        if said := self.away.get(call.method.rpartition("/")[2]):
            await call.context.abort(said, "away")
        yield

    def stub(self, kind: Any, name: str, tenant: str, issuer: str = "gateway") -> Any:
        """A stub of the service `name`, that calls as somebody of `tenant`, through `issuer`."""
        token = self._signers[issuer].token(Principal(tenant, "key_1", self.quotas), name)
        return CalledAs(kind(self._channels[name]), [(METADATA_KEY, token)])

    def captures(self, tenant: str = "acme") -> Any:
        return self.stub(capture_service_pb2_grpc.CaptureServiceStub, "capture", tenant)

    def templates(self, tenant: str = "acme") -> Any:
        return self.stub(template_service_pb2_grpc.TemplateServiceStub, "diff", tenant)

    def judgements(self, tenant: str = "acme", issuer: str = "capture") -> Any:
        kind = judgement_service_pb2_grpc.JudgementServiceStub
        return self.stub(kind, "diff", tenant, issuer)

    def trees(self, tenant: str = "acme", issuer: str = "diff") -> Any:
        return self.stub(tree_service_pb2_grpc.TreeServiceStub, "capture", tenant, issuer)

    def pairing(self, tenant: str = "acme", issuer: str = "diff") -> Any:
        kind = pairing_service_pb2_grpc.PairingServiceStub
        return self.stub(kind, "capture", tenant, issuer)

    def diff(self, tenant: str = "acme") -> Any:
        return self.stub(diff_service_pb2_grpc.DiffServiceStub, "diff", tenant)

    def drift(self, tenant: str = "acme") -> Any:
        return self.stub(drift_service_pb2_grpc.DriftServiceStub, "diff", tenant)

    def usage(self, name: str, tenant: str = "acme") -> Any:
        return self.stub(usage_service_pb2_grpc.UsageServiceStub, name, tenant)

    def log(self, tenant: str = "acme") -> Any:
        return self.stub(log_service_pb2_grpc.LogServiceStub, "diff", tenant)


def _verifier(service: Any) -> IdentityVerifier:
    return IdentityVerifier(service.name, {name: KEY.public_key() for name in TRUSTED}, seconds)


@asynccontextmanager
async def pair(data: Path, **settings: Any) -> AsyncIterator[Pair]:
    """Both services, started."""
    served = Pair(data, **settings)
    services = (served.diff_service, served.capture_service)
    for service in services:
        await service.start()
    try:
        yield served
    finally:
        for service in reversed(services):
            await service.stop()
